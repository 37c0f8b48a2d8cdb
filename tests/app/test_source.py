"""Where pages get their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st

from app import source
from db import last_good
from db.read import Reader
from db.records import TrialRecord
from db.store import Store


@pytest.fixture
def reader(filled: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """Looks at the file each time it is asked, waits for what it reads and for no writer."""
    monkeypatch.setattr(last_good, "_PATIENCE", 30.0)
    monkeypatch.setattr(last_good, "_PAUSE", 0.0)
    monkeypatch.setattr(last_good, "_SHARE", 1e9)
    st.cache_resource.clear()
    yield Reader(filled, deadline=0.1)
    st.cache_resource.clear()


def _add(path: Path, trial: TrialRecord) -> None:
    reader = Reader(path)
    dataset = next(each for each in reader.datasets() if each.name == trial.dataset)
    Store(path).record_trial(trial, dataset, next(each for each in reader.methods() if each.name == trial.method))


def test_the_board_is_scored_once_and_narrowed(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Reader(reader.name).board()
    calls: list[int] = []
    score = reader.board
    monkeypatch.setattr(reader, "board", lambda: calls.append(1) or score())
    assert source.board(reader) == whole
    assert source.board(reader, dataset="pubmed") == [row for row in whole if row.dataset == "pubmed"]
    assert source.board(reader, dataset=["cora", "pubmed"], device=("cpu",)) == whole
    assert source.board(reader, machine_id="nowhere") == []
    assert len(calls) == 1


def test_rows_follow_the_file(reader: Reader, filled: Path, trial: Callable[..., TrialRecord]) -> None:
    assert (source.overview(reader).trials, len(source.trials(reader, dataset="pubmed"))) == (23, 3)
    assert source.board(reader, dataset="pubmed")[0].n == 2
    _add(filled, trial("sage+full_batch", 7, 3.0, dataset="pubmed"))
    assert (source.overview(reader).trials, len(source.trials(reader, dataset=["pubmed"]))) == (24, 4)
    assert source.board(reader, dataset="pubmed")[0].n == 3


def test_curves_are_thinned(reader: Reader) -> None:
    curves = source.curves(reader, ["cora/gcn+sgc/1", "absent"], points=4)
    assert {name: len(curve.epoch) for name, curve in curves.items()} == {"cora/gcn+sgc/1": 2}
    assert source.dynamics(reader, "cora/gcn+sgc/1") == {}


def test_methods_beside_another(reader: Reader) -> None:
    rows = source.beside(reader, ["gcn+sgc", "gcn+full_batch"], "gcn+sgc")
    assert {row.method: row.reference for row in rows} == dict.fromkeys(["gcn+sgc", "gcn+full_batch"], "gcn+sgc")


def test_while_a_writer_holds_the_file_everything_is_old_and_says_so(reader: Reader, filled: Path, held) -> None:
    before, rows = source.overview(reader), source.board(reader)
    assert not before.stale
    with held(filled):
        seen = source.overview(reader)
        assert (seen.stale, seen.read_at, source.board(reader)) == (True, before.read_at, rows)
    assert not source.overview(reader).stale
    assert source.overview(reader).machines[0].cpu_model == "Acme 2"
