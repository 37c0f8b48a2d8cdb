"""What a trial runs on: the hardware by model, the software by version, the code by commit.

Imports none of what it describes, and reads no serial number and no host name.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import math
import os
import platform
import re
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

from bench.meters.nvml import NvmlDevice, NvmlError, open_device
from db.records import MachineRecord

_GIB = 2**30
_CGROUP = Path("/sys/fs/cgroup")
_CPUINFO = Path("/proc/cpuinfo")
_MEMINFO = Path("/proc/meminfo")
_PACKAGES = ("torch", "torch-geometric", "numpy", "scipy", "numba", "ogb")
_ROOT = Path(__file__).resolve().parents[2]
_CODE_FOLDERS = ("methods", "bench", "db")


def machine() -> MachineRecord:
    """The hardware this process may use: affinity and the limits of its control group are respected."""
    gpu_model, gpu_memory, gpu_driver = _gpu()
    cores, memory = usable_cores(), usable_memory_bytes()
    # memory in whole GiB, because the kernel's own share differs by some MiB from boot to boot
    deciding = [cpu_model(), cores, round(memory / _GIB), gpu_model, gpu_memory, gpu_driver]
    return MachineRecord(
        machine_id=hashlib.sha256(json.dumps(deciding).encode()).hexdigest(),
        cpu_model=cpu_model(),
        cpu_cores=cores,
        memory_bytes=memory,
        gpu_model=gpu_model,
        gpu_memory_bytes=gpu_memory,
        gpu_driver=gpu_driver,
        operating_system=f"{platform.system()} {platform.release()}",
    )


def hardware_class(record: MachineRecord, device: str) -> str:
    """The part of a machine that decides the speed on `device`, for a trial's fingerprint.

    Examples: `AMD EPYC 7742 x 16` on `cpu`, `NVIDIA H100 80GB HBM3 80 GiB` on `cuda`.
    """
    if device.startswith("cuda"):
        return f"{record.gpu_model or 'no GPU'} {round((record.gpu_memory_bytes or 0) / _GIB)} GiB"
    return f"{record.cpu_model} x {record.cpu_cores}"


def cpu_model() -> str:
    """The processor's product name."""
    if _CPUINFO.is_file():
        for line in _CPUINFO.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return " ".join(value.split())
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Cores this process may run on, by affinity and by the quota of its control group; at least 1."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    quota = _cpu_quota()
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def usable_memory_bytes() -> int:
    """Memory of the machine or of the control group, whichever is smaller."""
    limits = [_read_number("memory.max"), _read_number("memory/memory.limit_in_bytes")]
    return min([_physical_memory_bytes(), *(limit for limit in limits if limit is not None)])


def _physical_memory_bytes() -> int:
    if _MEMINFO.is_file():
        for line in _MEMINFO.read_text().splitlines():
            if line.startswith("MemTotal:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _cpu_quota() -> float | None:
    # version 2 of control groups writes "quota period" into one file, version 1 into two
    unified = _CGROUP / "cpu.max"
    if unified.is_file():
        quota, period = unified.read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    allowed, every = _read_number("cpu/cpu.cfs_quota_us"), _read_number("cpu/cpu.cfs_period_us")
    return allowed / every if allowed is not None and every and allowed > 0 else None


def _read_number(name: str) -> int | None:
    try:
        text = (_CGROUP / name).read_text().strip()
    except OSError:
        return None
    return None if text == "max" else int(text)


def _gpu() -> tuple[str | None, int | None, str | None]:
    try:
        device: NvmlDevice = open_device()
        return device.model(), device.memory_bytes(), device.driver()
    except NvmlError:
        return None, None, None


def environment() -> dict[str, str | None]:
    """Versions by name: Python, the numeric packages, torch's CUDA and the driver; None where it is absent."""
    versions: dict[str, str | None] = {"python": platform.python_version()}
    versions.update((name, package_version(name)) for name in _PACKAGES)
    versions["cuda"] = torch_cuda()
    try:
        versions["driver"] = open_device().driver()
    except NvmlError:
        versions["driver"] = None
    return versions


def package_version(name: str) -> str | None:
    """The installed version of a package, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def torch_cuda() -> str | None:
    """The CUDA version torch was built for, from torch's own file; None for a CPU build and without torch."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    version = Path(spec.origin).with_name("version.py")
    found = re.search(r"^cuda\b[^=\n]*= *'([^']+)'", version.read_text(), re.MULTILINE)
    return found.group(1) if found else None


@cache
def code_version() -> str:
    """The commit of the checkout this package lives in, or the installed version outside one.

    Changes of the code that are not committed add `-dirty-` and a hash of them, so that two different working trees
    never share a fingerprint. One answer per process: the code that runs does not change under it.
    """
    return checkout_version(_ROOT) or package_version("leangnn") or "unknown"


def checkout_version(root: Path) -> str | None:
    """The commit of the git checkout whose top folder is `root`, with its dirty hash; None if there is none."""
    top = _git(root, "rev-parse", "--show-toplevel")
    # site-packages may lie inside some other checkout, whose commit says nothing about this code
    if top is None or Path(top.decode().strip()).resolve() != root.resolve():
        return None
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None:
        return None
    changes = _uncommitted(root)
    suffix = f"-dirty-{hashlib.sha256(changes).hexdigest()[:10]}" if changes else ""
    return commit.decode().strip() + suffix


def _uncommitted(root: Path) -> bytes:
    folders = [folder for folder in _CODE_FOLDERS if (root / folder).is_dir()]
    changes = _git(root, "diff", "HEAD", "--binary", "--", *folders) or b""
    untracked = _git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", *folders) or b""
    for name in sorted(filter(None, untracked.decode().split("\0"))):
        changes += name.encode() + b"\0" + (root / name).read_bytes()
    return changes


def _git(root: Path, *arguments: str) -> bytes | None:
    try:
        finished = subprocess.run(["git", "-C", root, *arguments], capture_output=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return finished.stdout if finished.returncode == 0 else None
