"""The trials behind the board, among all that are stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from app.costs import Cost
from db.records import SessionRecord, TrialFigures
from db.scoring.board import newest
from db.scoring.history import is_rerun
from db.scoring.intervals import Interval, mean_interval
from db.scoring.paired import cell_means


def counted(trials: Iterable[TrialFigures], sessions: Iterable[SessionRecord]) -> list[TrialFigures]:
    """Those that the board is scored from: the newest of each cell, and none that was measured again on suspicion."""
    reruns = {session.session_id for session in sessions if is_rerun(session)}
    return newest(trial for trial in trials if trial.session_id not in reruns)


def by_method(trials: Iterable[TrialFigures]) -> dict[str, list[TrialFigures]]:
    """The trials of each method, in their order."""
    found: dict[str, list[TrialFigures]] = {}
    for trial in trials:
        found.setdefault(trial.method, []).append(trial)
    return found


def spreads(trials: Mapping[str, list[TrialFigures]], cost: Cost) -> dict[str, Interval]:
    """Mean of a cost over splits and seeds with its 95 % t interval, by method, from `counted` trials of one place.

    The board has the mean alone, because seconds and bytes are compared in one place only.
    """
    return {method: found for method, own in trials.items() if (found := _spread(own, cost)) is not None}


def _spread(trials: Iterable[TrialFigures], cost: Cost) -> Interval | None:
    finished = (trial for trial in trials if trial.status.has_metric and trial.test_metric is not None)
    measured = [(trial, figure) for trial in finished if (figure := _figure(trial, cost)) is not None]
    return mean_interval(cell_means(*zip(*measured, strict=True))) if measured else None


def _figure(trial: TrialFigures, cost: Cost) -> float | None:
    if cost.field == "scored_seconds":
        return None if trial.ledger is None else trial.ledger.scored
    figure: float | None = getattr(trial, cost.field) if cost.field else None
    return figure
