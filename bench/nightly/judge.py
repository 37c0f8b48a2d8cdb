"""Tonight's trials and the nights before, as cases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from bench.nightly.cases import Case, Cell, CostCase, FailureCase, MetricCase, metrics_by_cell
from bench.nightly.past import Past
from bench.plan import PlannedTrial
from db.records import MethodRecord, SessionRecord, Status, TrialRecord
from db.scoring.history import Place, Point, histories, place_of
from db.scoring.regression import BASELINE, ON_TRIAL

COSTS = ("time_ratio", "memory_ratio", "energy_ratio")

HELD_FOR = BASELINE + ON_TRIAL
"""A metric is held to that of so many nights before, or of the first: as long as a slow-down takes to become the level,
so that a loss which nobody repairs, or one that creeps in, is reported as long as that.
"""

Ran = Mapping[PlannedTrial, TrialRecord]


def cases(ran: Ran, tonight: SessionRecord, past: Past, methods: Sequence[MethodRecord]) -> list[Case]:
    """All questions of the night: of each candidate what it costs, of each method what it reaches and whether it runs.

    A figure that was never measured, as energy without a counter, is no case.

    Args:
        ran: tonight's trials and how they ended.
        tonight: the session they ran in.
        past: the nights before.
        methods: at least those of all these trials.
    """
    planned: dict[Place, list[PlannedTrial]] = defaultdict(list)
    for trial, record in ran.items():
        planned[place_of(record)].append(trial)
    found: list[Case] = []
    for quantity in COSTS:
        found += _cost_cases(quantity, planned, ran, tonight, past, methods)
    by_place = _metrics(past.trials)
    for place, trials in planned.items():
        records = [ran[trial] for trial in trials]
        before = by_place.get(place, {})
        points = [_point(past.session(session_id), metrics) for session_id, metrics in before.items()]
        if (metrics := metrics_by_cell(records)) and points:
            held_to = list(before.values())[-HELD_FOR:][0]
            found.append(MetricCase(place, trials, [*points, _point(tonight, metrics)], metrics, held_to))
        if failed := _newly_failed(records, before):
            cells = {(record.split, record.seed) for record in failed}
            failing = [trial for trial in trials if (trial.split, trial.seed) in cells]
            found.append(FailureCase(place, failing, points, failed))
    judged = max(1, sum(case.is_judged for case in found))
    for case in found:
        case.compared = judged
    return found


def _cost_cases(
    quantity: str,
    planned: Mapping[Place, Sequence[PlannedTrial]],
    ran: Ran,
    tonight: SessionRecord,
    past: Past,
    methods: Sequence[MethodRecord],
) -> list[Case]:
    references = {method.name: method.reference for method in methods}
    everything = [*past.trials, *ran.values()]
    found: list[Case] = []
    for series in histories(everything, [*past.sessions, tonight], methods, quantity):
        place = Place(*(getattr(series, name) for name in Place._fields))
        if place in planned:
            reference = references[place.method]
            # in the order of the plan, so that the fresh ratios are interleaved like the night's
            trials = [trial for trial in ran if place_of(ran[trial]) in (place, place._replace(method=reference))]
            found.append(CostCase(place, trials, quantity, series.points, tonight.session_id, reference))
    return found


def _metrics(trials: Sequence[TrialRecord]) -> dict[Place, dict[str, dict[Cell, float]]]:
    """By series and session, oldest first."""
    groups: dict[Place, dict[str, list[TrialRecord]]] = defaultdict(lambda: defaultdict(list))
    for trial in trials:
        groups[place_of(trial)][trial.session_id].append(trial)
    return {
        place: {session_id: metrics for session_id, own in by_session.items() if (metrics := metrics_by_cell(own))}
        for place, by_session in groups.items()
    }


def _newly_failed(records: Sequence[TrialRecord], before: Mapping[str, Mapping[Cell, float]]) -> list[TrialRecord]:
    once = {cell for metrics in before.values() for cell in metrics}
    return [
        record
        for record in records
        if not record.status.has_metric
        and record.status is not Status.INTERRUPTED
        and (record.split, record.seed) in once
    ]


def _point(session: SessionRecord, metrics: Mapping[Cell, float]) -> Point:
    value = sum(metrics.values()) / len(metrics)
    return Point(session.session_id, session.started_at, session.code_version, value, len(metrics))
