"""The command as a process: what it imports, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"torch", "torch_geometric", "ogb", "numba", "pandas", "sqlalchemy", "duckdb", "scipy", "sklearn"}
IMPORTS = """
import json, sys
from bench.cli import main, words
sys.argv = ["leangnn", *{words!r}]
code = words.guarded(main.app)
print(json.dumps([code, sorted(sys.modules)]))
"""


def imported(*words: str) -> tuple[int, set[str]]:
    """Exit code of a command and the modules that it loaded."""
    finished = subprocess.run([sys.executable, "-c", IMPORTS.format(words=words)], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    code, modules = json.loads(finished.stdout.splitlines()[-1])
    return code, set(modules)


def test_help_loads_nothing_heavy() -> None:
    code, modules = imported("--help")
    assert code == 0
    assert modules & HEAVY == set()


def test_the_board_needs_no_torch_no_pandas_and_no_scipy(ran) -> None:
    code, modules = imported("board", "--db", str(ran.store))
    assert code == 0
    assert modules & (HEAVY - {"sqlalchemy", "duckdb"}) == set()


@pytest.mark.parametrize(
    ("words", "code"), [((), 0), (("--help",), 0), (("bord",), 2), (("board", "--db", "/"), 1)], ids=str
)
def test_the_process_ends_with_the_exit_code(words: tuple[str, ...], code: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.cli.main", *words]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == code
    assert bool(finished.stdout) is (code == 0)
    assert finished.stderr.count("\n") == (code != 0)


def test_a_reader_that_stops_early_is_no_error(ran) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "bench.cli.main", "trials", "--db", str(ran.store)]
    finished = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (finished.returncode, finished.stderr) == (0, "")
