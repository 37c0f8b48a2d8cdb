"""Machines made of files, a checkout made on the spot, and this machine."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bench.meters import hardware
from bench.meters.hardware import checkout_version, code_version, environment, hardware_class, machine
from bench.meters.nvml import NvmlDevice
from db.records import MachineRecord

GIB = 2**30


class FakeGpu(NvmlDevice):
    def __init__(self) -> None:
        pass

    def model(self) -> str:
        return "NVIDIA H100 80GB HBM3"

    def memory_bytes(self) -> int:
        return 80 * GIB

    def driver(self) -> str:
        return "570.1"


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine of 64 GiB and 8 cores whose processor, memory and control group are files of the test."""
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: AMD  EPYC 7742\n")
    (tmp_path / "meminfo").write_text(f"MemTotal:       {64 * 2**20} kB\n")
    monkeypatch.setattr(hardware, "_CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(hardware, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(hardware, "_CGROUP", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    return tmp_path


def test_the_machine_is_read_from_its_files(files: Path) -> None:
    record = machine()
    assert (record.cpu_model, record.cpu_cores, record.memory_bytes) == ("AMD EPYC 7742", 8, 64 * GIB)


@pytest.mark.parametrize(
    ("limits", "cores", "memory"),
    [
        ({"cpu.max": "max 100000", "memory.max": "max"}, 8, 64 * GIB),
        ({"cpu.max": "250000 100000", "memory.max": str(6 * GIB)}, 3, 6 * GIB),
        ({"cpu.max": "50000 100000"}, 1, 64 * GIB),
        ({"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, 2, 64 * GIB),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8, 64 * GIB),
        ({"memory/memory.limit_in_bytes": str(2**63 - 4096)}, 8, 64 * GIB),
    ],
)
def test_the_limits_of_a_container_count(files: Path, limits: dict[str, str], cores: int, memory: int) -> None:
    for name, text in limits.items():
        (files / name).parent.mkdir(exist_ok=True)
        (files / name).write_text(f"{text}\n")
    record = machine()
    assert (record.cpu_cores, record.memory_bytes) == (cores, memory)


def test_the_identity_is_stable_and_follows_what_decides_speed(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = machine()
    assert machine() == first
    # another kernel release takes 2 MiB more of the memory
    (files / "meminfo").write_text(f"MemTotal:       {64 * 2**20 - 2048} kB\n")
    monkeypatch.setattr("platform.release", lambda: "7.0")
    assert machine().machine_id == first.machine_id
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0}, raising=False)
    assert machine().machine_id != first.machine_id


def test_a_gpu_is_part_of_the_machine(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without = machine()
    monkeypatch.setattr(hardware, "open_device", lambda: FakeGpu())
    record = machine()
    assert record.machine_id != without.machine_id
    assert (record.gpu_model, record.gpu_memory_bytes, record.gpu_driver) == (
        "NVIDIA H100 80GB HBM3",
        80 * GIB,
        "570.1",
    )


def test_the_hardware_class_of_a_device() -> None:
    record = MachineRecord("id", "AMD EPYC 7742", 8, 64 * GIB, "NVIDIA H100 80GB HBM3", 80 * GIB - 1000)
    assert hardware_class(record, "cpu") == "AMD EPYC 7742 x 8"
    assert hardware_class(record, "cuda:1") == "NVIDIA H100 80GB HBM3 80 GiB"
    assert hardware_class(replace(record, memory_bytes=1), "cpu") == hardware_class(record, "cpu")


def test_versions_are_those_of_the_imported_packages() -> None:
    import numpy as np
    import torch

    versions = environment()
    assert (versions["torch"], versions["numpy"]) == (torch.__version__, np.__version__)
    assert versions["cuda"] == torch.version.cuda
    assert hardware.package_version("no-such-package") is None


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    finished = subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True, text=True)
    return finished.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "trial.py").write_text("one\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "Begin")
    return tmp_path


def test_a_clean_checkout_is_its_commit(checkout: Path) -> None:
    assert checkout_version(checkout) == git(checkout, "rev-parse", "HEAD")
    (checkout / "README.md").write_text("not code\n")
    assert checkout_version(checkout) == git(checkout, "rev-parse", "HEAD")


def test_every_working_tree_has_its_own_version(checkout: Path) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    versions = [commit]
    for name, text in [("trial.py", "two\n"), ("trial.py", "three\n"), ("new.py", "a\n"), ("new.py", "b\n")]:
        (checkout / "bench" / name).write_text(text)
        versions.append(str(checkout_version(checkout)))
    assert len(set(versions)) == 5
    assert all(version.startswith(f"{commit}-dirty-") for version in versions[1:])
    assert checkout_version(checkout) == versions[-1]


def test_a_folder_inside_another_checkout_is_no_checkout(checkout: Path, tmp_path: Path) -> None:
    assert checkout_version(checkout / "bench") is None


def test_this_code_has_a_version() -> None:
    assert code_version() not in ("", "unknown")
