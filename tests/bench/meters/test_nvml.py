"""The adapter over a fake `pynvml`: two GPUs that support little."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest

from bench.meters.nvml import NvmlDevice, NvmlError, cuda_ordinal, open_device


class FakeError(Exception):
    pass


def refuse(*arguments: Any) -> None:
    raise FakeError("Not Supported")


@pytest.fixture
def pynvml(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    fake = types.SimpleNamespace(
        NVMLError=FakeError,
        NVML_DEVICE_MIG_ENABLE=1,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda index: f"handle-{index}",
        nvmlDeviceGetHandleByUUID=lambda name: f"part-of-{name}",
        nvmlDeviceGetDeviceHandleFromMigDeviceHandle=lambda part: f"parent-{part}",
        nvmlDeviceGetUUID=lambda handle: {"handle-0": "GPU-aaaa", "handle-1": "GPU-bbbb"}[handle],
        nvmlDeviceGetName=lambda handle: f"model of {handle}",
        nvmlDeviceGetMemoryInfo=lambda handle: types.SimpleNamespace(total=80, used=30),
        nvmlDeviceGetComputeRunningProcesses=lambda handle: [
            types.SimpleNamespace(pid=7, usedGpuMemory=20),
            types.SimpleNamespace(pid=8, usedGpuMemory=None),
        ],
        nvmlDeviceGetTotalEnergyConsumption=refuse,
        nvmlDeviceGetMigMode=refuse,
        nvmlDeviceGetPowerUsage=lambda handle: 61_000,
        nvmlSystemGetDriverVersion=lambda: "570.1",
        nvmlSystemGetCudaDriverVersion=lambda: 12_080,
    )
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return fake


@pytest.mark.parametrize(
    ("visible", "ordinal", "model"),
    [
        (None, 1, "model of handle-1"),
        ("1,0", 0, "model of handle-1"),
        ("1,0", 1, "model of handle-0"),
        ("GPU-bb", 0, "model of handle-1"),
        ("MIG-cc", 0, "model of parent-part-of-MIG-cc"),
    ],
)
def test_the_device_that_cuda_means_is_found(
    pynvml: types.SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    visible: str | None,
    ordinal: int,
    model: str,
) -> None:
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert open_device(ordinal).model() == model


@pytest.mark.parametrize("visible", ["", "0", "GPU-zz,GPU-zz"])
def test_a_hidden_device_is_an_error(
    pynvml: types.SimpleNamespace, monkeypatch: pytest.MonkeyPatch, visible: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    with pytest.raises(NvmlError, match="CUDA_VISIBLE_DEVICES"):
        open_device(1)


def test_answers_come_in_plain_units(pynvml: types.SimpleNamespace) -> None:
    device = NvmlDevice(pynvml, "handle-0")
    assert device.memory_bytes() == 80
    assert device.memory_used_bytes() == 30
    assert device.process_bytes() == {7: 20, 8: None}
    assert device.power_milliwatts() == 61_000
    assert device.driver() == "570.1"
    assert device.cuda_major() == 12


def test_what_is_not_supported_is_one_sentence(pynvml: types.SimpleNamespace) -> None:
    device = NvmlDevice(pynvml, "handle-0")
    with pytest.raises(NvmlError, match="TotalEnergyConsumption fails on this device: Not Supported"):
        device.energy_millijoules()
    assert device.is_partitioned() is False
    pynvml.nvmlDeviceGetMigMode = lambda handle: (1, 1)
    assert device.is_partitioned() is True


def test_no_module_and_no_driver_are_told_apart(pynvml: types.SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    pynvml.nvmlInit = refuse
    with pytest.raises(NvmlError, match="finds no NVIDIA GPU"):
        open_device()
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(NvmlError, match="nvidia-ml-py is not installed"):
        open_device()


def test_the_number_of_a_cuda_device() -> None:
    assert cuda_ordinal("cuda:3") == 3
