"""Calibration prints positive seconds of its kernels; drift by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from bench.errors import BenchError
from bench.meters import calibration
from bench.meters.calibration import DRIFT_LIMIT, calibrate, drift


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(
        [sys.executable, "-m", "bench.meters.calibration", *arguments],
        env=environment,
        capture_output=True,
        text=True,
    )


def test_the_process_prints_one_line_of_json() -> None:
    finished = run("--device", "cpu", "--threads", "1")
    assert finished.returncode == 0, finished.stderr
    seconds = json.loads(finished.stdout)
    assert list(seconds) == ["gemm", "aggregate", "gather"]
    assert all(0 < value < 1 for value in seconds.values())
    assert finished.stdout.count("\n") == 1


def test_a_device_that_is_not_there_is_one_sentence() -> None:
    finished = run("--device", "cuda", "--threads", "1")
    assert finished.returncode == 1
    assert finished.stderr.startswith("device 'cuda' cannot be calibrated")
    assert finished.stderr.count("\n") == 1


def test_the_graph_of_the_kernel_is_always_the_same() -> None:
    import torch

    graphs = [calibration._random_csr(50, 4, torch.Generator().manual_seed(1)) for _ in range(2)]
    assert all(torch.equal(first, second) for first, second in zip(*graphs, strict=True))
    offsets, neighbours = graphs[0]
    assert (offsets[0], offsets[-1]) == (0, neighbours.numel())
    assert bool((offsets.diff() >= 0).all()) and int(neighbours.max()) < 50


def test_threads_must_be_positive() -> None:
    with pytest.raises(BenchError, match="on 0 threads"):
        calibrate("cpu", 0)


def test_drift_is_the_largest_relative_change() -> None:
    before = {"gemm": 0.100, "aggregate": 0.200}
    assert drift(before, {"gemm": 0.102, "aggregate": 0.190}) == pytest.approx(0.05)  # 10 ms of 200 ms
    assert drift(before, {"gemm": 0.102, "aggregate": 0.201}) == pytest.approx(0.02)
    assert drift(before, before) == 0 < DRIFT_LIMIT == 0.03


@pytest.mark.parametrize(("before", "after"), [({}, {}), ({"gemm": 1.0}, {"gather": 1.0})])
def test_drift_needs_the_same_kernels(before: dict[str, float], after: dict[str, float]) -> None:
    with pytest.raises(BenchError, match="different kernels"):
        drift(before, after)


def test_a_real_gpu_also_measures_transfer_and_launch() -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device on this machine")
    seconds = calibrate("cuda", 1)
    assert list(seconds) == ["gemm", "aggregate", "gather", "host_to_device", "launch"]
    assert all(0 < value < 1 for value in seconds.values())
