"""Peak memory of a trial: one headline number, and every number with its definition.

On a CPU the high-water mark of the kernel is reset after loading, so that no spike is missed. On a GPU there are
three numbers (methodology, item 12): what tensors needed, what the allocator took, what the card had to have.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol

from bench.errors import BenchError
from bench.meters import resident
from bench.meters.nvml import NvmlDevice, NvmlError, cuda_ordinal, open_device
from bench.meters.sampler import Sampler

# the caching allocator hardly ever gives memory back, so that the process's memory moves in long steps
SAMPLING_SECONDS = 0.1


@dataclass(frozen=True)
class MemoryReading:
    """Peak memory between `start` and `stop`."""

    peak_bytes: int | None
    """The headline: allocated peak on a GPU, resident peak above the start on a CPU; None where unknown."""
    numbers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Each number as {"bytes": int, "definition": str}."""
    reason: str | None = None
    """One sentence on what is missing or does not fit together."""


class _Meter(Protocol):
    def start(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def stop(self) -> MemoryReading: ...


class MemoryMeter:
    """Measures the peak of this process on `device` (`cpu`, `cuda` or `cuda:1`).

    Call `start` after loading and warming up and before the model is built.

    Args:
        device: where the trial computes.
        nvml: the GPU as NVML sees it; None opens it where `device` is a GPU.
    """

    def __init__(self, device: str, nvml: NvmlDevice | None = None) -> None:
        self._meter: _Meter = _CudaMemory(device, nvml) if device.startswith("cuda") else _CpuMemory()
        self._started = False

    def start(self) -> None:
        """Free what loading left behind, then reset the peak."""
        self._meter.start()
        self._started = True

    @contextmanager
    def excluded(self) -> Iterator[None]:
        """Keep what happens inside out of the headline, as the clock does with evaluation; it is read apart."""
        self._meter.pause()
        try:
            yield
        finally:
            self._meter.resume()

    def stop(self) -> MemoryReading:
        """The peak since `start`.

        Raises:
            BenchError: the meter was never started.
        """
        if not self._started:
            raise BenchError("the memory meter was stopped before it was started; call start() after loading")
        self._started = False
        return self._meter.stop()


_EVALUATION_RSS = "the same while predicting for an evaluation, which is no part of the headline"


class _CpuMemory:
    def start(self) -> None:
        resident.give_back_free_memory()
        self._reset = resident.reset_high_water_mark()
        self._maximum = resident.lifetime_maximum_bytes()
        self._level = resident.current_bytes()
        self._peak = self._excluded = 0

    def pause(self) -> None:
        if self._reset:
            self._peak = max(self._peak, resident.high_water_mark_bytes())
            resident.reset_high_water_mark()

    def resume(self) -> None:
        if self._reset:
            self._excluded = max(self._excluded, resident.high_water_mark_bytes())
            resident.reset_high_water_mark()

    def stop(self) -> MemoryReading:
        if self._reset and self._level is not None:
            peak = max(self._peak, resident.high_water_mark_bytes()) - self._level
            definition = (
                "VmHWM minus the resident set at the start, after the kernel's high-water mark was reset"
                " through /proc/self/clear_refs; this process only; evaluation left out"
            )
            numbers = {"rss_above_start": {"bytes": peak, "definition": definition}}
            if self._excluded:
                numbers["evaluation"] = {"bytes": self._excluded - self._level, "definition": _EVALUATION_RSS}
            return MemoryReading(peak, numbers)
        return self._from_lifetime_maximum()

    def _from_lifetime_maximum(self) -> MemoryReading:
        maximum = resident.lifetime_maximum_bytes()
        if maximum <= self._maximum:
            return MemoryReading(
                None,
                reason="the peak stayed below that of loading, and this system cannot reset it"
                " (/proc/self/clear_refs is refused), so that the peak of training is unknown",
            )
        level, origin = self._level, "the resident set at the start"
        if level is None:
            level, origin = (
                self._maximum,
                "the largest resident set before the start, a lower bound of the peak",
            )
        definition = (
            f"ru_maxrss of this process minus {origin}; the system resets no high-water mark, so with evaluation"
        )
        peak = maximum - level
        return MemoryReading(peak, {"maxrss_above_start": {"bytes": peak, "definition": definition}})


class _CudaMemory:
    def __init__(self, device: str, nvml: NvmlDevice | None) -> None:
        self._device = device
        self._nvml = nvml
        self._reason: str | None = None
        self._peaks: dict[str, int] = {}

    def start(self) -> None:
        import torch

        resident.give_back_free_memory()
        torch.cuda.synchronize(self._device)
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(self._device)
        self._peaks.clear()
        self._allocated = self._reserved = self._excluded = 0
        try:
            self._nvml = self._nvml or open_device(cuda_ordinal(self._device))
        except NvmlError as error:
            self._reason = str(error)
            return
        self._sampler = Sampler(self._sample, SAMPLING_SECONDS)
        self._sampler.start()

    def pause(self) -> None:
        self._allocated, self._reserved = self._highest()
        self._reset_peaks()

    def resume(self) -> None:
        import torch

        self._excluded = max(self._excluded, torch.cuda.max_memory_allocated(self._device))
        self._reset_peaks()

    def stop(self) -> MemoryReading:
        import torch

        torch.cuda.synchronize(self._device)
        if self._nvml is not None:
            self._sampler.stop()
            if self._sampler.error is not None:
                self._reason = str(self._sampler.error)
        reading = cuda_reading(*self._highest(), self._peaks, self._reason)
        if self._excluded:
            reading.numbers["evaluation"] = {"bytes": self._excluded, "definition": _EVALUATION_ALLOCATED}
        return reading

    def _highest(self) -> tuple[int, int]:
        import torch

        return (
            max(self._allocated, torch.cuda.max_memory_allocated(self._device)),
            max(self._reserved, torch.cuda.max_memory_reserved(self._device)),
        )

    def _reset_peaks(self) -> None:
        import torch

        torch.cuda.reset_peak_memory_stats(self._device)

    def _sample(self) -> None:
        assert self._nvml is not None
        for name, value in observe(self._nvml).items():
            self._peaks[name] = max(self._peaks.get(name, 0), value)


def observe(nvml: NvmlDevice) -> dict[str, int]:
    """Bytes that NVML sees now: {"process": n}, or {"device": n} where it does not list this process.

    A container hides process numbers, and some platforms hide the memory of a process.
    """
    mine = nvml.process_bytes().get(os.getpid())
    return {"device": nvml.memory_used_bytes()} if mine is None else {"process": mine}


_EVALUATION_ALLOCATED = "torch.cuda.max_memory_allocated while predicting for an evaluation"

# in the order that the check demands
_DEFINITIONS = {
    "allocated": "torch.cuda.max_memory_allocated since the start: bytes of live tensors; evaluation left out",
    "reserved": (
        "torch.cuda.max_memory_reserved since the start: bytes the caching allocator took; it keeps evaluation's"
    ),
    "process": (
        "largest memory of this process by NVML, sampled because NVML keeps no peak; includes the CUDA"
        " context and evaluation, and a spike between two samples is missed"
    ),
    "device": (
        "largest memory in use on the whole device by NVML, sampled, all processes included, because NVML"
        " does not list this process"
    ),
}


def cuda_reading(allocated: int, reserved: int, seen: dict[str, int], reason: str | None) -> MemoryReading:
    """Join the allocator's two peaks with what NVML saw, and check allocated <= reserved <= process.

    A broken order does not lose the reading: it is stored with a sentence that says which numbers disagree.
    """
    peaks = {"allocated": allocated, "reserved": reserved, **seen}
    in_order = [(name, peaks[name]) for name in _DEFINITIONS if name in peaks]
    for (smaller, low), (larger, high) in pairwise(in_order):
        if low > high:
            reason = f"the {smaller} peak, {low} bytes, exceeds the {larger} peak, {high} bytes; trust neither"
    numbers = {name: {"bytes": value, "definition": _DEFINITIONS[name]} for name, value in in_order}
    return MemoryReading(allocated, numbers, reason)
