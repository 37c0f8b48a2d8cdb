"""What a run shows: plain lines, and the live bar on a terminal that keeps what it is told."""

from __future__ import annotations

import dataclasses
import io

import pytest
from rich.console import Console

from bench.cli import progress
from bench.cli.progress import LiveListener, PlainListener, describe, verdict
from bench.plan import PlannedTrial
from db.records import TrialRecord

SMALL = "gcn(layers=2,hidden=8)"


@pytest.fixture
def finished(ran) -> tuple[PlannedTrial, TrialRecord]:
    return ran.trials[0], ran.row(f"{SMALL}+full_batch", seed=0)


@pytest.fixture
def crashed(ran) -> tuple[PlannedTrial, TrialRecord]:
    [trial] = [trial for trial in ran.trials if trial.method.strategy.name == "raises_late"]
    return trial, ran.row(trial.method.name)


def test_verdicts_by_hand(finished, crashed, ran) -> None:
    row = dataclasses.replace(
        finished[1], test_metric=0.7, validation_metric=0.65, selected_epoch=3, epochs=6, peak_memory_bytes=2_000_000,
        ledger=dataclasses.replace(finished[1].ledger, preprocess=0.5, compile=0.0, train=1.0),
    )  # fmt: skip
    assert verdict(row) == "test 70.00  validation 65.00 (epoch 3 of 6)  1.5 s  2 MB"
    assert verdict(crashed[1]) == "crashed: ValueError: the sampler lost"
    missed = ran.row(f"{SMALL}+full_batch", seed=1)
    assert verdict(missed).endswith(f"missed_target: {missed.reason}")
    assert describe(finished[0]) == f"minesweeper-grid(side=12)  {SMALL}+full_batch  split 0 seed 0"
    several = dataclasses.replace(finished[0].protocol, processes=2, threads=2)
    assert describe(dataclasses.replace(finished[0], protocol=several)).endswith("split 0 seed 0  2 processes")


def test_without_a_terminal_there_is_one_line_a_trial(finished, crashed, capsys: pytest.CaptureFixture[str]) -> None:
    with PlainListener() as listener:
        listener.planned(2, 3)
        listener.progress(finished[0], {"stage": "loading"})
        listener.ended(*finished)
        listener.ended(*crashed)
        listener.notice("something [odd]")
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert lines[0] == "2 trials to run, 3 stored already"
    assert lines[1] == f"[1/2] {describe(finished[0])}  {verdict(finished[1])}"
    assert lines[2] == f"[2/2] {describe(crashed[0])}  {verdict(crashed[1])}"
    assert lines[3:] == ["note: something [odd]"]


def test_a_terminal_shows_trial_epoch_metric_and_results(finished, crashed, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=160, color_system=None)
    monkeypatch.setattr(progress, "Console", lambda stderr: terminal)
    with LiveListener() as listener:
        listener.planned(2, 1)
        listener.progress(finished[0], {"stage": "loading"})
        listener._progress.refresh()
        listener.progress(finished[0], {"epoch": 4, "spent": 4 / 6, "validation_metric": 0.6125})
        listener._progress.refresh()
        listener.ended(*finished)
        listener.ended(*crashed)
        listener.notice("something [odd]")
    shown = screen.getvalue()
    assert "1 stored already" in shown
    assert "0/6 loading" in shown
    assert "4/6 validation 61.25" in shown
    assert f"✓ {describe(finished[0])}  {verdict(finished[1])}" in shown
    assert f"✗ {describe(crashed[0])}  {verdict(crashed[1])}" in shown
    assert "note: something [odd]" in shown
    assert "2/2" in shown


def test_a_budget_in_seconds_is_shown_as_a_share(finished, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=160, color_system=None)
    monkeypatch.setattr(progress, "Console", lambda stderr: terminal)
    timed = dataclasses.replace(
        finished[0], protocol=dataclasses.replace(finished[0].protocol, epochs=None, seconds=9.0)
    )
    with LiveListener() as listener:
        listener.planned(1, 0)
        listener.progress(timed, {"epoch": 70, "spent": 0.25, "validation_metric": 0.5})
        listener._progress.refresh()
    assert "25/100" in screen.getvalue()
