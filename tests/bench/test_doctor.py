"""The doctor on a healthy machine and on one thing broken at a time."""

from __future__ import annotations

import os
import shutil
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from bench import doctor
from bench.doctor import Check, checks
from bench.meters import resident
from bench.meters.nvml import NvmlDevice, NvmlError


class FakeGpu(NvmlDevice):
    def __init__(self) -> None:
        pass

    def model(self) -> str:
        return "NVIDIA A100"

    def driver(self) -> str:
        return "570.1"

    def cuda_major(self) -> int:
        return 13


def no_gpu() -> NvmlDevice:
    raise NvmlError("NVML finds no NVIDIA GPU")


@pytest.fixture(autouse=True)
def healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 12, 1, "final", 0))
    monkeypatch.setattr(doctor, "open_device", no_gpu)
    monkeypatch.setattr(doctor, "torch_cuda", lambda: None)
    monkeypatch.setattr(doctor, "huge_page_setting", lambda: "madvise")
    monkeypatch.setattr(doctor, "code_version", lambda: "abc")
    monkeypatch.setattr(resident, "reset_high_water_mark", lambda: True)
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: types.SimpleNamespace(free=50 * 2**30))


def look(folder: Path, name: str, **changes: Any) -> Check:
    places = {"data_dir": folder, "cache_dir": folder / "cache", "store": folder / "a.duckdb", **changes}
    return next(check for check in checks(**places) if check.name == name)


def test_a_healthy_machine_needs_no_advice(tmp_path: Path) -> None:
    found = checks(tmp_path, tmp_path / "cache", tmp_path / "store.duckdb")
    assert [check for check in found if not check.ok] == []
    assert all(check.advice is None and check.detail for check in found)
    assert len({check.name for check in found}) == len(found)
    assert list(tmp_path.iterdir()) == []  # nothing was left behind


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("python", "sys.version_info", (3, 9, 0, "final", 0)),
        ("torch", "bench.doctor.package_version", lambda name: None),
        ("gpu", "bench.doctor.open_device", FakeGpu),
        ("gpu", "bench.doctor.package_version", lambda name: None),
        ("huge pages", "bench.doctor.huge_page_setting", lambda: "never"),
        ("peak memory", "bench.meters.resident.reset_high_water_mark", lambda: False),
        ("other load", "os.getloadavg", lambda: (64.0, 0.0, 0.0)),
        ("disk", "shutil.disk_usage", lambda path: types.SimpleNamespace(free=2**30)),
        ("code", "bench.doctor.code_version", lambda: "abc-dirty-123"),
    ],
)
def test_one_thing_broken_is_one_line_of_advice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, place: str, value: Any
) -> None:
    monkeypatch.setattr(place, value)
    check = look(tmp_path, name)
    assert not check.ok
    assert check.advice and "\n" not in check.advice


def test_a_gpu_with_a_fitting_torch_is_fine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "open_device", FakeGpu)
    monkeypatch.setattr(doctor, "torch_cuda", lambda: "13.0")
    assert look(tmp_path, "gpu") == Check("gpu", True, "NVIDIA A100, driver 570.1")
    assert "built for CUDA 13.0" in look(tmp_path, "torch").detail
    monkeypatch.setattr(doctor, "torch_cuda", lambda: "14.1")
    assert "update the driver" in str(look(tmp_path, "gpu").advice)


def test_a_folder_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    cache = look(tmp_path, "cache folder", cache_dir=blocked / "cache")
    store = look(tmp_path, "store", store=blocked / "a.duckdb")
    data = look(tmp_path, "data folder", data_dir=blocked)
    for check in (cache, store, data):
        assert not check.ok and check.advice
        assert str(blocked) in check.detail


def test_only_a_chosen_data_folder_must_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEANGNN_DATA", raising=False)
    assert look(tmp_path, "data folder", data_dir=None).ok
    monkeypatch.setenv("LEANGNN_DATA", str(tmp_path / "absent"))
    check = look(tmp_path, "data folder", data_dir=None)
    assert not check.ok and "does not exist" in check.detail


def test_a_server_is_named_without_its_password(tmp_path: Path) -> None:
    check = look(tmp_path, "store", store="postgresql+psycopg://me:secret@db.example.org/board")
    assert check.ok
    assert "db.example.org" in check.detail and "secret" not in check.detail
