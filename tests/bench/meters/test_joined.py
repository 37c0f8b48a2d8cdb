"""Readings of several processes as one."""

from __future__ import annotations

from bench.meters.energy import EnergyReading
from bench.meters.joined import joined_energy, joined_memory
from bench.meters.memory import MemoryReading


def memory(peak: int | None, reason: str | None = None) -> MemoryReading:
    numbers = {} if peak is None else {"allocated": {"bytes": peak, "definition": "live tensors"}}
    return MemoryReading(peak, numbers, reason)


def test_memory_is_the_sum_and_the_largest_stands_beside() -> None:
    reading = joined_memory([memory(300), memory(500), memory(100)])
    assert reading.peak_bytes == 900
    assert reading.numbers["allocated"]["bytes"] == 900
    assert reading.numbers["allocated"]["definition"] == "sum of the peaks of 3 processes, each: live tensors"
    assert reading.numbers["allocated_largest"]["bytes"] == 500
    assert reading.reason is None


def test_one_unknown_peak_makes_the_sum_unknown_with_its_reason() -> None:
    reading = joined_memory([memory(300), memory(None, "no /proc")])
    assert (reading.peak_bytes, reading.numbers, reading.reason) == (None, {}, "process 1: no /proc")


def test_one_process_keeps_its_own_readings() -> None:
    reading, energy = memory(300), EnergyReading(5.0, {"source": "NVML"})
    assert joined_memory([reading]) is reading
    assert joined_energy([energy], "cuda") is energy


def energy(joules: float | None, **details: object) -> EnergyReading:
    return EnergyReading(joules, {"source": "NVML", **details})


def test_energy_of_gpus_is_summed() -> None:
    reading = joined_energy([energy(50.0, joules_above_idle=30.0), energy(70.0, joules_above_idle=45.0)], "cuda:0")
    assert reading.joules == 120.0
    assert reading.details["joules_above_idle"] == 75.0
    assert reading.details["source"] == "sum over 2 GPUs: NVML"
    assert [each["joules_above_idle"] for each in reading.details["devices"]] == [30.0, 45.0]


def test_energy_of_one_gpu_that_is_unknown_makes_the_sum_unknown() -> None:
    reading = joined_energy([energy(50.0, joules_above_idle=30.0), energy(None, reason="too short")], "cuda:0")
    assert (reading.joules, reading.details["reason"]) == (None, "process 1: too short")


def test_the_counter_of_a_cpu_covers_all_processes_already() -> None:
    first = energy(90.0)
    assert joined_energy([first, EnergyReading(None, {"reason": "not started"})], "cpu") is first
