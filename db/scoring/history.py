"""What one method cost, session by session: the series that the nightly judges and the dashboard draws.

The board keeps the newest trial of each cell; a history keeps them all. A point is made of the trials of one session
alone, each beside the reference that was interleaved with it there, so that two speeds of a machine never meet in a
ratio.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar

import numpy as np

from db.errors import StoreError
from db.records import MethodRecord, SessionRecord, TrialFigures, Trust
from db.scoring.changepoint import fit_segments
from db.scoring.intervals import mean_interval
from db.scoring.paired import Pair, cell_means, pair_trials

AGAIN = ":again"
"""Ends the suite's name of a session that measured again what a night made suspicious. Such a session is chosen by its
outcome, so it is no point of a history and no row of the board.
"""


@dataclass(frozen=True)
class Point:
    """One session of a series."""

    session_id: str
    at: datetime
    """When the session began."""
    code_version: str
    value: float
    """Cost: geometric mean of the paired ratios candidate / reference. `difference`: mean paired difference of the test
    metric. Over (split, seed), repeats averaged first.
    """
    n: int
    """How many (split, seed) are in the value."""
    low: float | None = None
    """The 95 % t interval of the value, of a cost over logarithms; None where one (split, seed) gives no spread."""
    high: float | None = None


@dataclass(frozen=True)
class Series:
    """One quantity of one method on one dataset, protocol, device and machine, oldest point first.

    `machine_id` is a hash of the models of CPU and GPU, of cores, memory and driver: new hardware is a new series.
    """

    dataset: str
    dataset_version: str
    method: str
    machine_id: str
    device: str
    protocol: str
    quantity: str
    points: tuple[Point, ...]


class Figure(NamedTuple):
    """A value, the (split, seed) that are in it, and its interval as in `Point`."""

    value: float
    n: int
    low: float | None
    high: float | None


class Place(NamedTuple):
    """What all points of a series share; `method` is the candidate."""

    dataset: str
    dataset_version: str
    method: str
    machine_id: str
    device: str
    protocol: str


def histories(
    trials: Iterable[TrialFigures],
    sessions: Iterable[SessionRecord],
    methods: Iterable[MethodRecord],
    quantity: str,
) -> list[Series]:
    """The series of all methods but the references, by dataset and method.

    A trial without a metric, one that is disputed or retracted, and one whose reference is not in its session give no
    point; sessions that measured something again are left out.

    Args:
        trials: of the candidates and of their references.
        sessions, methods: at least those of the trials.
        quantity: `time_ratio`, `memory_ratio`, `energy_ratio` or `difference`.

    Raises:
        StoreError: the quantity, or the session or method of a trial, is unknown.
    """
    held = {session.session_id: session for session in sessions}
    references = {method.name: method.reference for method in methods}
    points: dict[Place, list[Point]] = defaultdict(list)
    for session_id, own in _by_session(trials).items():
        session = _known(held, session_id, "session")
        if is_rerun(session):
            continue
        for place, figure in session_figures(own, references, quantity).items():
            points[place].append(Point(session_id, session.started_at, session.code_version, *figure))
    return [
        Series(*place, quantity, tuple(sorted(found, key=lambda point: (point.at, point.session_id))))
        for place, found in sorted(points.items())
    ]


def session_figures(
    trials: Iterable[TrialFigures], references: Mapping[str, str], quantity: str
) -> dict[Place, Figure]:
    """The value of each candidate in one session; see `histories`.

    Args:
        trials: of one session.
        references: name of the reference by name of the method.

    Raises:
        StoreError: the quantity, or the method of a trial, is unknown.
    """
    if quantity not in _FIGURES:
        raise StoreError(f"there is no history of '{quantity}'; choose one of: {', '.join(_FIGURES)}")
    figure = _FIGURES[quantity]
    pairs = _pairs([trial for trial in trials if _counts(trial)], references)
    return {place: found for place, own in pairs.items() if (found := figure(own)) is not None}


def change_points(series: Series) -> list[int]:
    """Indices of the points with which a new level begins, by `db.scoring.changepoint.fit_segments`."""
    if not series.points:
        return []
    values = np.array([point.value for point in series.points])
    segments = fit_segments(values if series.quantity == "difference" else np.log(values))
    return [segment.start for segment in segments[1:]]


def place_of(trial: TrialFigures) -> Place:
    """The series that a trial belongs to."""
    return Place(trial.dataset, trial.dataset_version, trial.method, trial.machine_id, trial.device, trial.protocol)


def is_rerun(session: SessionRecord) -> bool:
    """Whether the session measured again what a night made suspicious."""
    return session.suite is not None and session.suite.endswith(AGAIN)


_Kept = TypeVar("_Kept")


def _by_session(trials: Iterable[TrialFigures]) -> dict[str, list[TrialFigures]]:
    groups: dict[str, list[TrialFigures]] = defaultdict(list)
    for trial in trials:
        groups[trial.session_id].append(trial)
    return groups


def _counts(trial: TrialFigures) -> bool:
    return trial.status.has_metric and trial.test_metric is not None and trial.trust not in _UNTRUSTED


def _pairs(trials: Sequence[TrialFigures], references: Mapping[str, str]) -> dict[Place, list[Pair]]:
    by_method: dict[str, list[TrialFigures]] = defaultdict(list)
    for trial in trials:
        by_method[trial.method].append(trial)
    pairs: dict[Place, list[Pair]] = defaultdict(list)
    for method, own in by_method.items():
        reference = _known(references, method, "method")
        if reference != method:
            for pair in pair_trials(own, by_method.get(reference, [])):
                pairs[place_of(pair.candidate)].append(pair)
    return pairs


def _known(records: Mapping[str, _Kept], key: str, kind: str) -> _Kept:
    if key not in records:
        raise StoreError(f"a trial names the {kind} '{key}', which is not among the given {kind}s; read them together")
    return records[key]


def _ratio(figure: Callable[[TrialFigures], float | None]) -> Callable[[Sequence[Pair]], Figure | None]:
    def value(pairs: Sequence[Pair]) -> Figure | None:
        # a figure that is missing or zero has no ratio
        usable = [
            (pair.candidate, math.log(above) - math.log(below))
            for pair in pairs
            if (above := figure(pair.candidate)) and (below := figure(pair.reference))
        ]
        if not usable:
            return None
        cells = cell_means(*zip(*usable, strict=True))
        mean, *ends = mean_interval(cells)
        low, high = (None if end is None else math.exp(end) for end in ends)
        return Figure(math.exp(mean), len(cells), low, high)

    return value


def _difference(pairs: Sequence[Pair]) -> Figure | None:
    differences = [_metric(pair.candidate) - _metric(pair.reference) for pair in pairs]
    cells = cell_means([pair.candidate for pair in pairs], differences)
    mean, low, high = mean_interval(cells)
    return Figure(mean, len(cells), low, high)


def _metric(trial: TrialFigures) -> float:
    assert trial.test_metric is not None
    return trial.test_metric


_FIGURES: dict[str, Callable[[Sequence[Pair]], Figure | None]] = {
    "time_ratio": _ratio(lambda trial: None if trial.ledger is None else trial.ledger.scored),
    "memory_ratio": _ratio(lambda trial: trial.peak_memory_bytes),
    "energy_ratio": _ratio(lambda trial: trial.energy_joules),
    "difference": _difference,
}

_UNTRUSTED = (Trust.DISPUTED, Trust.RETRACTED)
