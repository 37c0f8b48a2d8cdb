"""One question a night asks of one method on one dataset: is it dearer, is it worse, does it still run?

A case holds the series, says what must be measured again, and takes the fresh trials in.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from bench.plan import PlannedTrial
from db.records import Status, TrialRecord
from db.scoring.equivalence import MARGIN
from db.scoring.history import Place, Point, session_figures
from db.scoring.metric_regression import metric_verdict
from db.scoring.regression import Outcome, Verdict, cost_verdict

METRIC, FAILURE = "metric", "failure"
Cell = tuple[int, int]
"""Split and seed."""


class Case(ABC):
    """A quantity of one method on one dataset tonight.

    Attributes:
        place: the series.
        quantity: what is judged.
        planned: tonight's trials of the method and, for a cost, of its reference.
        verdict: the present one; final when `wanted` is 0.
        wanted: fresh measurements that it still waits for.
    """

    quantity: str

    def __init__(self, place: Place, planned: Sequence[PlannedTrial]) -> None:
        self.place, self.planned = place, tuple(planned)
        self.compared = 1
        self.verdict = self._judge()
        self.wanted = self.verdict.reruns_wanted

    @property
    @abstractmethod
    def value(self) -> float | None:
        """The figure of the night; None when there is none."""

    @property
    @abstractmethod
    def nights(self) -> list[Point]:
        """The series up to tonight, for the report."""

    @abstractmethod
    def again(self) -> list[PlannedTrial]:
        """The trials of the next fresh measurement."""

    @abstractmethod
    def _take(self, records: Sequence[TrialRecord]) -> bool:
        """Take the records of a fresh measurement in; False when they do not give one."""

    @abstractmethod
    def _judge(self) -> Verdict: ...

    @property
    def is_judged(self) -> bool:
        """Whether the night's own figures could be held against something."""
        return self.verdict.outcome not in (Outcome.NOT_MEASURED, Outcome.NO_BASELINE)

    def add(self, trials: Sequence[PlannedTrial], records: Mapping[PlannedTrial, TrialRecord]) -> None:
        """Take in what `again()` asked for, and judge when enough came together."""
        if self._take([records[trial] for trial in trials if trial in records]):
            self.wanted -= 1
            if self.wanted == 0:
                self.verdict = self._judge()
                self.wanted = self.verdict.reruns_wanted
        else:
            self.wanted = 0
            self.verdict = replace(self.verdict, reason=f"{self.verdict.reason} It could not be measured again.")

    @property
    def since(self) -> Point | None:
        """The night with which a slow-down seems to have begun."""
        return None if self.verdict.since is None else self.nights[self.verdict.since]


class CostCase(Case):
    """A ratio to the interleaved reference: `time_ratio`, `memory_ratio` or `energy_ratio`."""

    def __init__(
        self,
        place: Place,
        planned: Sequence[PlannedTrial],
        quantity: str,
        points: Sequence[Point],
        tonight: str,
        reference: str,
    ) -> None:
        self.quantity, self._points, self._tonight = quantity, list(points), tonight
        self._reference = reference
        self._fresh: list[float] = []
        super().__init__(place, planned)

    @property
    def value(self) -> float | None:
        last = self._points[-1]
        return last.value if last.session_id == self._tonight else None

    @property
    def nights(self) -> list[Point]:
        return self._points

    def again(self) -> list[PlannedTrial]:
        return list(self.planned)

    def _take(self, records: Sequence[TrialRecord]) -> bool:
        figure = session_figures(records, {self.place.method: self._reference, self._reference: self._reference},
                                 self.quantity).get(self.place)  # fmt: skip
        if figure is None:
            return False
        self._fresh.append(figure.value)
        return True

    def _judge(self) -> Verdict:
        ratios = [point.value for point in self._points]
        return cost_verdict(ratios if self.value is not None else [*ratios, np.nan], self._fresh, self.compared)


class MetricCase(Case):
    """The test metric against the night that the series is held to, seed by seed."""

    quantity = METRIC

    def __init__(
        self,
        place: Place,
        planned: Sequence[PlannedTrial],
        points: Sequence[Point],
        tonight: Mapping[Cell, float],
        held_to: Mapping[Cell, float],
    ) -> None:
        self._points, self._held_to = list(points), held_to
        self._tonight = tonight
        self._cells = sorted(tonight.keys() & held_to.keys())
        self._fresh: list[list[float]] = []
        super().__init__(place, planned)

    @property
    def value(self) -> float | None:
        return float(np.mean(list(self._tonight.values()))) if self._tonight else None

    @property
    def nights(self) -> list[Point]:
        return self._points

    def again(self) -> list[PlannedTrial]:
        # beyond all seeds of the plan, and each time others
        step = (len(self._fresh) + 1) * (1 + max(trial.seed for trial in self.planned))
        firsts = {(trial.split, trial.seed): trial for trial in reversed(self.planned)}
        return [replace(firsts[cell], seed=cell[1] + step) for cell in self._cells]

    def _take(self, records: Sequence[TrialRecord]) -> bool:
        metrics = [record.test_metric for record in records if record.test_metric is not None]
        if len(metrics) != len(self._cells):
            return False
        held = [self._held_to[cell] for cell in self._cells]
        self._fresh.append([metric - before for metric, before in zip(metrics, held, strict=True)])
        return True

    def _judge(self) -> Verdict:
        differences = [self._tonight[cell] - self._held_to[cell] for cell in self._cells]
        return metric_verdict(differences, self._fresh, self.compared, MARGIN)


class FailureCase(Case):
    """Trials that ended without a metric tonight and had one on a night before."""

    quantity = FAILURE

    def __init__(
        self, place: Place, planned: Sequence[PlannedTrial], points: Sequence[Point], failed: Sequence[TrialRecord]
    ) -> None:
        self._points, self._failed = list(points), list(failed)
        self._fresh: list[TrialRecord] | None = None
        super().__init__(place, planned)

    @property
    def value(self) -> float | None:
        return None

    @property
    def nights(self) -> list[Point]:
        return self._points

    def again(self) -> list[PlannedTrial]:
        return list(self.planned)

    def _take(self, records: Sequence[TrialRecord]) -> bool:
        self._fresh = [record for record in records if record.status is not Status.INTERRUPTED]
        return bool(self._fresh)

    def _judge(self) -> Verdict:
        first = self._failed[0]
        how = f"{len(self._failed)} of the trials ended as {first.status.value} ({first.reason})"
        if self._fresh is None:
            reason = f"{how}, and had a metric on a night before; run again."
            return Verdict(Outcome.SUSPECTED, reason, reruns_wanted=1)
        still = [record for record in self._fresh if not record.status.has_metric]
        if not still:
            return Verdict(Outcome.UNCONFIRMED, f"{how}; run again, they finished.")
        again = f"{len(still)} of {len(self._fresh)} failed ({still[0].status.value}: {still[0].reason})"
        return Verdict(Outcome.REGRESSION, f"{how}; run again, {again}.")


def metrics_by_cell(records: Iterable[TrialRecord]) -> dict[Cell, float]:
    """Mean test metric of each (split, seed) that has one."""
    found: dict[Cell, list[float]] = defaultdict(list)
    for record in records:
        if record.status.has_metric and record.test_metric is not None:
            found[record.split, record.seed].append(record.test_metric)
    return {cell: float(np.mean(metrics)) for cell, metrics in found.items()}
