"""The rates that the nightly check promises, on a simulation with a fixed seed."""

import numpy as np
import pytest

from bench.errors import BenchError
from bench.regressions.simulation import (
    Series,
    detection_rates,
    metric_alarm_rate,
    quiet_metric_rates,
    quiet_rates,
    report,
)

YOUNG = Series(history=30)
OLD = Series(history=60)


@pytest.mark.parametrize(("series", "nights"), [(YOUNG, 15), (Series(history=30, tail_degrees=5, missing=0.2), 8)])
def test_fewer_than_one_night_in_a_hundred_raises_a_false_alarm(series: Series, nights: int) -> None:
    # 200 series a night, and 500 sets of fresh measurements for each of the 50 or so that are suspected
    rates = quiet_rates(series, nights)
    assert rates.alarms < 0.01
    assert rates.counted_alarms <= 1
    # the price: less than one and a half times the runs of the night itself
    assert 0.1 < rates.suspected < 0.3
    assert rates.reruns < 1.5


def test_a_slow_down_of_5_percent_under_3_percent_noise_is_found_within_3_nights() -> None:
    assert detection_rates(OLD, 0.05, changes=400)[2] > 0.95
    assert detection_rates(YOUNG, 0.05, changes=400)[2] > 0.9


def test_a_slow_down_beyond_the_noise_is_found_on_the_first_night() -> None:
    assert detection_rates(Series(noise=0.01), 0.05, changes=100)[0] > 0.98


def test_without_a_slow_down_nothing_is_found() -> None:
    assert detection_rates(YOUNG, 0.0, changes=300)[2] < 0.01


def test_fewer_than_one_night_in_a_hundred_raises_a_false_alarm_of_a_metric() -> None:
    # 200 series a night, and 500 sets of fresh seeds for each of the 20 or so that are suspected
    rates = quiet_metric_rates(0.01, pairs=10, nights=30)
    assert rates.alarms < 0.01
    assert rates.counted_alarms <= 1
    assert 0.05 < rates.suspected < 0.15
    assert rates.reruns == 4 * rates.suspected


def test_a_loss_of_the_metric_is_found() -> None:
    # seeds that differ by a point: a loss of two is found more often than not, one of three always
    assert metric_alarm_rate(0.02, 0.01, pairs=10, series=300, together=200) > 0.6
    assert metric_alarm_rate(0.03, 0.01, pairs=10, series=300, together=200) > 0.98


def test_the_same_seed_gives_the_same_rates() -> None:
    small = Series(history=12, together=20)
    assert quiet_rates(small, nights=2) == quiet_rates(small, nights=2)
    assert quiet_metric_rates(0.01, 5, nights=2) == quiet_metric_rates(0.01, 5, nights=2)


def test_noise_can_be_drawn_from_real_deviations() -> None:
    # forty with heavy tails and a deviation of 3 %
    drawn = np.random.default_rng(0).standard_t(4, 40)
    real = Series(residuals=tuple((0.03 * (drawn - drawn.mean()) / drawn.std()).tolist()), together=20)
    assert detection_rates(real, 0.15, changes=50)[2] > 0.9
    quiet = quiet_rates(real, nights=10)
    assert quiet.counted_alarms <= 1
    assert 0.05 < quiet.suspected < 0.4


def test_the_report_is_a_table() -> None:
    lines = report(nights=1, changes=3).splitlines()
    assert len(lines) == 8
    assert {line.count("|") for line in lines} == {6}


@pytest.mark.parametrize(
    "settings", [{"noise": 0.0}, {"history": 0}, {"together": 0}, {"missing": 1.0}, {"tail_degrees": 2}]
)
def test_impossible_series_are_refused(settings: dict) -> None:
    with pytest.raises(BenchError, match="give"):
        Series(**settings)
