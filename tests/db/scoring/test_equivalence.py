"""Equivalence by two one-sided tests, computed by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from db.scoring.equivalence import equivalence_test, is_equivalent


def test_by_hand() -> None:
    # differences -0.001 0 0.001: mean 0, error 0.001 / sqrt(3) = 0.00057735, t = -0.005 / 0.00057735 = -8.6603
    # with 2 degrees P(T <= t) = (1 - 8.6603 / sqrt(8.6603^2 + 2)) / 2 = 0.006537
    assert equivalence_test([-0.001, 0.0, 0.001]) == pytest.approx(0.006537, abs=1e-6)
    assert is_equivalent([-0.001, 0.0, 0.001]) is True


def test_a_wide_spread_is_not_equivalence() -> None:
    # a t test finds no difference in -0.02 0.02 either; that is no claim
    assert is_equivalent([-0.02, 0.02]) is False


def test_equal_differences() -> None:
    assert is_equivalent([0.0, 0.0]) is True
    assert is_equivalent([0.01, 0.01]) is False
    assert is_equivalent([0.001]) is None


@given(st.lists(st.floats(-0.01, 0.01), min_size=2, max_size=9), st.floats(0.001, 0.02))
def test_is_the_larger_of_the_two_one_sided_tests(differences: list[float], margin: float) -> None:
    if max(differences) - min(differences) < 1e-9:
        return
    above = stats.ttest_1samp(differences, -margin, alternative="greater").pvalue
    below = stats.ttest_1samp(differences, margin, alternative="less").pvalue
    assert equivalence_test(differences, margin) == pytest.approx(max(above, below), abs=1e-9)


def test_a_margin_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="margin is positive"):
        equivalence_test([0.0, 0.1], 0.0)
