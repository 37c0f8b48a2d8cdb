"""Which kernels a device has for packed rows; where it lacks what they need, the definition in torch does the work."""

from __future__ import annotations

import importlib.util
import warnings
from functools import cache
from types import ModuleType

import torch

from methods.errors import MethodError
from methods.lowbit import reference

_NEEDED = {"cpu": "numba", "cuda": "triton"}


def kernels(device: torch.device) -> ModuleType:
    """The module with `quantize_rows`, `requantize_rows`, `unpack`, `code_sums` and `aggregate` for a device.

    Raises:
        MethodError: there is none for this kind of device.
    """
    if device.type not in _NEEDED:
        raise MethodError(f"packed rows are computed with on cpu and cuda, not on {device.type}; move them first")
    return _kernels(device.type)


def is_compiled(device: torch.device) -> bool:
    """Whether a device has kernels of its own, so that speed can be expected of it."""
    return kernels(device) is not reference


@cache  # one notice is enough
def _kernels(device_type: str) -> ModuleType:
    needed = _NEEDED[device_type]
    if importlib.util.find_spec(needed) is None:
        warnings.warn(
            f"{needed} is not installed, so low-bit inference runs in plain torch and is slow; pip install {needed}",
            stacklevel=2,
        )
        return reference
    if device_type == "cpu":
        from methods.kernels import lowbit_on_cpu

        return lowbit_on_cpu
    from methods.kernels import lowbit_cuda

    return lowbit_cuda
