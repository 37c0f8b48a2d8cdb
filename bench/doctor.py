"""What `leangnn doctor` looks at: is this machine ready to measure, and if not, what to do about it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.allocator import huge_page_setting
from bench.datasets.folders import cache_folder, data_folder
from bench.meters import resident
from bench.meters.hardware import code_version, package_version, torch_cuda, usable_cores
from bench.meters.nvml import NvmlDevice, NvmlError, open_device
from db.database import parse_url
from db.errors import StoreError

LARGEST_LOAD = 0.25
"""Share of the cores that others may keep busy; with more, seconds say more about them than about a method."""
SMALLEST_DISK_BYTES = 5 * 2**30

_SUPPORTED_PYTHON = ((3, 11), (3, 12))


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str
    advice: str | None = None
    """What to do, in one line; None where nothing needs doing."""


def checks(
    data_dir: str | Path | None = None,
    cache_dir: str | Path | None = None,
    store: str | Path = "leangnn.duckdb",
) -> list[Check]:
    """Look at everything a measurement depends on; takes well under a second and changes nothing.

    Args:
        data_dir: folder of raw data; None means the default.
        cache_dir: folder of prepared data; None means the default.
        store: file or URL of the store.
    """
    cache = cache_folder(cache_dir)
    data = data_folder(data_dir, cache)
    return [
        _python(),
        _torch(),
        _gpu(),
        _data(data, chosen=data != cache / "raw"),
        _writable("cache folder", cache, "set LEANGNN_CACHE to a folder you may write to"),
        _store(store),
        _disk(cache),
        _huge_pages(),
        _peak_memory(),
        _other_load(),
        _code(),
    ]


def _check(name: str, ok: bool, detail: str, advice: str) -> Check:
    return Check(name, ok, detail, None if ok else advice)


def _python() -> Check:
    version = sys.version_info[:2]
    supported = " or ".join(f"{major}.{minor}" for major, minor in _SUPPORTED_PYTHON)
    detail = f"{version[0]}.{version[1]}"
    return _check("python", version in _SUPPORTED_PYTHON, detail, f"use Python {supported}")


def _torch() -> Check:
    version = package_version("torch")
    if version is None:
        return Check("torch", False, "not installed", "run `make run`, which installs the tested versions")
    cuda = torch_cuda()
    return Check("torch", True, f"{version}, {'CPU build' if cuda is None else f'built for CUDA {cuda}'}")


def _gpu() -> Check:
    if package_version("nvidia-ml-py") is None:
        return Check("gpu", False, "NVML cannot be asked", "pip install nvidia-ml-py")
    try:
        device: NvmlDevice = open_device()
        detail, newest = f"{device.model()}, driver {device.driver()}", device.cuda_major()
    except NvmlError as error:
        return Check("gpu", True, f"none, trials run on the CPU ({error})")
    built_for = torch_cuda()
    if built_for is None:
        return Check("gpu", False, detail, "install torch's CUDA build (see README), or run with --device cpu")
    advice = f"update the driver: torch is built for CUDA {built_for}, and the driver runs up to {newest}.x"
    return _check("gpu", int(built_for.partition(".")[0]) <= newest, detail, advice)


def _data(folder: Path, chosen: bool) -> Check:
    advice = "set LEANGNN_DATA to a folder you may read"
    try:
        count = sum(1 for _ in folder.iterdir())
    except FileNotFoundError:
        # the default folder comes into being with the first download
        return _check("data folder", not chosen, f"{folder} does not exist", advice)
    except OSError as error:
        return Check("data folder", False, f"{folder} cannot be read ({error.strerror})", advice)
    return Check("data folder", True, f"{folder}, {count} entries")


def _store(store: str | Path) -> Check:
    try:
        url = parse_url(store)
    except StoreError as error:
        return Check("store", False, str(error), "give --db a file or a database URL")
    if url.get_backend_name() != "duckdb" or not url.database:
        return Check("store", True, url.render_as_string(hide_password=True))
    folder = Path(url.database).absolute().parent
    return _writable("store", folder, "choose a file in another folder with --db or LEANGNN_DB")


def _writable(name: str, folder: Path, advice: str) -> Check:
    existing = _nearest_existing(folder)
    try:
        # the permission bits do not tell about read-only and full file systems
        with tempfile.TemporaryFile(dir=existing) as file:
            file.write(b"leangnn")
    except OSError as error:
        return Check(name, False, f"{folder} cannot be written ({error.strerror})", advice)
    return Check(name, True, str(folder))


def _disk(folder: Path) -> Check:
    free = shutil.disk_usage(_nearest_existing(folder)).free
    detail = f"{free / 2**30:.1f} GiB free beside the cache folder"
    advice = f"free {SMALLEST_DISK_BYTES // 2**30} GiB or set LEANGNN_CACHE to a larger disk"
    return _check("disk", free >= SMALLEST_DISK_BYTES, detail, advice)


def _huge_pages() -> Check:
    setting = huge_page_setting()
    if setting is None:
        return Check("huge pages", True, "this system has no transparent huge pages; trials do without")
    advice = "as root: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled"
    return _check("huge pages", setting in ("madvise", "always"), f"transparent huge pages: {setting}", advice)


def _peak_memory() -> Check:
    advice = "peaks of a trial that stay below its loading are unknown here; run where /proc/self/clear_refs works"
    if resident.reset_high_water_mark():
        return Check("peak memory", True, "the kernel's high-water mark can be reset")
    return Check("peak memory", False, "the kernel's high-water mark cannot be reset", advice)


def _other_load() -> Check:
    cores = usable_cores()
    busy = os.getloadavg()[0]
    detail = f"{busy:.2f} processes ran on {cores} cores in the last minute"
    return _check("other load", busy <= LARGEST_LOAD * cores, detail, "close other programs before measuring")


def _code() -> Check:
    version = code_version()
    advice = "commit your changes, so that others can run what you measured"
    return _check("code", "-dirty-" not in version, version, advice)


def _nearest_existing(folder: Path) -> Path:
    folder = folder.absolute()
    return next(place for place in (folder, *folder.parents) if _exists(place))


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except PermissionError:  # a folder above it may not be entered
        return False
