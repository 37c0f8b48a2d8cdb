"""Comparisons are found by scanning their folder."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench import perf
from bench.errors import UsageError


def test_files_with_a_title_are_comparisons() -> None:
    assert {"aggregation", "harness"} <= set(perf.names())
    assert "report" not in perf.names()
    assert all(perf.load(name).TITLE for name in perf.names())


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UsageError, match="'agregation'; did you mean 'aggregation'"):
        perf.load("agregation")


def test_listing_them_imports_no_torch() -> None:
    code = "import sys; from bench import perf; perf.names(); print(*{'torch', 'numba'} & set(sys.modules))"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.split() == []


@pytest.mark.parametrize("name", ["rounds", "threads"])
def test_numbers_must_be_positive(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name}=0"):
        perf.Options(**{name: 0})
