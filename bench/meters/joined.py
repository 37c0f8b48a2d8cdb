"""Readings of the processes that trained one trial together, as one reading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.meters.energy import EnergyReading
from bench.meters.memory import MemoryReading


def joined_memory(readings: Sequence[MemoryReading]) -> MemoryReading:
    """The sum of the processes' peaks, which is what a user must have; the largest of one process stands beside it.

    The peaks need not fall together, so that the sum is an upper bound of what was held at any moment.

    Args:
        readings: one a process, the first process first.
    """
    if len(readings) == 1:
        return readings[0]
    count = len(readings)
    numbers: dict[str, dict[str, Any]] = {}
    for name in [name for name in readings[0].numbers if all(name in reading.numbers for reading in readings)]:
        values, said = [reading.numbers[name]["bytes"] for reading in readings], readings[0].numbers[name]["definition"]
        numbers[name] = {"bytes": sum(values), "definition": f"sum of the peaks of {count} processes, each: {said}"}
        numbers[f"{name}_largest"] = {"bytes": max(values), "definition": f"largest of {count} processes: {said}"}
    peaks = [reading.peak_bytes for reading in readings]
    reasons = [f"process {rank}: {reading.reason}" for rank, reading in enumerate(readings) if reading.reason]
    known = [peak for peak in peaks if peak is not None]
    return MemoryReading(sum(known) if len(known) == count else None, numbers, "; ".join(reasons) or None)


def joined_energy(readings: Sequence[EnergyReading], device: str) -> EnergyReading:
    """The sum over GPUs. On a CPU the first process's, whose counter covers the whole machine.

    Args:
        readings: one a process, the first process first.
        device: `cpu` or a GPU.
    """
    if len(readings) == 1 or not device.startswith("cuda"):
        return readings[0]
    details = [reading.details for reading in readings]
    known = [reading.joules for reading in readings if reading.joules is not None]
    if len(known) < len(readings):
        reasons = [f"process {rank}: {each['reason']}" for rank, each in enumerate(details) if "reason" in each]
        return EnergyReading(None, {"reason": "; ".join(reasons), "devices": details})
    above = [each["joules_above_idle"] for each in details]
    source = f"sum over {len(readings)} GPUs: {details[0]['source']}"
    return EnergyReading(sum(known), {"source": source, "joules_above_idle": sum(above), "devices": details})
