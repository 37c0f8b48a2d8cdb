"""Running a submitted method again with fresh seeds, and holding what comes out against what was claimed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

from bench.errors import BenchError, UsageError
from bench.plan import PlannedTrial, plan
from bench.runner import Listener, Options, run
from bench.submission.agreement import Agreement, agreement
from bench.suite import Run, Suite
from db import trust
from db.read import Reader
from db.records import TrialRecord, Trust, TrustEvent
from db.scoring.board import BoardRow
from db.store import Store
from db.submitted import Submitted, named, submitted
from methods.errors import SpecError
from methods.method import Method

FIRST_SEED = 1000
"""Fresh seeds count from here, where nobody's defaults are."""
_SAMPLE = 10
"""Trials of each dataset that a verdict wants."""
Ratio = tuple[float | None, float | None, float | None]
"""A ratio with its 95 % interval."""
_SHARE = ("threads", "jobs")
"""The settings of a protocol that say how much of the machine a trial had."""
_OPEN = (Trust.CHECKED, Trust.REPRODUCED, Trust.DISPUTED)


@dataclass(frozen=True)
class Group:
    """The trials of one dataset and protocol: as claimed, and as planned here."""

    dataset: str
    claimed: tuple[TrialRecord, ...]
    planned: tuple[PlannedTrial, ...]


@dataclass(frozen=True)
class Verdict:
    """What a reproduction found for one dataset and protocol.

    Attributes:
        metric: agreement on the test metric.
        time_claimed, time_measured: the time ratio to the reference with its 95 % interval, None where there is none.
        contradicted: one of the two is surely cheaper than the reference and the other surely dearer.
    """

    dataset: str
    metric: Agreement
    time_claimed: Ratio
    time_measured: Ratio
    contradicted: bool

    @property
    def sentence(self) -> str:
        """One clause for the record."""
        said = f"{self.dataset}: metric {_words(self.metric)}; time ratio {_ratio(self.time_claimed)} claimed"
        return f"{said}, {_ratio(self.time_measured)} here{', which contradicts it' if self.contradicted else ''}"

    def as_json(self) -> dict[str, Any]:
        """Plain values with stable keys."""
        times = {"time_claimed": list(self.time_claimed), "time_measured": list(self.time_measured)}
        return {"dataset": self.dataset, "metric": self.metric.as_json(), **times, "contradicted": self.contradicted}


def reproduce(
    word: str, options: Options, listener: Listener, who: str, seeds: int | None = None
) -> tuple[TrustEvent, list[Verdict]]:
    """Run a submission's method and its reference with fresh seeds, and store the verdict.

    Reproduced: the metric agrees on every dataset and no cost is contradicted. Disputed: a metric differs or a cost is
    contradicted. Otherwise the state stays and the figures are kept.

    Args:
        word: the first characters of the submission's identifier.
        options: how to run; the trials are stored like any other.
        who: who runs it.
        seeds: fresh seeds a split; by default as many as make ten trials of each dataset.

    Raises:
        BenchError: the method is not one of LeanGNN's, or the run was stopped.
        StoreError: the submission is unknown or not approved.
    """
    item = named(word, submitted(options.store))
    groups = fresh_groups(item, Reader(options.store).trials(machine_id=item.record.machine_id), seeds)
    report = run([trial for group in groups for trial in group.planned], options, listener)
    if report.interrupted:
        raise BenchError("the reproduction was stopped; run it again, what had finished is stored")
    measured = Reader(options.store)
    verdicts = [judge(group, item, measured) for group in groups]
    state = state_of(verdicts, item.newest.state)
    why = "reproduction with fresh seeds: " + "; ".join(verdict.sentence for verdict in verdicts)
    evidence = {"verdicts": [verdict.as_json() for verdict in verdicts]}
    return trust.move(Store(options.store), item.record.submission_id, state, who, why, evidence)[0], verdicts


def fresh_groups(item: Submitted, trials: Iterable[TrialRecord], seeds: int | None) -> list[Group]:
    """What to run, with seeds that the submission did not use.

    Raises:
        BenchError: the submission is not approved, or its method cannot be run here.
    """
    if item.newest.state not in _OPEN:
        state, name = item.newest.state.value, item.record.submission_id[:12]
        raise UsageError(f"submission {name} is {state}; approve it before it is run here")
    try:
        method = Method.parse(item.record.method)
    except SpecError as error:
        raise BenchError(f"'{item.record.method}' cannot be run here: {error}") from error
    groups: dict[tuple[str, str], list[TrialRecord]] = defaultdict(list)
    for trial in trials:
        if trial.method == method.name and trial.test_metric is not None:
            groups[(trial.dataset, trial.protocol)].append(trial)
    return [Group(dataset, tuple(own), tuple(_planned(method, own, seeds))) for (dataset, _), own in groups.items()]


