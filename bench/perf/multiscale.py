"""The suite `multiscale`, run in one session: what its strategies save against full batch, and at what accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench import suite as suites
from bench.perf.interleave import Summary
from bench.perf.registry import Options
from bench.perf.report import Goal, Report, Table
from bench.perf.trials import run_trials
from bench.plan import plan
from bench.suite import Suite
from db.records import TrialRecord
from db.scoring.board import BoardRow
from db.scoring.censoring import restricted_times, time_to_target
from db.scoring.curve import Curve
from db.scoring.equivalence import equivalence_test
from db.scoring.intervals import Interval, geometric_mean_ratio
from db.scoring.paired import pair_trials

TITLE = "Multiscale: time and memory to 99 % of full batch's best validation metric, on three kinds of graph"

SPEED_UP = 2.1
MEMORY = 0.6
_SUITE = "multiscale"
_QUICK = {"datasets": ["minesweeper-grid(side=30)"], "protocol": {"epochs": 21, "evaluate_every": 3}}


def run(options: Options) -> Report:
    """Run every block of the suite with as many seeds as there are rounds, and hold it against the goals.

    Raises:
        BenchError: a dataset is missing, or a trial could not be started.
    """
    stored = run_trials(plan(_chosen(options)), options, _SUITE)
    setting = {"seeds": options.rounds, "threads": stored.threads, "suite": _SUITE}
    return judge(stored.trials, stored.board, stored.curves, setting)


def judge(
    trials: Sequence[TrialRecord],
    rows: Sequence[BoardRow],
    curves: Mapping[str, Curve],
    setting: dict[str, Any],
) -> Report:
    """Tables and goals from stored trials, and the rows of the board that these make."""
    tables: list[Table] = []
    goals: list[Goal] = []
    for dataset in dict.fromkeys(trial.dataset for trial in trials):
        here = [trial for trial in trials if trial.dataset == dataset]
        of_method = {row.method: row for row in rows if row.dataset == dataset}
        for reference in dict.fromkeys(of_method[trial.method].reference for trial in here):
            group = _Group(dataset, reference, here, of_method, curves)
            tables += group.tables()
            goals += group.goals()
    return Report(TITLE, setting, tables, goals)


class _Group:
    """One dataset, one reference and its candidates."""

    def __init__(
        self,
        dataset: str,
        reference: str,
        trials: Sequence[TrialRecord],
        rows: Mapping[str, BoardRow],
        curves: Mapping[str, Curve],
    ) -> None:
        self.dataset, self.curves = dataset, curves
        self.reference = [trial for trial in trials if trial.method == reference]
        names = dict.fromkeys(trial.method for trial in trials if rows[trial.method].reference == reference)
        self.candidates = {
            name.partition("+")[2]: [trial for trial in trials if trial.method == name]
            for name in names
            if name != reference
        }
        self.rows = {name: rows[candidate[0].method] for name, candidate in self.candidates.items()}

    def tables(self) -> list[Table]:
        """Time to target over the reference's whole scored time, and over its own time to the same target."""
        whole = [
            Summary("full_batch, whole run", _median(map(_scored, self.reference)), _ONE, _peak(self.reference), _ONE)
        ]
        own = [Summary("full_batch", _median(self._times(self.reference)), _ONE, _peak(self.reference), _ONE)]
        for name, candidate in self.candidates.items():
            row, seconds = self.rows[name], _median(self._times(candidate))
            label = name if row.success_rate == 1 else f"{name} (reached it in {row.success_rate or 0:.0%})"
            memory = _peak(candidate), _ratio(row, "memory_ratio")
            whole.append(Summary(label, seconds, self.ratio_to_whole(name), *memory))
            own.append(Summary(label, seconds, _ratio(row, "target_ratio"), *memory))
        return [
            Table(f"{self.dataset}: time to target over full batch's whole scored time", whole[0].variant, whole),
            Table(f"{self.dataset}: time to target over full batch's own time to it", own[0].variant, own),
        ]

    def goals(self) -> list[Goal]:
        """The quickest candidate, the smallest one, and whether the first one listed is as accurate."""
        reached = [name for name, row in self.rows.items() if row.success_rate == 1]
        times = [ratio.value for name in reached if (ratio := self.ratio_to_whole(name)) is not None]
        memory = [share for name in reached if (share := self.rows[name].memory_ratio) is not None]
        recommended = next(iter(self.rows))
        return [
            Goal(
                f"{self.dataset}: least time to target over full batch's time", min(times, default=None), 1 / SPEED_UP
            ),
            Goal(f"{self.dataset}: least peak memory of those that reach it", min(memory, default=None), MEMORY),
            Goal(
                f"{self.dataset}: p-value of the equivalence test of {recommended}, margin 0.5 points",
                equivalence_test(self.differences(recommended)),
                0.05,
            ),
        ]

    def differences(self, name: str) -> list[float]:
        """Test metric minus the reference's, one a pair."""
        sides = (_metrics(trials) for trials in (self.candidates[name], self.reference))
        return [own.test_metric - other.test_metric for own, other in pair_trials(*sides)]  # type: ignore[operator]

    def ratio_to_whole(self, name: str) -> Interval | None:
        """Time to target, a miss counted with all its time, over the reference's whole scored time of the same seed."""
        scored = {(trial.split, trial.seed): _scored(trial) for trial in self.reference}
        candidate = [trial for trial in self.candidates[name] if (trial.split, trial.seed) in scored]
        below = [scored[trial.split, trial.seed] for trial in candidate]
        return geometric_mean_ratio(self._times(candidate), below)

    def _times(self, trials: Sequence[TrialRecord]) -> list[float]:
        target = next(iter(self.rows.values())).target
        reached = [
            None if target is None else time_to_target(self.curves.get(trial.trial_id), target) for trial in trials
        ]
        return restricted_times(reached, max(map(_scored, trials))).tolist()


_ONE = Interval(1.0, 1.0, 1.0)


def _ratio(row: BoardRow, name: str) -> Interval | None:
    value, low, high = (getattr(row, f"{name}{end}") for end in ("", "_low", "_high"))
    return None if value is None else Interval(value, low, high)


def _metrics(trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    return [trial for trial in trials if trial.status.has_metric and trial.test_metric is not None]


def _scored(trial: TrialRecord) -> float:
    return 0.0 if trial.ledger is None else trial.ledger.scored


def _median(values: Any) -> float:
    ordered = sorted(values)
    return float(ordered[len(ordered) // 2])


def _peak(trials: Sequence[TrialRecord]) -> int | None:
    peaks = [trial.peak_memory_bytes for trial in trials if trial.peak_memory_bytes is not None]
    return int(_median(peaks)) if peaks else None


def _chosen(options: Options) -> Suite:
    suite = suites.load(_SUITE)
    blocks = suite.run
    if options.quick:
        blocks = [blocks[0].model_copy(update={**_QUICK, "methods": blocks[0].methods[:3]})]
    return suite.model_copy(update={"run": blocks, "seeds": list(range(options.rounds))})
