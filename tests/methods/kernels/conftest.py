"""Where the tests of Triton's kernels run."""

from __future__ import annotations

import os

import pytest
import torch


@pytest.fixture(scope="session")
def device() -> torch.device:
    """A CUDA device where there is one; elsewhere the CPU, on whose tensors Triton's interpreter runs the kernels."""
    if os.environ.get("TRITON_INTERPRET") == "1":  # which the tests set where there is no GPU
        return torch.device("cpu")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device on this machine, and Triton's interpreter is off; set TRITON_INTERPRET=1")
    return torch.device("cuda")
