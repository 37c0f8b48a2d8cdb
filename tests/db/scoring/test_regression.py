"""Verdicts on a night, from series made by hand."""

import math
from itertools import pairwise

import numpy as np
import pytest

from db.scoring.regression import (
    ALARMS_PER_NIGHT,
    BASELINE,
    ON_TRIAL,
    ROUNDS,
    Outcome,
    cost_verdict,
    proves_slow_down,
    settled_level,
)
from db.scoring.student import t_cdf

# 20 nights between 0.99 and 1.01, then those on trial
CALM = [0.99, 1.0, 1.01, 1.0] * 5
SLOW = [1.1, 1.09, 1.1, 1.11]


def _again(ratio: float, count: int = ROUNDS[-1]) -> list[float]:
    return [ratio * (1 + 0.01 * (-1) ** number) for number in range(count)]


def test_a_calm_series_is_unchanged() -> None:
    verdict = cost_verdict(CALM)
    assert verdict.outcome is Outcome.UNCHANGED
    assert (verdict.since, verdict.reruns_wanted, verdict.p_value) == (None, 0, None)


def test_a_slow_night_is_suspected_then_measured_again_in_rounds_then_reported() -> None:
    history = [*CALM, 1.1]
    suspicion = cost_verdict(history)
    assert suspicion.outcome is Outcome.SUSPECTED
    assert (suspicion.since, suspicion.reruns_wanted) == (20, ROUNDS[0])
    assert suspicion.reason == "1 of the last nights are 10.0% above the level before; measure again."
    assert suspicion.change == pytest.approx(0.1, abs=1e-3)
    for done, total in pairwise(ROUNDS):
        verdict = cost_verdict(history, _again(1.1, done), compared=200)
        assert (verdict.outcome, verdict.reruns_wanted) == (Outcome.SUSPECTED, total - done)
    verdict = cost_verdict(history, _again(1.1), compared=200)
    assert verdict.outcome is Outcome.REGRESSION
    assert verdict.since == 20
    assert verdict.change == pytest.approx(0.1, abs=1e-3)
    assert verdict.p_value < ALARMS_PER_NIGHT / 200
    assert "+10.0% against the level before, which noise does not explain" in verdict.reason


def test_what_does_not_come_back_is_no_regression_after_one_round() -> None:
    verdict = cost_verdict([*CALM, 1.3], _again(1.0, ROUNDS[0]))
    assert (verdict.outcome, verdict.reruns_wanted) == (Outcome.UNCONFIRMED, 0)
    assert verdict.p_value > 0.1
    assert "no slow-down of 2%" in verdict.reason


