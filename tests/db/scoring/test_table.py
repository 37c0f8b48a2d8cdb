"""How failed and missing figures are written."""

import numpy as np
import pytest

from db.scoring.table import cost_table, ratio_table


def test_a_metric_becomes_a_cost_and_failed_stays_the_worst() -> None:
    costs = cost_table([[0.9, -np.inf], [np.nan, np.inf]], maximize=True)
    assert costs[0].tolist() == [-0.9, np.inf]
    assert np.isnan(costs[1, 0])
    assert costs[1, 1] == np.inf


def test_a_cost_that_failed_is_infinite_whatever_its_sign() -> None:
    assert cost_table([[-np.inf, 2.0]]).tolist() == [[np.inf, 2.0]]


def test_what_was_given_is_not_written_to() -> None:
    given = np.array([[-np.inf]])
    cost_table(given)
    assert given[0, 0] == -np.inf


@pytest.mark.parametrize("figures", [[], [[]], [1.0, 2.0], np.ones((0, 3))])
def test_no_method_or_no_dataset_is_refused(figures: object) -> None:
    with pytest.raises(ValueError, match="shape"):
        cost_table(figures)  # type: ignore[arg-type]


@pytest.mark.parametrize("figure", [0.0, -1.0, -np.inf])
def test_a_ratio_that_is_not_positive_is_refused(figure: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        ratio_table([[1.0, figure]])


def test_a_ratio_may_be_failed_or_missing() -> None:
    assert np.isnan(ratio_table([[np.nan, np.inf]])[0, 0])
