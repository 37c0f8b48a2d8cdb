"""`leangnn data`, and what is said of data that is missing or wrong."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.datasets import registry
from bench.errors import DataError


def arrays(**changes: Any) -> dict[str, Any]:
    """A ring of 30 nodes with two classes."""
    nodes = np.arange(30)
    made = {
        "x": np.eye(30, 4, dtype=np.float32),
        "y": nodes % 2,
        "edge_index": np.stack([nodes, (nodes + 1) % 30]),
        "train": nodes[:10],
        "valid": nodes[10:20],
        "test": nodes[20:],
    }
    return made | changes


@pytest.fixture
def mine(tmp_path: Path) -> Callable[..., Path]:
    """Write a graph of one's own and return its TOML."""

    def write(keys: str = 'graph = "mine.npz"\n', **changes: Any) -> Path:
        np.savez(tmp_path / "mine.npz", **arrays(**changes))
        (tmp_path / "mine.toml").write_text(keys)
        return tmp_path / "mine.toml"

    return write


def test_a_graph_of_ones_own_is_described_and_checked(cli, mine: Callable[..., Path]) -> None:
    path = mine()
    facts = cli("data", "describe", path, "--json").json
    assert (facts["nodes"], facts["edges"], facts["classes"], facts["features"]) == (30, 60, 2, 4)
    assert facts["splits"] == [[10, 10, 10]]
    checks = cli("data", "check", path, "--json")
    assert (checks.code, {check["ok"] for check in checks.json}) == (0, {True})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"x": np.full((30, 4), np.nan, dtype=np.float32)}, "not a finite number"),
        ({"test": np.arange(15, 30)}, "overlap"),
        ({"test": np.arange(0)}, "empty"),
        ({"edge_index": np.array([[0], [99]])}, "99"),
        ({"y": np.full(30, -5)}, "out of range"),
    ],
    ids=["NaN features", "overlapping split", "empty split", "edge to nowhere", "label out of range"],
)
def test_a_graph_that_is_wrong_is_refused_before_anything_runs(
    sentence: Any, mine: Callable[..., Path], tmp_path: Path, changes: dict[str, Any], expected: str
) -> None:
    assert expected in sentence(1, "data", "describe", mine(**changes))
    said = sentence(1, "run", "--dataset", mine(**changes), "--method", "gcn").splitlines()[-1]
    assert expected in said
    assert not (tmp_path / "store.duckdb").exists()


def test_a_truncated_file_is_named(sentence: Any, mine: Callable[..., Path], tmp_path: Path) -> None:
    path = mine()
    whole = (tmp_path / "mine.npz").read_bytes()
    (tmp_path / "mine.npz").write_bytes(whole[: len(whole) // 2])
    assert "mine.npz" in sentence(1, "data", "describe", path)


def test_an_unknown_key_of_the_toml_is_a_wrong_word(sentence: Any, mine: Callable[..., Path]) -> None:
    path = mine('graph = "mine.npz"\nmetrik = "accuracy"\n')
    assert sentence(2, "data", "describe", path) == f"{path} has an unknown key 'metrik'; did you mean 'metric'?"


def test_files_that_are_not_there_are_named(sentence: Any, cli: Any, tmp_path: Path) -> None:
    assert "there is no file" in sentence(1, "data", "describe", tmp_path / "nosuch.toml")
    (tmp_path / "mine.toml").write_text('graph = "nosuch.npz"\n')
    assert "there is no file" in sentence(1, "data", "describe", tmp_path / "mine.toml")
    missing = cli("data", "check", "arxiv-structural", "--json")
    assert missing.code == 1
    assert not any(check["ok"] for check in missing.json)


def test_describing_needs_no_download(cli: Any) -> None:
    facts = cli("data", "describe", "roman-empire", "--json")
    assert (facts.code, facts.json["measured"], facts.json["nodes"]) == (0, False, 22662)
    assert "roman-empire" in cli("data", "describe", "roman-empire").out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_a_data_folder_without_permission_is_told(sentence: Any, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    assert "permission" in sentence(1, "run", "--dataset", "cora", "--method", "gcn", "--data", closed)


def test_a_data_folder_is_never_written_to(mine: Callable[..., Path], tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "read-only"
    folder.mkdir()
    folder.chmod(0o555)
    assert registry.load("minesweeper-grid(side=12)", folder, cache).nodes == 144
    with pytest.raises(DataError):
        registry.load("arxiv-structural", folder, cache)
    assert list(folder.iterdir()) == []
