"""`leangnn db`, and databases that cannot be used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

READING = (("board",), ("trials",), ("compare", "gcn", "gat"))
WRITING = ("run", "--dataset", "minesweeper-grid(side=12)", "--method", "gcn", "--threads", "1")


def test_a_snapshot_goes_from_store_to_store(cli, ran, tmp_path: Path) -> None:
    said = cli("db", "export", tmp_path / "snapshot", "--db", ran.store)
    assert (said.code, f"{len(ran.trials)} trials" in said.out) == (0, True)
    assert cli("db", "import", tmp_path / "snapshot").code == 0
    assert cli("trials", "--json").json == cli("trials", "--json", "--db", ran.store).json
    assert "0 trials" in cli("db", "import", tmp_path / "snapshot").out
    assert cli("db", "upgrade").code == 0


@pytest.mark.parametrize("words", [*READING, WRITING, ("db", "upgrade"), ("db", "export", "x")], ids=str)
def test_a_corrupt_file_is_told_and_left_as_it_is(sentence: Any, tmp_path: Path, words: tuple[str, ...]) -> None:
    broken = tmp_path / "broken.duckdb"
    broken.write_bytes(b"no database" * 1000)
    assert "is not a readable DuckDB database; move it away" in sentence(1, *words, "--db", broken)
    assert broken.read_bytes() == b"no database" * 1000


@pytest.mark.parametrize("words", [("board",), WRITING, ("db", "upgrade")], ids=str)
def test_a_newer_schema_is_told(cli, sentence: Any, tmp_path: Path, words: tuple[str, ...], ran) -> None:
    store = tmp_path / "newer.duckdb"
    store.write_bytes(ran.store.read_bytes())
    with duckdb.connect(str(store)) as connection:
        connection.execute("UPDATE schema_version SET version = 999")
    assert "999" in sentence(1, *words, "--db", store)


def test_a_file_that_another_process_holds_is_told(
    sentence: Any, ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "held.duckdb"
    store.write_bytes(ran.store.read_bytes())
    code = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(store)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None and holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        monkeypatch.setattr("db.read.Reader.__init__.__defaults__", (0.1,))
        said = sentence(1, "trials", "--db", store)
        assert f"another process (PID {holder.pid}) holds '{store}'; wait for it to end or stop it" in said
        holder.stdin.close()
    assert holder.returncode == 0


def test_a_folder_or_nonsense_is_no_database(sentence: Any, tmp_path: Path) -> None:
    assert "is a folder" in sentence(1, "board", "--db", tmp_path)
    assert "is not an SQLAlchemy URL" in sentence(1, "board", "--db", "postgresql://user@host:port/x")
    assert "is not a snapshot" in sentence(1, "db", "import", tmp_path)