def test_noisy_fresh_measurements_prove_nothing() -> None:
    fresh = [0.85, 1.4] * (ROUNDS[-1] // 2)
    verdict = cost_verdict([*CALM, 1.1], fresh, compared=200)
    assert verdict.outcome is Outcome.UNCONFIRMED
    assert "noise explains" in verdict.reason


def test_more_series_need_more_proof() -> None:
    baseline, fresh = np.array([0.0, 0.1] * 10), np.array([0.07, 0.17] * 12)
    alone, many = (proves_slow_down(baseline, fresh, ALARMS_PER_NIGHT / compared) for compared in (1, 200))
    assert (bool(alone), bool(many)) == (True, False)


def test_proof_by_hand() -> None:
    # means 0 and 0.04, squares 4 * 0.01^2 each: pooled variance 8e-4 / 6, t = 0.04 / sqrt(8e-4 / 6 * (1/4 + 1/4))
    baseline = np.array([0.01, -0.01, 0.01, -0.01])
    fresh = baseline + 0.04
    t = 0.04 / math.sqrt(8e-4 / 6 / 2)
    p_value = t_cdf(6, -t)
    assert proves_slow_down(baseline, fresh, p_value * 1.001)
    assert not proves_slow_down(baseline, fresh, p_value * 0.999)
    # in a batch as one by one, and never below the least slow-down of 2 %
    batch = np.stack([fresh, baseline, baseline + 0.019])
    assert proves_slow_down(baseline, batch, 0.2).tolist() == [True, False, False]


def test_a_change_that_lasts_is_dated_and_still_suspected_on_the_fourth_night() -> None:
    verdict = cost_verdict([*CALM, *SLOW])
    assert (verdict.outcome, verdict.since) == (Outcome.SUSPECTED, 20)
    assert verdict.change == pytest.approx(0.1, abs=0.002)


def test_nobody_repairs_it_and_it_becomes_the_level() -> None:
    lasting = [*CALM, *(SLOW * 5)]
    outcomes = [cost_verdict(lasting[: 20 + nights]).outcome for nights in range(1, 21)]
    settled = BASELINE + ON_TRIAL
    assert set(outcomes[: settled - 1]) == {Outcome.SUSPECTED}
    assert set(outcomes[settled - 1 :]) == {Outcome.UNCHANGED}


def test_a_speed_up_is_no_regression_and_becomes_the_level() -> None:
    faster = [*CALM, *[ratio * 0.8 for ratio in CALM]]
    assert cost_verdict(faster[:25]).outcome is Outcome.UNCHANGED
    assert cost_verdict(faster[:25]).change == pytest.approx(-0.2, abs=0.02)
    # the old speed is now slow
    assert cost_verdict([*faster, 1.0]).outcome is Outcome.SUSPECTED


def test_an_odd_night_in_the_past_is_forgotten() -> None:
    spiked = [*CALM[:12], 1.6, *CALM[13:], *CALM]
    assert cost_verdict(spiked).outcome is Outcome.UNCHANGED
    assert cost_verdict([*spiked, 1.1]).outcome is Outcome.SUSPECTED


def test_a_series_without_noise_shows_every_change_that_matters() -> None:
    memory = [0.5] * 20
    assert cost_verdict(memory).outcome is Outcome.UNCHANGED
    assert cost_verdict([*memory, 0.505]).outcome is Outcome.UNCHANGED
    assert cost_verdict([*memory, 0.55]).outcome is Outcome.SUSPECTED
    assert cost_verdict([*memory, 0.55], [0.55] * ROUNDS[-1], compared=200).outcome is Outcome.REGRESSION


def test_holes_change_no_verdict_but_the_dates() -> None:
    holes = [np.nan, *CALM[:7], np.nan, np.nan, *CALM[7:], np.nan, 1.1]
    verdict = cost_verdict(holes)
    assert (verdict.outcome, verdict.since) == (Outcome.SUSPECTED, 24)
    assert verdict.change == cost_verdict([*CALM, 1.1]).change
    assert settled_level(holes).tolist() == settled_level([*CALM, 1.1]).tolist()


def test_a_night_without_a_ratio_has_no_verdict() -> None:
    assert cost_verdict([*CALM, np.nan]).outcome is Outcome.NOT_MEASURED
    assert cost_verdict([]).outcome is Outcome.NOT_MEASURED


def test_a_short_history_has_no_verdict() -> None:
    verdict = cost_verdict([*CALM[:BASELINE], np.nan][:BASELINE])
    assert verdict.outcome is Outcome.NO_BASELINE
    assert verdict.reason == "10 nights were measured; a verdict needs 11 at least."
    assert settled_level(CALM[:BASELINE]) is None
    assert cost_verdict([*CALM[:BASELINE], 1.2]).outcome is Outcome.SUSPECTED


def test_a_history_without_a_lasting_level_has_no_verdict() -> None:
    stairs = [1.5**step * ratio for step in range(6) for ratio in CALM[:4]]
    assert cost_verdict(stairs).outcome is Outcome.NO_BASELINE


@pytest.mark.parametrize("bad", [0.0, -1.0, np.inf])
def test_a_ratio_that_is_none_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="positive ratios"):
        cost_verdict([*CALM, bad])
    with pytest.raises(ValueError, match="positive ratios"):
        cost_verdict([*CALM, 1.1], [bad])


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="leave it out"):
        cost_verdict([*CALM, 1.1], [1.1, np.nan])
    with pytest.raises(ValueError, match="one at least"):
        cost_verdict(CALM, compared=0)
