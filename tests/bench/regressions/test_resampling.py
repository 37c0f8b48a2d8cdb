"""Noise of repeated trials, resampled."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bench.asv.sample_store import sample_trials
from bench.errors import BenchError
from bench.regressions.resampling import ENOUGH, report, residuals
from db.records import Ledger, SessionRecord

SESSION = SessionRecord("session", "machine", datetime(2025, 1, 1, tzinfo=UTC), "sample", "leangnn run sample", "c1")
RATIOS = [0.98, 1.02] * (ENOUGH // 2)


def _repeated(ratios: list[float], session: str = "session") -> tuple[list, list]:
    """A reference of one second and a candidate beside it, repeat by repeat."""
    found = list(sample_trials())
    methods = {method.name: method for _, _, method in found}
    reference, candidate = (
        next(t for t, _, m in found if m.strategy == name) for name in ("full_batch", "cluster_gcn")
    )
    trials = []
    for repeat, ratio in enumerate(ratios):
        for trial, seconds in ((reference, 1.0), (candidate, ratio)):
            name = f"{session} {trial.trial_id} {repeat}"
            trials.append(
                replace(
                    trial, trial_id=name, fingerprint=name, repeat=repeat, session_id=session,
                    ledger=Ledger(0, 0, 0, seconds, 0, 0, 0, seconds),
                )
            )  # fmt: skip
    return trials, list(methods.values())


def test_deviations_are_logarithms_around_their_mean() -> None:
    trials, methods = _repeated(RATIOS)
    [(name, deviations)] = residuals(trials, [SESSION], methods).items()
    assert name == "dataset-0 gcn(layers=2)+cluster_gcn"
    assert len(deviations) == ENOUGH
    half = (math.log(1.02) - math.log(0.98)) / 2
    assert sorted({round(value, 12) for value in deviations}) == pytest.approx([-half, half])


def test_sessions_of_one_code_version_are_one_series_and_of_two_are_two() -> None:
    trials, methods = _repeated(RATIOS[: ENOUGH // 2])
    more, _ = _repeated(RATIOS[: ENOUGH // 2], session="later")
    same = [SESSION, replace(SESSION, session_id="later")]
    assert [len(values) for values in residuals(trials + more, same, methods).values()] == [ENOUGH]
    other = [SESSION, replace(SESSION, session_id="later", code_version="c2")]
    with pytest.raises(BenchError, match=f"at most {ENOUGH // 2}; run a suite with repeats = {ENOUGH}"):
        residuals(trials + more, other, methods)


def test_an_empty_store_has_no_noise_to_tell_of() -> None:
    with pytest.raises(BenchError, match="at most 0"):
        residuals([], [], [])


def test_the_report_has_a_line_a_series_and_one_for_all() -> None:
    lines = report({"a": (0.02, -0.02) * 10, "b": (0.04, -0.04) * 10}, nights=1, changes=2).splitlines()
    assert [line.split("|")[1].strip().split(",")[0] for line in lines[2:]] == ["a", "b", "all 40 repeats"]
    assert "20 repeats, noise 2.1%" in lines[2]
