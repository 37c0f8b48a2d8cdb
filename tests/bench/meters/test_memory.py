"""Peak memory on workloads of known size, and the GPU's three numbers with fake parts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types

import pytest

from bench.errors import BenchError
from bench.meters import memory, resident
from bench.meters.memory import MemoryMeter, cuda_reading, observe
from bench.meters.nvml import NvmlDevice, NvmlError

MIB = 2**20

# loading peaks at 300 MiB and keeps 64 MiB; training holds 512 MiB and touches 256 MiB more once
SPIKE = """
import json
from bench.meters.memory import MemoryMeter
loading = b"x" * (300 * 2**20)
del loading
data = b"x" * (64 * 2**20)
meter = MemoryMeter("cpu")
meter.start()
held = b"x" * (512 * 2**20)
spike = b"x" * (256 * 2**20)
del spike
reading = meter.stop()
print(json.dumps([reading.peak_bytes, reading.numbers, reading.reason]))
"""

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/clear_refs exists on Linux only")


@linux_only
def test_a_short_spike_is_in_the_peak_and_loading_is_not() -> None:
    output = subprocess.run([sys.executable, "-c", SPIKE], capture_output=True, text=True, check=True).stdout
    peak, numbers, reason = json.loads(output)
    assert peak == pytest.approx((512 + 256) * MIB, rel=0.02)
    assert numbers["rss_above_start"]["bytes"] == peak
    assert "VmHWM" in numbers["rss_above_start"]["definition"]
    assert reason is None


EXCLUDED = """
import json
from bench.meters.memory import MemoryMeter
meter = MemoryMeter("cpu")
meter.start()
held = b"x" * (128 * 2**20)
with meter.excluded():
    evaluation = b"x" * (384 * 2**20)
    del evaluation
more = b"x" * (64 * 2**20)
print(json.dumps(meter.stop().numbers))
"""


@linux_only
def test_what_is_excluded_is_read_apart() -> None:
    output = subprocess.run([sys.executable, "-c", EXCLUDED], capture_output=True, text=True, check=True).stdout
    numbers = json.loads(output)
    assert numbers["rss_above_start"]["bytes"] == pytest.approx((128 + 64) * MIB, rel=0.02)
    assert numbers["evaluation"]["bytes"] == pytest.approx((128 + 384) * MIB, rel=0.02)
    assert all(number["definition"] for number in numbers.values())


@linux_only
def test_a_meter_can_be_started_again() -> None:
    meter = MemoryMeter("cpu")
    peaks = []
    for mebibytes in (256, 96):
        meter.start()
        held = b"x" * (mebibytes * MIB)
        del held
        peaks.append(meter.stop().peak_bytes)
    assert peaks == [pytest.approx(256 * MIB, rel=0.05), pytest.approx(96 * MIB, rel=0.05)]


def refuse_reset(monkeypatch: pytest.MonkeyPatch, level: int | None, maxima: list[int]) -> None:
    monkeypatch.setattr(resident, "reset_high_water_mark", lambda: False)
    monkeypatch.setattr(resident, "current_bytes", lambda: level)
    monkeypatch.setattr(resident, "lifetime_maximum_bytes", lambda: maxima.pop(0))


def test_without_a_reset_the_lifetime_maximum_above_the_start_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_reset(monkeypatch, level=100, maxima=[150, 400])
    meter = MemoryMeter("cpu")
    meter.start()
    reading = meter.stop()
    assert reading.peak_bytes == 300  # 400 - 100
    assert "ru_maxrss" in reading.numbers["maxrss_above_start"]["definition"]


def test_without_proc_the_peak_is_a_lower_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_reset(monkeypatch, level=None, maxima=[150, 400])
    meter = MemoryMeter("cpu")
    meter.start()
    reading = meter.stop()
    assert reading.peak_bytes == 250  # 400 - 150
    assert "lower bound" in reading.numbers["maxrss_above_start"]["definition"]


def test_a_peak_hidden_below_that_of_loading_is_unknown_and_not_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_reset(monkeypatch, level=100, maxima=[400, 400])
    meter = MemoryMeter("cpu")
    meter.start()
    reading = meter.stop()
    assert reading.peak_bytes is None
    assert reading.numbers == {}
    assert reading.reason is not None and "clear_refs" in reading.reason


def test_stopping_before_starting_is_an_error() -> None:
    with pytest.raises(BenchError, match="stopped before it was started"):
        MemoryMeter("cpu").stop()


class FakeNvml(NvmlDevice):
    def __init__(self, processes: dict[int, int | None], used: int = 0) -> None:
        self.processes, self.used = processes, used

    def process_bytes(self) -> dict[int, int | None]:
        return self.processes

    def memory_used_bytes(self) -> int:
        return self.used


def test_nvml_gives_this_process_or_else_the_device() -> None:
    mine = os.getpid()
    assert observe(FakeNvml({mine: 700, mine + 1: 5}, used=900)) == {"process": 700}
    assert observe(FakeNvml({mine + 1: 5}, used=900)) == {"device": 900}
    assert observe(FakeNvml({mine: None}, used=900)) == {"device": 900}


def test_the_three_numbers_are_named_defined_and_ordered() -> None:
    reading = cuda_reading(100, 120, {"process": 500}, None)
    assert reading.peak_bytes == 100
    assert {name: number["bytes"] for name, number in reading.numbers.items()} == {
        "allocated": 100,
        "reserved": 120,
        "process": 500,
    }
    assert all(number["definition"] for number in reading.numbers.values())
    assert reading.reason is None


@pytest.mark.parametrize(
    ("peaks", "reason"),
    [
        ((130, 120, {"process": 500}), "allocated peak, 130 bytes, exceeds the reserved peak, 120 bytes"),
        ((100, 120, {"process": 110}), "reserved peak, 120 bytes, exceeds the process peak, 110 bytes"),
        ((100, 120, {"device": 110}), "reserved peak, 120 bytes, exceeds the device peak, 110 bytes"),
    ],
)
def test_a_broken_order_is_recorded(peaks: tuple[int, int, dict[str, int]], reason: str) -> None:
    assert reason in str(cuda_reading(*peaks, None).reason)


class FakeCuda:
    """Allocated and reserved peaks of which the reset takes away the loading's."""

    def __init__(self) -> None:
        self.peak, self.calls = 9_000, list[str]()

    def synchronize(self, device: str) -> None:
        self.calls.append("synchronize")

    def empty_cache(self) -> None:
        self.calls.append("empty_cache")

    def reset_peak_memory_stats(self, device: str) -> None:
        self.calls.append("reset")
        self.peak = 1_000

    def max_memory_allocated(self, device: str) -> int:
        return self.peak

    def max_memory_reserved(self, device: str) -> int:
        return self.peak + 200


