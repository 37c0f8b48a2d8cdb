"""What the layer-order study says of trials whose accuracies and losses are known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bench.perf.layer_order import LayerOrder
from db.records import MethodRecord, TrialRecord
from db.scoring.curve import Curve
from db.scoring.intervals import Interval

BACKBONE = "gatv2(layers=5)"


def method(rescaler: str | None) -> MethodRecord:
    name = "+".join(filter(None, (BACKBONE, "full_batch", rescaler)))
    return MethodRecord(name, BACKBONE, "full_batch", rescaler, None, "training", f"{BACKBONE}+full_batch")


def curve(losses: list[float]) -> Curve:
    """Evaluated every 10 epochs."""
    epochs = 10 * np.arange(1, len(losses) + 1)
    zeros = np.zeros(len(losses), dtype=np.int64)
    return Curve(epochs, epochs, zeros * 1.0, np.array(losses), zeros * 1.0, zeros, zeros)


NONE, FIRST, FIFTH = method(None), method("layer_focus"), method("layer_focus(layer=5)")
KNOWN = {each.name: each for each in (NONE, FIRST, FIFTH)}
LOSSES = {NONE.name: [0.9, 0.2, 0.09], FIRST.name: [0.9, 0.05, 0.2], FIFTH.name: [0.9, 0.3, 0.2]}
TESTS = {NONE.name: 0.95, FIRST.name: 0.97, FIFTH.name: 0.93}


@pytest.fixture
def make(make_trial: Callable[..., TrialRecord]) -> Callable[..., TrialRecord]:
    def make(method: MethodRecord, test: float | None, seed: int = 0, rate: float = 0.001) -> TrialRecord:
        return make_trial(method.name, test, dataset="layer-order", seed=seed, rate=rate)

    return make


@pytest.fixture
def study(make: Callable[..., TrialRecord]) -> LayerOrder:
    """Focus on the first layer fits in epoch 20, none in epoch 30, focus on the fifth never."""
    trials = [make(method, TESTS[method.name] + seed * 0.002, seed) for method in KNOWN.values() for seed in (0, 1)]
    return LayerOrder(trials, KNOWN, {each.trial_id: curve(LOSSES[each.method]) for each in trials})


def test_the_table_names_the_layer_and_counts_a_network_that_never_fits_with_all_its_epochs(study: LayerOrder) -> None:
    table = study.table("layer-order")
    assert [label for label, _ in table.rows] == [
        "lr 0.001, none",
        "lr 0.001, layer_focus(layer=1)",
        "lr 0.001, layer_focus(layer=5) (fitted in 0 of 2)",
    ]
    accuracy, balanced, selected, fitted = table.rows[1][1]
    assert all(isinstance(figure, Interval) for figure in (accuracy, balanced, selected, fitted))
    assert accuracy[0] == pytest.approx(0.971) and balanced[0] == pytest.approx(0.771)
    assert (selected[0], fitted[0]) == (20, 20)
    assert [figures[3].value for _, figures in table.rows] == [30, 20, 30]


def test_goals_hold_for_an_accurate_and_quick_first_layer(study: LayerOrder) -> None:
    accuracy, speed = study.goals("layer-order")
    assert accuracy.value == pytest.approx(0.971) and accuracy.bound == 0.964 and accuracy.holds
    assert speed.value == pytest.approx(20 / 30) and speed.holds


def test_goals_are_missed_where_another_method_fits_sooner(make: Callable[..., TrialRecord]) -> None:
    trials = [make(method, 0.95) for method in (NONE, FIRST)]
    losses = {NONE.name: [0.05], FIRST.name: [0.2, 0.05]}
    study = LayerOrder(trials, KNOWN, {each.trial_id: curve(losses[each.method]) for each in trials})
    accuracy, speed = study.goals("layer-order")
    assert not accuracy.holds
    assert speed.value == 2 and not speed.holds


def test_only_methods_of_the_same_learning_rate_compete(make: Callable[..., TrialRecord]) -> None:
    trials = [make(NONE, 0.95), make(FIRST, 0.97), make(NONE, 0.95, rate=0.01)]
    curves = {trials[0].trial_id: curve([0.2, 0.2, 0.05]), trials[1].trial_id: curve([0.2, 0.05])}
    study = LayerOrder(trials, KNOWN, {**curves, trials[2].trial_id: curve([0.05])})
    assert study.goals("layer-order")[1].value == pytest.approx(20 / 30)


def test_trials_that_crashed_have_no_accuracy_and_keep_no_goal(make: Callable[..., TrialRecord]) -> None:
    trials = [make(method, None) for method in (NONE, FIRST)]
    study = LayerOrder(trials, KNOWN, {})
    for _, (accuracy, balanced, _, fitted) in study.table("t").rows:
        assert (accuracy, balanced) == (None, None)
        assert fitted.value == 30  # of the protocol, although it crashed after 5
    assert [goal.value for goal in study.goals("layer-order")] == [None, None]


def test_without_focus_there_is_no_study_of_it(make: Callable[..., TrialRecord]) -> None:
    assert not LayerOrder([make(NONE, 0.9)], KNOWN, {}).has_focus
