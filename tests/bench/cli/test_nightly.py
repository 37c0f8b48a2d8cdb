"""`leangnn nightly`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import runner
from db.read import Reader
from db.records import Status

SUITE = """
question = "test"
[protocol]
epochs = 2
threads = 1
[[run]]
datasets = ["minesweeper-grid(side=12)"]
methods = ["mlp(layers=2,hidden=8)"]
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(SUITE)
    return path


@pytest.mark.slow
def test_a_real_night_is_run_and_reported(cli, suite, tmp_path) -> None:
    said = cli("nightly", "--suite", suite, "--report", tmp_path / "report", "--json")
    assert said.code == 0, said
    assert said.json == json.loads((tmp_path / "report" / "report.json").read_text())
    assert (said.json["nights_before"], said.json["regressions"], said.json["findings"]) == (0, 0, [])
    [row] = Reader(tmp_path / "store.duckdb").trials()
    assert (row.session_id, row.status) == (said.json["session_id"], Status.FINISHED)
    assert "No regression." in (tmp_path / "report" / "report.md").read_text()


def test_another_night_plans_what_is_stored_already(ran, harness) -> None:
    class PlannedError(Exception):
        pass

    class Listener(type(ran.diary)):  # type: ignore[misc]
        def planned(self, total: int, skipped: int) -> None:
            raise PlannedError(total, skipped)

    chosen = {"store": str(ran.store), "data_dir": str(harness.data), "cache_dir": str(harness.cache), "jobs": 2}
    stored = [trial for trial in ran.trials if "watches_labels" in trial.method.name]
    for occasion, counts in (("", (0, 1)), (" night 1", (1, 0))):
        with pytest.raises(PlannedError) as planned:
            runner.run(stored, runner.Options(**chosen, threads=1, occasion=occasion), Listener())
        assert planned.value.args == counts


def test_a_regression_exits_with_1(cli, suite, tmp_path, monkeypatch) -> None:
    from bench.cli import nightly

    monkeypatch.setattr(nightly, "run_night", lambda options, listener: None)
    monkeypatch.setattr(nightly, "write", lambda night, folder: {"regressions": 2})
    monkeypatch.setattr(nightly, "markdown", lambda found: "2 regressions")
    said = cli("nightly", "--suite", suite, "--report", tmp_path / "report")
    assert (said.code, said.out) == (1, "2 regressions\n")


def test_wrong_words_are_named_before_anything_runs(sentence, suite, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(runner, "run", lambda *arguments: pytest.fail("it ran"))
    said = sentence(2, "nightly", "--suite", "no-such-suite", "--report", tmp_path / "report")
    assert "no-such-suite" in said
    (tmp_path / "file").write_text("")
    assert "name another folder" in sentence(1, "nightly", "--suite", suite, "--report", tmp_path / "file")


def test_a_stopped_night_exits_with_130(sentence, suite, tmp_path, monkeypatch) -> None:
    def stopped(trials, options, listener):
        return runner.Report(interrupted=True)

    monkeypatch.setattr(runner, "run", stopped)
    said = sentence(130, "nightly", "--suite", suite, "--report", tmp_path / "report")
    assert "what had finished is stored" in said
