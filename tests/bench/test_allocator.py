"""The environment of a trial, and what a process started in it says about itself."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from bench import allocator
from bench.allocator import describe_allocator, huge_page_setting, trial_environment
from bench.errors import BenchError


@pytest.fixture
def modern_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.36"))


def test_ours_replaces_and_the_rest_stays(modern_glibc: None) -> None:
    base = {
        "PATH": "/bin",
        "OMP_NUM_THREADS": "64",
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=2:glibc.malloc.arena_max=4",
        "THP_MEM_ALLOC_ENABLE": "1",
        "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True",
    }
    assert trial_environment(base, threads=2) == {
        "PATH": "/bin",
        "OMP_NUM_THREADS": "2",
        "MKL_NUM_THREADS": "2",
        "OPENBLAS_NUM_THREADS": "2",
        "NUMBA_NUM_THREADS": "2",
        "OMP_WAIT_POLICY": "PASSIVE",
        "PYTHONHASHSEED": "0",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.arena_max=4",
        "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True",
    }
    assert base["OMP_NUM_THREADS"] == "64"


@pytest.mark.parametrize("library", [("glibc", "2.31"), ("", ""), ("musl", "1.2.4")])
def test_an_older_library_gets_torchs_switch_instead(monkeypatch: pytest.MonkeyPatch, library: tuple[str, str]) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: library)
    environment = trial_environment({}, threads=1)
    assert environment["THP_MEM_ALLOC_ENABLE"] == "1"
    assert "GLIBC_TUNABLES" not in environment


def test_threads_must_be_positive() -> None:
    with pytest.raises(BenchError, match="cannot run on 0 threads"):
        trial_environment({}, threads=0)


@pytest.mark.parametrize(
    ("text", "setting"),
    [("always [madvise] never\n", "madvise"), ("[always] madvise never\n", "always"), ("strange\n", None)],
)
def test_the_setting_of_the_kernel_is_the_word_in_brackets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, setting: str | None
) -> None:
    file = tmp_path / "enabled"
    file.write_text(text)
    monkeypatch.setattr(allocator, "HUGE_PAGES", file)
    assert huge_page_setting() == setting
    monkeypatch.setattr(allocator, "HUGE_PAGES", tmp_path / "absent")
    assert huge_page_setting() is None


@pytest.mark.parametrize(
    ("setting", "tunables", "in_force"),
    [
        ("always", "", True),
        ("madvise", "glibc.malloc.hugetlb=1", True),
        ("madvise", "glibc.malloc.hugetlb=0", False),
        ("never", "glibc.malloc.hugetlb=1", False),
    ],
)
def test_asking_for_huge_pages_is_not_having_them(
    monkeypatch: pytest.MonkeyPatch, setting: str, tunables: str, in_force: bool
) -> None:
    monkeypatch.setattr(allocator, "huge_page_setting", lambda: setting)
    monkeypatch.setenv("GLIBC_TUNABLES", tunables)
    monkeypatch.delenv("THP_MEM_ALLOC_ENABLE", raising=False)
    assert describe_allocator()["huge_pages_in_force"] is in_force


def test_a_process_started_so_says_so(modern_glibc: None) -> None:
    code = "import json; from bench.allocator import *; print(json.dumps(describe_allocator()))"
    environment = trial_environment(os.environ, threads=3)
    output = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout
    described = json.loads(output)
    assert described["glibc_tunables"]["glibc.malloc.hugetlb"] == "1"
    assert described["threads"] == {**dict.fromkeys(allocator.THREAD_VARIABLES, "3"), "OMP_WAIT_POLICY": "PASSIVE"}
