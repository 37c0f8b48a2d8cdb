"""How fast this machine is now: seconds of fixed kernels, taken before and after every session.

A session whose calibration moved by more than 3 % was measured on two machines (methodology, item 11). Runs in a
process of its own, `python -m bench.meters.calibration --device cpu --threads 2`, which prints one line of JSON:
the runner that asks for it stays free of torch.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from bench.errors import BenchError

if TYPE_CHECKING:
    import torch

DRIFT_LIMIT = 0.03
"""Relative change of a kernel above which a session is flagged."""

_SEED = 20_250_101
_SECONDS_PER_KERNEL = 0.3
_FEWEST, _MOST = 5, 200
_LAUNCHES = 200

Kernel = Callable[[], object]


def calibrate(device: str, threads: int) -> dict[str, float]:
    """Median seconds of each kernel on `device`, in about one second.

    `gemm` multiplies two dense matrices, `aggregate` sums the neighbours' rows of a fixed random CSR graph, `gather`
    copies random rows; on a GPU also `host_to_device` (64 MiB from pinned memory) and `launch` (one tiny kernel).
    Sizes differ between CPU and GPU, so their figures are never compared with each other.

    Raises:
        BenchError: `threads` is not positive, or `device` is a GPU that torch cannot use.
    """
    import torch

    if threads < 1:
        raise BenchError(f"calibration cannot run on {threads} threads; give 1 or more")
    torch.set_num_threads(threads)
    on_gpu = device.startswith("cuda")
    if on_gpu and not torch.cuda.is_available():
        raise BenchError(f"device '{device}' cannot be calibrated because torch finds no usable CUDA device")
    kernels = _gpu_kernels(device) if on_gpu else _cpu_kernels()
    synchronize: Kernel = (lambda: torch.cuda.synchronize(device)) if on_gpu else (lambda: None)
    with torch.inference_mode():
        seconds = {name: _median_seconds(kernel, synchronize) for name, kernel in kernels.items()}
    if on_gpu:
        seconds["launch"] /= _LAUNCHES
    return seconds


def drift(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """Largest relative change of a kernel between two calibrations; 0.02 means 2 % faster or slower.

    Raises:
        BenchError: the two calibrations hold different kernels, or none.
    """
    if not before or before.keys() != after.keys():
        raise BenchError(
            f"calibrations of different kernels cannot be compared: {sorted(before)} and {sorted(after)};"
            " take both with the same version on the same device"
        )
    return max(abs(after[name] / before[name] - 1) for name in before)


def _median_seconds(kernel: Kernel, synchronize: Kernel) -> float:
    # the first calls pay page faults, thread pools and library handles, which the allocator keeps afterwards
    for _ in range(3):
        kernel()
    synchronize()
    samples: list[float] = []
    began = time.perf_counter()
    while len(samples) < _FEWEST or (len(samples) < _MOST and time.perf_counter() - began < _SECONDS_PER_KERNEL):
        started = time.perf_counter_ns()
        kernel()
        synchronize()
        samples.append((time.perf_counter_ns() - started) * 1e-9)
    return statistics.median(samples)


def _cpu_kernels() -> dict[str, Kernel]:
    import torch
    from torch.nn.functional import embedding_bag

    generator = torch.Generator().manual_seed(_SEED)
    left = torch.randn(768, 768, generator=generator)
    product = torch.empty_like(left)
    offsets, neighbours = _random_csr(nodes=40_000, degree=16, generator=generator)
    # outputs stay below 32 MiB, the size above which glibc maps and faults every allocation anew
    features = torch.randn(40_000, 64, generator=generator)
    rows = torch.randint(0, 40_000, (80_000,), generator=generator)
    gathered = torch.empty(80_000, 64)
    return {
        "gemm": lambda: torch.mm(left, left, out=product),
        "aggregate": lambda: embedding_bag(neighbours, features, offsets, mode="sum", include_last_offset=True),
        "gather": lambda: torch.index_select(features, 0, rows, out=gathered),
    }


def _gpu_kernels(device: str) -> dict[str, Kernel]:
    import torch

    generator = torch.Generator().manual_seed(_SEED)
    left = torch.randn(4096, 4096, generator=generator).to(device)
    product = torch.empty_like(left)
    offsets, neighbours = _random_csr(nodes=200_000, degree=16, generator=generator)
    weights = torch.ones(neighbours.numel())
    adjacency = torch.sparse_csr_tensor(offsets, neighbours, weights, (200_000, 200_000)).to(device)
    features = torch.randn(200_000, 128, generator=generator).to(device)
    rows = torch.randint(0, 200_000, (400_000,), generator=generator).to(device)
    gathered = torch.empty(400_000, 128, device=device)
    pinned = torch.zeros(64 * 2**20, dtype=torch.uint8).pin_memory()
    received = torch.empty_like(pinned, device=device)
    tiny = torch.zeros(1, device=device)

    def launch() -> None:
        for _ in range(_LAUNCHES):
            tiny.add_(1)

    return {
        "gemm": lambda: torch.mm(left, left, out=product),
        "aggregate": lambda: torch.sparse.mm(adjacency, features),
        "gather": lambda: torch.index_select(features, 0, rows, out=gathered),
        "host_to_device": lambda: received.copy_(pinned, non_blocking=True),
        "launch": launch,
    }


def _random_csr(nodes: int, degree: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    degrees = torch.randint(0, 2 * degree + 1, (nodes,), generator=generator)
    offsets = torch.zeros(nodes + 1, dtype=torch.int64)
    torch.cumsum(degrees, 0, out=offsets[1:])
    return offsets, torch.randint(0, nodes, (int(offsets[-1]),), generator=generator)


def main(arguments: list[str] | None = None) -> None:
    """Print the calibration of one device as one line of JSON."""
    parser = argparse.ArgumentParser(prog="bench.meters.calibration")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, required=True)
    chosen = parser.parse_args(arguments)
    try:
        print(json.dumps(calibrate(chosen.device, chosen.threads)))
    except BenchError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