def test_the_gpu_meter_resets_after_warm_up_and_polls_nvml(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda()
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(cuda=cuda))
    nvml = FakeNvml({os.getpid(): 5_000})
    meter = MemoryMeter("cuda:0", nvml=nvml)
    meter.start()
    assert cuda.calls == ["synchronize", "empty_cache", "reset"]
    nvml.processes = {os.getpid(): 4_000}
    reading = meter.stop()
    assert {name: number["bytes"] for name, number in reading.numbers.items()} == {
        "allocated": 1_000,
        "reserved": 1_200,
        "process": 5_000,
    }


def test_a_gpu_meter_keeps_evaluation_out_of_the_headline(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda()
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(cuda=cuda))
    meter = MemoryMeter("cuda:0", nvml=FakeNvml({}))
    meter.start()
    cuda.peak = 3_000
    with meter.excluded():
        cuda.peak = 8_000
    cuda.peak = 2_000
    numbers = meter.stop().numbers
    assert (numbers["allocated"]["bytes"], numbers["evaluation"]["bytes"]) == (3_000, 8_000)


def test_a_gpu_without_nvml_keeps_the_allocators_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(ordinal: int) -> None:
        raise NvmlError("NVML is not installed")

    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(cuda=FakeCuda()))
    monkeypatch.setattr(memory, "open_device", absent)
    meter = MemoryMeter("cuda:0")
    meter.start()
    reading = meter.stop()
    assert (reading.peak_bytes, reading.reason) == (1_000, "NVML is not installed")
    assert set(reading.numbers) == {"allocated", "reserved"}


def test_nvml_that_fails_on_the_way_leaves_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(cuda=FakeCuda()))
    nvml = FakeNvml({os.getpid(): 5_000})
    meter = MemoryMeter("cuda:0", nvml=nvml)
    meter.start()
    del nvml.processes
    reading = meter.stop()
    assert reading.numbers["process"]["bytes"] == 5_000
    assert "processes" in str(reading.reason)


def test_a_real_gpu_gives_ordered_numbers() -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device on this machine")
    meter = MemoryMeter("cuda")
    meter.start()
    held = torch.ones(64 * MIB, dtype=torch.uint8, device="cuda")
    reading = meter.stop()
    assert reading.numbers["allocated"]["bytes"] >= held.numel()
    assert reading.numbers["allocated"]["bytes"] <= reading.numbers["reserved"]["bytes"]