def _planned(method: Method, claimed: Sequence[TrialRecord], seeds: int | None) -> list[PlannedTrial]:
    splits = sorted({trial.split for trial in claimed})
    used = {trial.seed for trial in claimed}
    wanted = seeds or -(-_SAMPLE // len(splits))
    fresh = list(islice((seed for seed in count(FIRST_SEED) if seed not in used), wanted))
    # the share of the machine is ours to choose, everything else is theirs
    settings = _without_share(claimed[0])
    block = Run(datasets=[claimed[0].dataset], methods=[method.name], protocol=settings, splits=splits, seeds=fresh)
    return plan(Suite(question="reproduction", run=[block]))


def judge(group: Group, item: Submitted, reader: Reader) -> Verdict:
    """Hold the stored trials of a plan against the claimed ones."""
    method = item.record.method
    ours = _measured(group, reader.trials(dataset=group.dataset, method=method, trust=Trust.MEASURED_HERE.value))
    rows = reader.board(dataset=group.dataset, method=method)
    times = _time(rows, group.claimed), _time(rows, ours)
    return Verdict(group.dataset, agreement(_cells(group.claimed), _cells(ours)), *times, _contradict(*times))


def _measured(group: Group, trials: Iterable[TrialRecord]) -> list[TrialRecord]:
    """The trials of the plan, in the place where the newest of them ran."""
    seeds, first = {trial.seed for trial in group.planned}, group.claimed[0]
    fitting = [
        trial
        for trial in trials
        if trial.seed in seeds
        and trial.test_metric is not None
        and trial.dataset_version == first.dataset_version
        and _without_share(trial) == _without_share(first)
    ]
    place = {(trial.protocol, trial.device, trial.machine_id) for trial in fitting[-1:]}
    newest = {(t.split, t.seed): t for t in fitting if (t.protocol, t.device, t.machine_id) in place}
    return list(newest.values())


def _without_share(trial: TrialRecord) -> dict[str, Any]:
    return {name: value for name, value in trial.protocol_settings.items() if name not in _SHARE}


def state_of(verdicts: Sequence[Verdict], before: Trust) -> Trust:
    """The state that verdicts lead to."""
    if any(verdict.metric.verdict == "differ" or verdict.contradicted for verdict in verdicts):
        return Trust.DISPUTED
    if verdicts and all(verdict.metric.verdict == "agree" for verdict in verdicts):
        return Trust.REPRODUCED
    return before


def _cells(trials: Iterable[TrialRecord]) -> dict[tuple[int, int], float]:
    repeats: dict[tuple[int, int], list[float]] = defaultdict(list)
    for trial in trials:
        if trial.test_metric is not None:
            repeats[(trial.split, trial.seed)].append(trial.test_metric)
    return {cell: sum(values) / len(values) for cell, values in repeats.items()}


def _time(rows: Iterable[BoardRow], trials: Sequence[TrialRecord]) -> Ratio:
    """The time ratio of the row that trials of one place belong to."""
    place = ("dataset_version", "protocol", "device", "machine_id")
    for row in rows:
        if trials and all(getattr(row, name) == getattr(trials[0], name) for name in place):
            return row.time_ratio, row.time_ratio_low, row.time_ratio_high
    return None, None, None


def _contradict(first: Ratio, second: Ratio) -> bool:
    def surely(ratio: Ratio) -> int:
        _, low, high = ratio
        if low is None or high is None:
            return 0
        return -1 if high < 1 else 1 if low > 1 else 0

    return surely(first) * surely(second) == -1


def _words(found: Agreement) -> str:
    if found.difference is None:
        return "cannot be compared, for want of seeds"
    ends = f"{100 * found.low_95:+.2f} to {100 * found.high_95:+.2f}"  # type: ignore[operator]
    words = {"agree": "agrees", "differ": "differs", "inconclusive": "is open"}[found.verdict]
    return f"{words} ({100 * found.difference:+.2f} points, 95 % CI {ends})"


def _ratio(ratio: Ratio) -> str:
    value, low, high = ratio
    if value is None:
        return "not"
    return f"{value:.2f}" if low is None or high is None else f"{value:.2f} ({low:.2f} to {high:.2f})"
