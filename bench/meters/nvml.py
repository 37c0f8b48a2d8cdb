"""The few questions LeanGNN asks NVIDIA's management library, behind one class that a test can replace.

Source: NVML API reference, "Device Queries". The module is `pynvml`, installed from the package nvidia-ml-py.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from bench.errors import BenchError


class NvmlError(BenchError):
    """NVML is not there, or does not answer this question on this device."""


class NvmlDevice:
    """One GPU as NVML sees it.

    Every method raises `NvmlError` with one sentence where the driver or the device does not support it.
    """

    def __init__(self, pynvml: Any, handle: Any) -> None:
        self._pynvml = pynvml
        self._handle = handle

    def model(self) -> str:
        """The product name, for example `NVIDIA A100-SXM4-80GB`."""
        return str(self._ask("nvmlDeviceGetName"))

    def memory_bytes(self) -> int:
        """All memory of the device."""
        return int(self._ask("nvmlDeviceGetMemoryInfo").total)

    def memory_used_bytes(self) -> int:
        """Memory in use by all processes together."""
        return int(self._ask("nvmlDeviceGetMemoryInfo").used)

    def driver(self) -> str:
        """The driver's version."""
        try:
            return str(self._pynvml.nvmlSystemGetDriverVersion())
        except self._pynvml.NVMLError as error:
            raise NvmlError(f"NVML does not tell the driver's version: {error}") from None

    def cuda_major(self) -> int:
        """The newest major version of CUDA that the driver can run."""
        try:
            return int(self._pynvml.nvmlSystemGetCudaDriverVersion()) // 1000
        except self._pynvml.NVMLError as error:
            raise NvmlError(f"NVML does not tell the driver's CUDA version: {error}") from None

    def process_bytes(self) -> dict[int, int | None]:
        """Memory of each compute process by its number; None where the platform does not tell it."""
        processes = self._ask("nvmlDeviceGetComputeRunningProcesses")
        return {process.pid: process.usedGpuMemory for process in processes}

    def energy_millijoules(self) -> int:
        """Energy since the driver was loaded (Volta and newer)."""
        return int(self._ask("nvmlDeviceGetTotalEnergyConsumption"))

    def power_milliwatts(self) -> int:
        """Power now; on recent GPUs the driver averages it over up to a second."""
        return int(self._ask("nvmlDeviceGetPowerUsage"))

    def is_partitioned(self) -> bool:
        """Whether MIG splits the device, so that its counters belong to several tenants."""
        try:
            current, _ = self._pynvml.nvmlDeviceGetMigMode(self._handle)
        except self._pynvml.NVMLError:
            return False  # devices that know no MIG refuse the question
        return bool(current == self._pynvml.NVML_DEVICE_MIG_ENABLE)

    def _ask(self, function: str) -> Any:
        try:
            return getattr(self._pynvml, function)(self._handle)
        except self._pynvml.NVMLError as error:
            raise NvmlError(f"NVML's {function} fails on this device: {error}") from None


def open_device(ordinal: int = 0) -> NvmlDevice:
    """The device that CUDA calls `ordinal`, found without importing torch.

    CUDA counts only the devices of CUDA_VISIBLE_DEVICES. Indices there are read in PCI order, which is the
    order of NVML and the one that `bench.allocator.trial_environment` sets for every trial.

    Raises:
        NvmlError: no module, no driver, or no such device.
    """
    try:
        import pynvml
    except ImportError:
        raise NvmlError("NVML cannot be asked because the package nvidia-ml-py is not installed") from None
    try:
        pynvml.nvmlInit()
        return NvmlDevice(pynvml, _handle(pynvml, ordinal))
    except pynvml.NVMLError as error:
        raise NvmlError(f"NVML finds no NVIDIA GPU with number {ordinal}: {error}") from None


def cuda_ordinal(device: str) -> int:
    """The number in `cuda:1`; the current device of CUDA, or 0 before torch is loaded, for `cuda`."""
    _, colon, number = device.partition(":")
    if colon:
        return int(number)
    torch = sys.modules.get("torch")
    return int(torch.cuda.current_device()) if torch is not None and torch.cuda.is_available() else 0


def _handle(pynvml: Any, ordinal: int) -> Any:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return pynvml.nvmlDeviceGetHandleByIndex(ordinal)
    names = [name.strip() for name in visible.split(",") if name.strip()]
    if ordinal >= len(names):
        raise NvmlError(f"CUDA_VISIBLE_DEVICES='{visible}' shows no device number {ordinal} to this process")
    name = names[ordinal]
    if name.isdigit():
        return pynvml.nvmlDeviceGetHandleByIndex(int(name))
    if name.startswith("MIG-"):
        return pynvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(pynvml.nvmlDeviceGetHandleByUUID(name))
    for index in range(pynvml.nvmlDeviceGetCount()):
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        # CUDA accepts the beginning of an identifier, NVML only the whole
        if str(pynvml.nvmlDeviceGetUUID(handle)).startswith(name):
            return handle
    raise NvmlError(f"CUDA_VISIBLE_DEVICES='{visible}' names '{name}', which is no GPU of this machine")
