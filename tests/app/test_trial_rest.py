"""What the page of a trial says besides its pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

from app.trial_rest import ROWS, lines
from db.records import TrialRecord

ELSEWHERE = {
    "chosen above": {"dataset", "method", "split", "seed", "status", "started_at"},
    "headline": {"test_metric", "peak_memory_bytes", "energy_joules", "inference_seconds", "device", "selected_epoch",
                 "trust", "reason"},
    "a picture or table": {"ledger", "curve", "schedule", "dynamics", "memory"},
    "how it was run": {"protocol_settings", "environment", "energy", "log_tail"},
    "a hash stands for them": {"predictions"},
}  # fmt: skip


def test_the_page_leaves_nothing_out_that_is_stored() -> None:
    assert set(ROWS) | set().union(*ELSEWHERE.values()) == {field.name for field in fields(TrialRecord)}
    assert set(ROWS).isdisjoint(set().union(*ELSEWHERE.values()))


def test_figures_are_in_words_and_what_is_missing_is_a_dash(trial: Callable[..., TrialRecord]) -> None:
    stored = trial(
        model_bytes=92_000, parameters=23_063, node_visits=270_800, repeat=1, attempt=2, session_id="s*1*",
        further_metrics={"test_balanced_accuracy": 0.75}, predictions_sha256="0a" * 32,
    )  # fmt: skip
    told = {line["what"]: line["stored"] for line in lines(stored)}
    assert told["Size of the model that predicts"] == "92 kB"
    assert (told["Parameters"], told["Nodes visited"]) == ("23,063", "270,800")
    assert (told["Repeat, counted from 0"], told["Attempt, counted from 1"]) == ("1", "2")
    assert told["Further metrics"] == "test balanced accuracy 75\\.00 %"
    assert told["Session"] == "s\\*1\\*"
    assert told["SHA-256 of the predictions"] == " ".join(["0a" * 8] * 4)
    assert told["Adjacency entries visited"] == "—"
