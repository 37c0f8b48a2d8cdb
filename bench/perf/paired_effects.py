"""What balance does to the test metric: each method with a rescaler against the same method without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.perf.report import Figure, Figures, Goal
from db.records import MethodRecord, TrialFigures, TrialRecord
from db.scoring.intervals import Interval, mean_interval
from db.scoring.paired import Pair, cell_means, holm, pair_trials, paired_t_test
from methods.spec import parse_spec

PAIRS = 3
"""Fewest splits or seeds that a difference must rest on."""
_RULES = ("dr_w", "dr_rg", "dr_c")
_MUST_BE_MEASURED = ("dr_rg", "dr_c")


@dataclass(frozen=True)
class _Effect:
    """One method on one dataset at one learning rate, beside the same without its rescaler."""

    rescaler: str
    place: str
    pairs: list[Pair]

    @property
    def differences(self) -> list[float]:
        """Test metric with minus without, one a split and seed."""
        trials = [pair.candidate for pair in self.pairs]
        return cell_means(trials, [_metric(pair.candidate) - _metric(pair.reference) for pair in self.pairs]).tolist()

    def figures(self, p_value: float | None) -> list[Figure]:
        if not self.pairs:
            return [None, None, None, None, 0]
        with_it, without = (
            float(np.mean([_metric(trial) for trial in side])) for side in zip(*self.pairs, strict=True)
        )
        differences = self.differences
        found: Interval = mean_interval(differences)
        return [without, with_it, found, p_value, len(differences)]


class Effects:
    """All trials with one of the rules of balance, on any datasets.

    Args:
        methods: by name.
    """

    def __init__(self, trials: Sequence[TrialRecord], methods: Mapping[str, MethodRecord]) -> None:
        groups: dict[tuple, list[TrialRecord]] = {}
        for trial in trials:
            method = methods[trial.method]
            parts = (method.backbone, method.strategy, method.quantizer)
            groups.setdefault((trial.dataset, parts, trial.protocol, method.rescaler), []).append(trial)
        self._effects = [
            _Effect(
                rescaler,
                _place(tried[0], methods[tried[0].method]),
                pair_trials(_with_metric(tried), _with_metric(groups.get((dataset, parts, protocol, None), []))),
            )
            for (dataset, parts, protocol, rescaler), tried in groups.items()
            if rescaler is not None and parse_spec(rescaler).name in _RULES
        ]

    def tables(self) -> list[Figures]:
        """One a rescaler; p-values of the paired t test, adjusted over the rows of its table."""
        tables = []
        for rescaler in dict.fromkeys(effect.rescaler for effect in self._effects):
            effects = [effect for effect in self._effects if effect.rescaler == rescaler]
            adjusted = holm([paired_t_test(effect.differences) if effect.pairs else None for effect in effects])
            rows = [(effect.place, effect.figures(p_value)) for effect, p_value in zip(effects, adjusted, strict=True)]
            columns = ["without", f"with {parse_spec(rescaler).name}", "difference", "p (Holm)", "pairs"]
            tables.append(Figures(f"{rescaler} minus none: test metric", columns, rows))
        return tables

    def goals(self) -> list[Goal]:
        """That the differences of DR_RG and DR_C were measured; which sign they have is a finding and no goal."""
        counted = [
            len(effect.pairs) for effect in self._effects if parse_spec(effect.rescaler).name in _MUST_BE_MEASURED
        ]
        return [Goal("fewest pairs behind a difference of dr_rg or dr_c", min(counted, default=None), PAIRS, True)]


def _place(trial: TrialRecord, method: MethodRecord) -> str:
    names = [parse_spec(method.backbone).name, parse_spec(method.strategy).name]
    network = names[0] if names[1] == "full_batch" else "+".join(names)
    return f"{trial.dataset}, lr {trial.protocol_settings['learning_rate']:g}, {network}"


def _with_metric(trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    return [trial for trial in trials if trial.status.has_metric and trial.test_metric is not None]


def _metric(trial: TrialFigures) -> float:
    assert trial.test_metric is not None
    return trial.test_metric
