"""`leangnn board` starts quickly only while the way to it imports nothing heavy."""

import subprocess
import sys

import pytest

_HEAVY = {"torch", "torch_geometric", "pandas", "scipy", "sklearn", "numba", "pyarrow"}


@pytest.mark.parametrize("module", ["db.read", "db.store", "db.scoring.board"])
def test_the_way_to_the_board_imports_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; from db.read import Reader; Reader('absent.duckdb').board(); print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert not loaded & _HEAVY


def test_scoring_needs_no_database() -> None:
    code = "import sys, db.scoring.board; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"sqlalchemy", "duckdb"} & set(loaded)
