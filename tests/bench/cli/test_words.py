"""Wrong words: one sentence, the nearest right word, exit code 2; data that is wrong: exit code 1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.cli.words import store_to_show
from db.snapshot import export_snapshot
from db.store import Store

GCN = ("run", "--method", "gcn", "--dataset")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("bord",), "No such command 'bord'. Did you mean 'board'?"),
        (("run", "--datset", "cora"), "--dataset"),
        (("run", "--epochs", "many"), "'--epochs'"),
        (("run", "--jobs", 0), "'--jobs'"),
        (("run",), "say what to run: a suite (leangnn run quick), or --dataset and --method"),
        (("run", "--dataset", "cora"), "say what to run"),
        (("data",), "Missing command; see: leangnn data --help"),
        (("compare", "gcn"), "see: leangnn compare --help"),
        (("run", "quik"), "no suite is called 'quik'; did you mean 'quick'?"),
        (("run", "mine.toml"), "mine.toml cannot be read: No such file or directory"),
        ((*GCN, "cra"), "there is no dataset 'cra'; did you mean 'cora'"),
        ((*GCN, "cora(spit=full)"), "has no parameter 'spit'; did you mean 'split'?"),
        ((*GCN, "cora(split=ful)"), "split"),
        ((*GCN, "cora", "--method", "gnc"), "is called 'gnc'; did you mean"),
        ((*GCN, "cora", "--method", "gcn(hiden=8)"), "gcn has no parameter 'hiden'; did you mean 'hidden'?"),
        ((*GCN, "cora", "--method", "gcn(layers=0)"), "gcn(layers=0) is not possible; must be at least 1"),
        ((*GCN, "cora", "--method", "gcn(layers=two)"), "gcn(layers=two) is not possible; expected int"),
        ((*GCN, "cora", "--method", "gcn(layers=2"), "an opening parenthesis without a closing one"),
        ((*GCN, "cora", "--preset", "tund"), "no preset is called 'tund'; did you mean 'tuned'?"),
        ((*GCN, "cora", "--optimizer", "adm"), "no optimizer is called 'adm'; did you mean 'adam'"),
        ((*GCN, "cora", "--epochs", 0), "epochs=0 is not possible; it must be at least 1"),
        ((*GCN, "cora", "--target", 90), "metrics are fractions, so write 0.9 for 90 %"),
        (
            (*GCN, "cora", "--select-by", "auc"),
            "select_by='auc' is not possible; choose from: metric, balanced_accuracy",
        ),
        ((*GCN, "cora", "--dynamics-every", -1), "dynamics_every=-1 is not possible; it must be at least 1"),
        ((*GCN, "cora", "--seeds", "3-1"), "3-1 counts down; write 1-3"),
        ((*GCN, "digits-knn", "--splits", "99"), "there is no split 99"),
        ((*GCN, "digits-knn", "--device", "tpu"), "no device is called 'tpu'; choose cpu, cuda or cuda:1"),
        (("list", "backbone"), "there is no list of 'backbone'; did you mean 'backbones'?"),
        (("trials", "--status", "done"), "no trial ends as 'done'; known are: crashed, finished"),
        (("compare", "gcn", "gat"), "no stored method is called 'gcn'; the store is empty"),
        (("data", "check", "minesweeper-gird"), "did you mean 'minesweeper-grid'"),
        (("data", "chek", "cora"), "Did you mean 'check'?"),
        (("perf", "agregation"), "no comparison is called 'agregation'; did you mean 'aggregation'?"),
    ],
    ids=str,
)
def test_wrong_words(sentence: Any, words: tuple[object, ...], expected: str) -> None:
    assert expected in sentence(2, *words)


def test_a_fresh_clone_shows_the_results_that_come_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ran: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert store_to_show("leangnn.duckdb") == "leangnn.duckdb"
    export_snapshot(ran.store, tmp_path / "results")
    assert store_to_show("leangnn.duckdb") == "results"
    assert "in results/" in capsys.readouterr().err
    # what was asked for, or measured here, comes first
    assert store_to_show("other.duckdb") == "other.duckdb"
    Store(tmp_path / "leangnn.duckdb").write(lambda connection: None)
    assert store_to_show("leangnn.duckdb") == "leangnn.duckdb"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "words",
    [
        ("board", "--json"),
        ("board", "--verify", "--json"),
        ("trials", "--json"),
        ("compare", "gcn(layers=2,hidden=8)+watches_labels", "gcn(layers=2,hidden=8)", "--json"),
        ("export-site", "site"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_every_command_that_reads_shows_them_and_says_so_beside_its_answer(
    cli: Any, ran: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LEANGNN_DB")
    export_snapshot(ran.store, tmp_path / "results")
    said, named = cli(*words), cli(*words, "--db", "results")
    assert said.code == named.code == 0
    assert said.out == named.out and len(said.out) > 20
    assert said.error.count("\n") == 1 and "in results/" in said.error
    assert named.error == ""
    assert not (tmp_path / "leangnn.duckdb").exists()
