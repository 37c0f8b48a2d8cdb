"""Energy of a trial: a hardware counter around a synchronised window, or nothing with the reason; never 0.

On a GPU the counter is NVML's total energy. Polled power is integrated as a second figure and only checks the first:
on recent GPUs the power reading covers a part of the time (methodology, item 13). On a CPU it is RAPL.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol

from bench.meters.nvml import NvmlDevice, NvmlError, cuda_ordinal, open_device
from bench.meters.rapl import RaplCounter, RaplError
from bench.meters.sampler import Sampler

MINIMUM_WINDOW_SECONDS = 2.0
"""Below it the counter's own refresh (up to 0.1 s) is too large a share."""
AGREEMENT = 0.2
"""Relative difference of counter and integrated power above which the reading is flagged."""
IDLE_SECONDS = 0.5
_NOT_STARTED = "the energy meter was stopped before it was started"


@dataclass(frozen=True)
class EnergyReading:
    """Energy between `start` and `stop`."""

    joules: float | None
    """Everything the device took, idle power included; None where it is unknown."""
    details: dict[str, Any] = field(default_factory=dict)
    """`source`, `window_seconds`, `idle_watts`, `joules_above_idle`, `polled_joules`, `figures_disagree`, and
    `reason` where there is no figure."""


class _Source(Protocol):
    definition: str
    poll_seconds: float

    def objection(self) -> str | None: ...

    def joules(self) -> float: ...

    def watts(self) -> float | None: ...


class EnergyMeter:
    """Measures the energy of `device` (`cpu`, `cuda` or `cuda:1`).

    `start` takes half a second for the idle baseline where there is a counter, so call it outside scored time.

    Args:
        device: where the trial computes.
        nvml: the GPU as NVML sees it; None opens it where `device` is a GPU.
    """

    def __init__(self, device: str, nvml: NvmlDevice | None = None) -> None:
        self._device = device
        self._nvml = nvml
        self._window: _Window | None = None
        self._reason: str | None = _NOT_STARTED

    def start(self) -> None:
        """Open the counter, take the idle baseline, and open the window."""
        self._window, self._reason = None, None
        try:
            source: _Source = self._open()
            self._reason = source.objection()
            if self._reason is None:
                self._window = _Window(source, self._synchronize)
        except (NvmlError, RaplError) as error:
            self._reason = str(error)

    def stop(self) -> EnergyReading:
        """Close the window and return its energy; whatever failed becomes the reason, never an error."""
        if self._window is None:
            return EnergyReading(None, {"reason": self._reason})
        window, self._window, self._reason = self._window, None, _NOT_STARTED
        try:
            return window.close()
        except (NvmlError, RaplError) as error:
            return EnergyReading(None, {"reason": str(error)})

    def _open(self) -> _Source:
        if not self._device.startswith("cuda"):
            return _Rapl(RaplCounter())
        return _Gpu(self._nvml or open_device(cuda_ordinal(self._device)))

    def _synchronize(self) -> None:
        torch = sys.modules.get("torch")
        # a process that never touched CUDA has no work on the device to wait for
        if torch is not None and self._device.startswith("cuda") and torch.cuda.is_initialized():
            torch.cuda.synchronize(self._device)


class _Window:
    def __init__(self, source: _Source, synchronize: Callable[[], None]) -> None:
        self._source = source
        self._synchronize = synchronize
        self._polled: list[tuple[float, float]] = []
        synchronize()
        self._idle_watts = _idle_watts(source)
        self._sampler = Sampler(self._poll, source.poll_seconds)
        self._sampler.start()
        self._joules, self._started_ns = source.joules(), time.perf_counter_ns()

    def close(self) -> EnergyReading:
        self._synchronize()
        self._sampler.stop()
        joules = self._source.joules() - self._joules
        seconds = (time.perf_counter_ns() - self._started_ns) * 1e-9
        details = {
            "source": self._source.definition,
            "window_seconds": seconds,
            "idle_watts": self._idle_watts,
        }
        reason = self._objection(joules, seconds)
        if reason is not None:
            return EnergyReading(None, {**details, "reason": reason})
        details["joules_above_idle"] = joules - self._idle_watts * seconds
        return EnergyReading(joules, {**details, **self._second_figure(joules)})

    def _objection(self, joules: float, seconds: float) -> str | None:
        if seconds < MINIMUM_WINDOW_SECONDS:
            return (
                f"the window of {seconds:.2f} s is shorter than {MINIMUM_WINDOW_SECONDS:.0f} s, too short for the"
                " energy counter"
            )
        if joules <= 0:
            return f"the energy counter moved by {joules:.3f} J in {seconds:.2f} s, so it does not work here"
        return self._source.objection()

    def _second_figure(self, joules: float) -> dict[str, Any]:
        if self._sampler.error is not None:
            return {"polled_joules": None, "polled_reason": str(self._sampler.error)}
        if not self._polled:
            return {}
        polled = integrate(self._polled)
        return {"polled_joules": polled, "figures_disagree": abs(polled - joules) > AGREEMENT * joules}

    def _poll(self) -> None:
        watts = self._source.watts()
        if watts is None:
            self._source.joules()  # a counter that wraps must be read in between
        else:
            self._polled.append((time.perf_counter_ns() * 1e-9, watts))


def integrate(samples: list[tuple[float, float]]) -> float:
    """Joules under `samples` of (seconds, watts), by the trapezoidal rule."""
    return sum((after - before) * (low + high) / 2 for (before, low), (after, high) in pairwise(samples))


def _idle_watts(source: _Source) -> float:
    started_ns, before = time.perf_counter_ns(), source.joules()
    polled = []
    while (elapsed := (time.perf_counter_ns() - started_ns) * 1e-9) < IDLE_SECONDS:
        watts = source.watts()
        if watts is not None:
            polled.append(watts)
        time.sleep(0.05)
    # half a second is too short for NVML's counter, so that polled power is the better baseline there
    return sum(polled) / len(polled) if polled else (source.joules() - before) / elapsed


class _Gpu:
    definition = "NVML total energy of the whole GPU"
    poll_seconds = 0.1

    def __init__(self, device: NvmlDevice) -> None:
        self._device = device

    def objection(self) -> str | None:
        if self._device.is_partitioned():
            return "the GPU is split by MIG, and its energy counter covers all tenants"
        processes = len(self._device.process_bytes())
        if processes > 1:
            return f"{processes} processes share the GPU, and its energy counter covers all of them"
        return None

    def joules(self) -> float:
        return self._device.energy_millijoules() * 1e-3

    def watts(self) -> float:
        return self._device.power_milliwatts() * 1e-3


class _Rapl:
    definition = "RAPL energy of all CPU packages, every process of the machine included"
    poll_seconds = 10.0

    def __init__(self, counter: RaplCounter) -> None:
        self._counter = counter

    def objection(self) -> str | None:
        return None

    def joules(self) -> float:
        return self._counter.joules()

    def watts(self) -> None:
        return None
