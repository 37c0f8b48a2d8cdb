"""Which compilers of kernels are installed; where one is missing, plain torch does the work."""

from __future__ import annotations

import importlib.util
import warnings
from functools import cache

import torch

_NEEDED = {"cpu": "numba", "cuda": "triton"}


def has_compiler(device: torch.device) -> bool:
    """Whether there are kernels of ours for a device; says once where only their compiler is missing."""
    return device.type in _NEEDED and _is_installed(device.type)


@cache  # one notice is enough
def _is_installed(device_type: str) -> bool:
    needed = _NEEDED[device_type]
    if importlib.util.find_spec(needed) is not None:
        return True
    warnings.warn(
        f"{needed} is not installed, so what is compiled elsewhere runs in plain torch and is slow; pip install "
        f"{needed}",
        stacklevel=3,
    )
    return False
