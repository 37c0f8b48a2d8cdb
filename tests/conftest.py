"""Settings of the whole test run."""

from __future__ import annotations

import os
import shutil

# Triton decides at its import whether kernels are interpreted, and torch imports it early where it is installed
if shutil.which("nvidia-smi") is None:
    os.environ.setdefault("TRITON_INTERPRET", "1")
