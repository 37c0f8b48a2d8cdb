"""Energy with a GPU, a RAPL folder and a clock that the test turns by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.meters import energy, rapl
from bench.meters.energy import EnergyMeter, EnergyReading, integrate
from bench.meters.nvml import NvmlDevice, NvmlError


class HandClock:
    """Stands in for the module `time`; sleeping is the only thing that takes time."""

    def __init__(self) -> None:
        self.now_ns = 0

    def perf_counter_ns(self) -> int:
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)


class FakeGpu(NvmlDevice):
    """60 W when idle; the test moves the counter."""

    def __init__(self) -> None:
        self.millijoules, self.milliwatts = 1_000_000, 60_000
        self.partitioned, self.processes = False, 1

    def energy_millijoules(self) -> int:
        return self.millijoules

    def power_milliwatts(self) -> int:
        return self.milliwatts

    def is_partitioned(self) -> bool:
        return self.partitioned

    def process_bytes(self) -> dict[int, int | None]:
        return dict.fromkeys(range(self.processes), 1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> HandClock:
    clock = HandClock()
    monkeypatch.setattr(energy, "time", clock)
    return clock


def measure(gpu: FakeGpu, clock: HandClock, seconds: float, joules: float, watts: float) -> EnergyReading:
    meter = EnergyMeter("cuda:0", nvml=gpu)
    meter.start()
    gpu.milliwatts = round(watts * 1000)
    clock.sleep(seconds)
    gpu.millijoules += round(joules * 1000)
    return meter.stop()


def test_the_counter_gives_the_joules_and_the_baseline_the_part_above_idle(clock: HandClock) -> None:
    reading = measure(FakeGpu(), clock, seconds=10, joules=3_000, watts=300)
    assert reading.joules == pytest.approx(3_000)
    assert reading.details["window_seconds"] == pytest.approx(10)
    assert reading.details["idle_watts"] == pytest.approx(60)
    assert reading.details["joules_above_idle"] == pytest.approx(2_400)  # 3000 J - 60 W * 10 s
    assert "reason" not in reading.details


def test_counter_and_polled_power_are_compared(clock: HandClock) -> None:
    # power polled at both ends: (60 W + 540 W) / 2 * 10 s = 3000 J
    agreeing = measure(FakeGpu(), clock, seconds=10, joules=2_600, watts=540)
    assert agreeing.details["polled_joules"] == pytest.approx(3_000)
    assert agreeing.details["figures_disagree"] is False  # 400 J of 2600 J are 15 %
    disagreeing = measure(FakeGpu(), clock, seconds=10, joules=1_700, watts=540)
    assert disagreeing.joules == pytest.approx(1_700)
    assert disagreeing.details["figures_disagree"] is True


def test_integration_is_trapezoidal() -> None:
    # 2 s at a mean of 150 W and 1 s at a mean of 100 W
    assert integrate([(0.0, 100.0), (2.0, 200.0), (3.0, 0.0)]) == pytest.approx(400)


@pytest.mark.parametrize(
    ("seconds", "joules", "reason"),
    [
        (1.9, 500, "window of 1.90 s is shorter than 2 s"),
        (5.0, 0, "moved by 0.000 J in 5.00 s"),
        (5.0, -100, "moved by -100.000 J"),
    ],
)
def test_a_window_that_cannot_be_measured_is_null_with_a_reason(
    clock: HandClock, seconds: float, joules: float, reason: str
) -> None:
    reading = measure(FakeGpu(), clock, seconds, joules, watts=100)
    assert reading.joules is None
    assert reason in reading.details["reason"]
    assert reading.details["window_seconds"] == pytest.approx(seconds)


def test_a_partitioned_or_shared_gpu_is_null_with_a_reason(clock: HandClock) -> None:
    partitioned = FakeGpu()
    partitioned.partitioned = True
    reading = measure(partitioned, clock, seconds=10, joules=3_000, watts=300)
    assert (reading.joules, "MIG" in reading.details["reason"]) == (None, True)

    shared = FakeGpu()
    meter = EnergyMeter("cuda", nvml=shared)
    meter.start()
    shared.processes = 2  # the other one came while the window was open
    shared.millijoules += 3_000_000
    clock.sleep(10)
    reading = meter.stop()
    assert reading.joules is None
    assert "2 processes share the GPU" in reading.details["reason"]


def test_a_gpu_without_the_counter_is_null_with_a_reason(clock: HandClock) -> None:
    class OldGpu(FakeGpu):
        def energy_millijoules(self) -> int:
            raise NvmlError("NVML's nvmlDeviceGetTotalEnergyConsumption fails on this device: Not Supported")

    reading = measure(OldGpu(), clock, seconds=10, joules=0, watts=300)
    assert reading.joules is None
    assert "Not Supported" in reading.details["reason"]


def test_a_gpu_without_power_readings_keeps_the_counter(clock: HandClock) -> None:
    class LosesPower(FakeGpu):
        def power_milliwatts(self) -> int:
            if clock.now_ns > 5e9:
                raise NvmlError("power: Not Supported")
            return super().power_milliwatts()

    reading = measure(LosesPower(), clock, seconds=10, joules=3_000, watts=300)
    assert reading.joules == pytest.approx(3_000)
    assert reading.details["polled_joules"] is None
    assert reading.details["polled_reason"] == "power: Not Supported"


def test_a_machine_without_nvml_is_null_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(ordinal: int) -> None:
        raise NvmlError("NVML finds no NVIDIA GPU")

    monkeypatch.setattr(energy, "open_device", absent)
    meter = EnergyMeter("cuda")
    meter.start()
    assert meter.stop() == EnergyReading(None, {"reason": "NVML finds no NVIDIA GPU"})


def test_stopping_before_starting_is_null_with_a_reason() -> None:
    assert "before it was started" in EnergyMeter("cpu").stop().details["reason"]


def package(folder: Path, number: int, energy_uj: int, maximum: int = 10_000_000_000) -> Path:
    zone = folder / f"intel-rapl:{number}"
    zone.mkdir()
    (zone / "name").write_text(f"package-{number}\n")
    (zone / "energy_uj").write_text(f"{energy_uj}\n")
    (zone / "max_energy_range_uj").write_text(f"{maximum}\n")
    return zone / "energy_uj"


def test_rapl_sums_the_packages_and_survives_a_wrap(
    clock: HandClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(rapl, "POWERCAP", tmp_path)
    first = package(tmp_path, 0, energy_uj=1_000_000)
    second = package(tmp_path, 1, energy_uj=9_990_000_000)
    subzone = tmp_path / "intel-rapl:0:0"
    subzone.mkdir()
    (subzone / "name").write_text("dram\n")
    meter = EnergyMeter("cpu")
    meter.start()
    clock.sleep(5)
    first.write_text("101000000\n")  # + 100 J
    second.write_text("40000000\n")  # 10 J to the end of the range, then 40 J
    reading = meter.stop()
    assert reading.joules == pytest.approx(150)
    assert reading.details["idle_watts"] == 0  # the files stood still during the baseline
    assert "RAPL" in reading.details["source"]


def test_rapl_that_is_absent_or_forbidden_is_null_with_a_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(rapl, "POWERCAP", tmp_path)
    meter = EnergyMeter("cpu")
    meter.start()
    reading = meter.stop()
    assert reading.joules is None
    assert "has no RAPL package counter" in reading.details["reason"]

    counter = package(tmp_path, 0, energy_uj=1)
    counter.unlink()
    counter.mkdir()  # reading a folder fails for root too, unlike a file without permission
    meter.start()
    assert "cannot be read" in meter.stop().details["reason"]
