"""Which kernels a device has for packed rows; where it lacks what they need, the definition in torch does the work."""

from __future__ import annotations

from types import ModuleType

import torch

from methods.compilers import has_compiler
from methods.errors import MethodError
from methods.lowbit import reference


def kernels(device: torch.device) -> ModuleType:
    """The module with `quantize_rows`, `requantize_rows`, `unpack`, `code_sums` and `aggregate` for a device.

    Raises:
        MethodError: there is none for this kind of device.
    """
    if device.type not in ("cpu", "cuda"):
        raise MethodError(f"packed rows are computed with on cpu and cuda, not on {device.type}; move them first")
    if not has_compiler(device):
        return reference
    if device.type == "cpu":
        from methods.kernels import lowbit_on_cpu

        return lowbit_on_cpu
    from methods.kernels import lowbit_cuda

    return lowbit_cuda


def is_compiled(device: torch.device) -> bool:
    """Whether a device has kernels of its own, so that speed can be expected of it."""
    return kernels(device) is not reference
