"""Verdicts on a metric, from differences made by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from db.scoring.metric_regression import FRESH_SEEDS, metric_verdict, proves_loss
from db.scoring.regression import ALARMS_PER_NIGHT, Outcome
from db.scoring.student import t_cdf

SAME = [0.001, -0.001, 0.0, 0.001, -0.001, 0.0]
LOWER = [-0.02, -0.021, -0.019, -0.02, -0.022, -0.018]


def _fresh(differences: list[float]) -> list[list[float]]:
    """The same differences with every fresh seed."""
    return [differences] * FRESH_SEEDS


def test_the_same_metric_within_the_margin_is_unchanged() -> None:
    assert metric_verdict(SAME).outcome is Outcome.UNCHANGED
    # a loss that is certain but smaller than the margin counts as none
    assert metric_verdict([difference / 10 for difference in LOWER]).outcome is Outcome.UNCHANGED


def test_a_loss_is_suspected_and_reported_from_fresh_seeds() -> None:
    suspicion = metric_verdict(LOWER)
    assert (suspicion.outcome, suspicion.reruns_wanted) == (Outcome.SUSPECTED, FRESH_SEEDS)
    assert suspicion.reason == "The metric is 0.0200 lower on 6 pairs; measure again with fresh seeds."
    halfway = metric_verdict(LOWER, [LOWER])
    assert (halfway.outcome, halfway.reruns_wanted) == (Outcome.SUSPECTED, FRESH_SEEDS - 1)
    verdict = metric_verdict(LOWER, _fresh(LOWER), compared=200)
    assert verdict.outcome is Outcome.REGRESSION
    assert verdict.change == pytest.approx(-0.02)
    assert verdict.p_value < ALARMS_PER_NIGHT / 200
    assert "0.0200 lower on 24 fresh trials" in verdict.reason


def test_the_test_of_fresh_seeds_by_hand() -> None:
    # two pairs, means -0.03 and -0.01; within pairs 4 seeds off by 0.01: squares 8e-4, between 4/5 * 2e-4
    rows = [[-0.02, -0.02], [-0.04, 0.0], [-0.02, -0.02], [-0.04, 0.0]]
    squares = 8e-4 + 4 / 5 * 2e-4
    error = math.sqrt(squares / 7) * math.sqrt(5 / 8)
    verdict = metric_verdict(LOWER, rows)
    assert verdict.change == pytest.approx(-0.02)
    p_value = t_cdf(7, -0.02 / error)
    assert verdict.p_value == pytest.approx(p_value)
    assert proves_loss(rows, p_value * 1.001)
    assert not proves_loss(rows, p_value * 0.999)
    # in a batch as one by one, and never a gain or a loss that the margin allows
    batch = np.stack([rows, -np.array(rows), np.full((4, 2), -0.0049)])
    assert proves_loss(batch, p_value * 1.001).tolist() == [True, False, False]


def test_many_seeds_on_one_stored_metric_are_not_independent() -> None:
    # twice as many seeds halve the noise of the fresh side only: the stored side keeps its share of the error
    chance = np.random.default_rng(0)
    alarms = 0
    for _ in range(2000):
        before = chance.normal(0, 0.01, 3)
        fresh = chance.normal(0, 0.01, (FRESH_SEEDS, 3)) - before
        verdict = metric_verdict(LOWER, fresh.tolist(), margin=1e-9)
        alarms += verdict.p_value < 0.05
    # a plain t test of all 12 differences finds 0.12
    assert alarms / 2000 == pytest.approx(0.05, abs=0.015)


def test_a_loss_that_fresh_seeds_do_not_show_is_unconfirmed() -> None:
    assert "the same within" in metric_verdict(LOWER, _fresh(SAME)).reason
    noisy = [[-0.05, 0.03, -0.04, 0.02], [0.03, -0.05, 0.02, -0.04]] * 2
    verdict = metric_verdict(LOWER, noisy)
    assert verdict.outcome is Outcome.UNCONFIRMED
    assert "noise explains" in verdict.reason


def test_a_certain_loss_within_the_margin_is_none() -> None:
    rows = _fresh([-0.0049, -0.0049, -0.0049])
    verdict = metric_verdict(LOWER, rows, margin=0.0049001)
    assert verdict.outcome is Outcome.UNCONFIRMED
    assert "allows" in verdict.reason


def test_a_loss_without_noise_is_reported() -> None:
    assert metric_verdict([-0.01] * 3, _fresh([-0.01] * 3), compared=200).outcome is Outcome.REGRESSION
    assert metric_verdict([0.0] * 3).outcome is Outcome.UNCHANGED


def test_a_gain_or_an_undecided_difference_is_no_regression() -> None:
    assert metric_verdict([-difference for difference in LOWER]).outcome is Outcome.UNCHANGED
    undecided = metric_verdict([-0.05, 0.05])
    assert undecided.outcome is Outcome.UNCHANGED
    assert undecided.reason == "2 pairs cannot show that the metric is the same within 0.005, nor do they show a loss."


def test_too_few_pairs_have_no_verdict() -> None:
    assert metric_verdict([]).outcome is Outcome.NOT_MEASURED
    assert metric_verdict([-0.5]).outcome is Outcome.NO_BASELINE


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="one at least"):
        metric_verdict([0.0, 0.0], compared=0)
    with pytest.raises(ValueError, match="finite"):
        metric_verdict([0.0, np.nan])
    with pytest.raises(ValueError, match="a row a seed"):
        metric_verdict(LOWER, [[np.nan] * 6])
    with pytest.raises(ValueError, match="margin is positive"):
        metric_verdict([0.0, 0.1], margin=0.0)
