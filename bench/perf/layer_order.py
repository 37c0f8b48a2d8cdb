"""What the layer-order study says: how accurate and how soon each choice of the layer that learns first is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from bench.perf.report import Figure, Figures, Goal
from db.records import MethodRecord, TrialRecord
from db.scoring.curve import Curve
from db.scoring.intervals import mean_interval
from methods.spec import Spec, parse_spec

ACCURACY = 0.964
"""Mean test accuracy that focus on the first layer must reach; the paper's single run has 0.9704."""
FITTED = 0.1
"""Training loss below which a network counts as fitted."""
_COLUMNS = ["test accuracy", "balanced accuracy", "selected epoch", f"epoch of loss < {FITTED:g}"]


class LayerOrder:
    """Trials of one dataset and one backbone.

    Args:
        trials: of any rescaler and any learning rate.
        methods: by name.
        curves: by trial.
    """

    def __init__(
        self, trials: Sequence[TrialRecord], methods: Mapping[str, MethodRecord], curves: Mapping[str, Curve]
    ) -> None:
        self._curves = curves
        self._trials: dict[tuple[float, str], list[TrialRecord]] = {}
        for trial in sorted(trials, key=_learning_rate):
            name = _label(methods[trial.method])
            self._trials.setdefault((_learning_rate(trial), name), []).append(trial)

    @property
    def has_focus(self) -> bool:
        """Whether any layer was to learn first."""
        return any("layer_focus" in name for _, name in self._trials)

    def table(self, title: str) -> Figures:
        """One row a learning rate and method."""
        rows = [
            (f"lr {rate:g}, {name}{self._reached(trials)}", self._figures(trials))
            for (rate, name), trials in self._trials.items()
        ]
        return Figures(title, _COLUMNS, rows)

    def goals(self, dataset: str) -> list[Goal]:
        """Accuracy and speed of focus on the first layer, at each learning rate that it was tried at."""
        goals = []
        for rate, name in self._trials:
            if name != _FIRST:
                continue
            accuracy = _mean(trial.test_metric for trial in self._trials[rate, name])
            where = f"{dataset}, lr {rate:g}"
            goals.append(Goal(f"{where}: test accuracy with focus on the first layer", accuracy, ACCURACY, True))
            text = f"{where}: epochs to fit with focus on the first layer over those of the next best"
            goals.append(Goal(text, self._over_next_best(rate), 1.0))
        return goals

    def _over_next_best(self, rate: float) -> float | None:
        focused = self._trials[rate, _FIRST]
        first = _mean(self._epochs_to_fit(focused)) if any(map(self._fitted, focused)) else None
        others = [
            _mean(self._epochs_to_fit(trials))
            for (other, name), trials in self._trials.items()
            if other == rate and name != _FIRST
        ]
        best = min((epochs for epochs in others if epochs is not None), default=None)
        return None if first is None or best is None else first / best

    def _figures(self, trials: Sequence[TrialRecord]) -> list[Figure]:
        balanced = [(trial.further_metrics or {}).get("test_balanced_accuracy") for trial in trials]
        columns: list[Iterable[float | None]] = [
            [trial.test_metric for trial in trials],
            balanced,
            [trial.selected_epoch for trial in trials],
            self._epochs_to_fit(trials),
        ]
        return [mean_interval(known) if (known := _known(column)) else None for column in columns]

    def _reached(self, trials: Sequence[TrialRecord]) -> str:
        reached = sum(self._fitted(trial) is not None for trial in trials)
        return "" if reached == len(trials) else f" (fitted in {reached} of {len(trials)})"

    def _epochs_to_fit(self, trials: Sequence[TrialRecord]) -> list[int]:
        """A network that never fits, or that crashes, is charged with all the epochs that it could have had."""
        return [self._fitted(trial) or int(trial.protocol_settings["epochs"]) for trial in trials]

    def _fitted(self, trial: TrialRecord) -> int | None:
        curve = self._curves.get(trial.trial_id)
        if curve is None:
            return None
        below = np.flatnonzero(curve.train_loss < FITTED)
        return int(curve.epoch[below[0]]) if below.size else None


def _label(method: MethodRecord) -> str:
    """What is added to full batch; a focus always with its layer, which names of methods leave out where it is 1."""
    parts = [] if parse_spec(method.strategy).name == "full_batch" else [method.strategy]
    if method.rescaler is not None:
        spec = parse_spec(method.rescaler)
        first = {"layer": 1} if spec.name == "layer_focus" else {}
        parts.append(str(Spec(spec.name, {**first, **spec.parameters})))
    return "+".join(parts) or "none"


_FIRST = "layer_focus(layer=1)"


def _learning_rate(trial: TrialRecord) -> float:
    return float(trial.protocol_settings["learning_rate"])


def _known(values: Iterable[float | None]) -> list[float]:
    return [float(value) for value in values if value is not None]


def _mean(values: Iterable[float | None]) -> float | None:
    known = _known(values)
    return float(np.mean(known)) if known else None
