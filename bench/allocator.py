"""Environment of a trial's process: allocator, threads and hashing, the same for candidate and reference.

glibc returns every large tensor to the system and pays the page faults again with the next one, which can cost more
than the computation. Huge pages make those faults rare without changing the peak much; so every trial gets them.

Source: glibc manual, "Memory Allocation Tunables" (`glibc.malloc.hugetlb`, since 2.35).
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.errors import BenchError

HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
WAIT_POLICY = "OMP_WAIT_POLICY"
_TUNABLE = "glibc.malloc.hugetlb"


def trial_environment(base_env: Mapping[str, str], threads: int) -> dict[str, str]:
    """Environment variables for a trial's process: those of `base_env`, with ours in their place.

    Args:
        base_env: usually `os.environ`; what it says about LD_PRELOAD, other tunables and PYTORCH_CUDA_ALLOC_CONF stays.
        threads: CPU threads of every numeric library in the trial.

    Raises:
        BenchError: `threads` is not positive.
    """
    if threads < 1:
        raise BenchError(f"a trial cannot run on {threads} threads; give 1 or more")
    environment = dict(base_env)
    environment.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    environment["PYTHONHASHSEED"] = "0"
    # torch and numba have a pool of threads each; one that spins while the other works costs up to 3x on few cores
    environment[WAIT_POLICY] = "PASSIVE"
    # NVML counts devices in this order, and CUDA by default in another one
    environment["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    # both switches together would ask for huge pages twice, by two owners
    environment.pop("THP_MEM_ALLOC_ENABLE", None)
    if glibc_knows_huge_pages():
        tunables = {**_tunables(environment), _TUNABLE: "1"}
        environment["GLIBC_TUNABLES"] = ":".join(f"{name}={value}" for name, value in tunables.items())
    else:
        environment["THP_MEM_ALLOC_ENABLE"] = "1"
    return environment


def describe_allocator() -> dict[str, Any]:
    """What decides the cost of memory and of threads in this very process, for the trial's row."""
    library, version = platform.libc_ver()
    setting = huge_page_setting()
    tunables = _tunables(os.environ)
    asked = tunables.get(_TUNABLE) == "1" or os.environ.get("THP_MEM_ALLOC_ENABLE") == "1"
    return {
        "libc": f"{library} {version}".strip(),
        "glibc_tunables": tunables,
        "torch_huge_pages": os.environ.get("THP_MEM_ALLOC_ENABLE"),
        "transparent_huge_pages": setting,
        "huge_pages_in_force": setting == "always" or (asked and setting == "madvise"),
        "ld_preload": os.environ.get("LD_PRELOAD"),
        "cuda_allocator": os.environ.get("PYTORCH_CUDA_ALLOC_CONF"),
        "threads": {name: os.environ.get(name) for name in (*THREAD_VARIABLES, WAIT_POLICY)},
    }


def huge_page_setting() -> str | None:
    """`always`, `madvise` or `never`; None where the system has no transparent huge pages."""
    try:
        text = HUGE_PAGES.read_text()
    except OSError:
        return None
    return text.partition("[")[2].partition("]")[0] or None


def glibc_knows_huge_pages() -> bool:
    """Whether this system's C library is glibc 2.35 or newer."""
    library, version = platform.libc_ver()
    numbers = version.split(".")[:2]
    return library == "glibc" and len(numbers) == 2 and tuple(int(number) for number in numbers) >= (2, 35)


def _tunables(environment: Mapping[str, str]) -> dict[str, str]:
    # an entry without "=" is ignored by glibc too
    entries = (entry.partition("=") for entry in environment.get("GLIBC_TUNABLES", "").split(":"))
    return {name: value for name, equals, value in entries if equals}
