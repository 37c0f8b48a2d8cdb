"""Student's t against the tables of textbooks and against SciPy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from db.scoring.student import t_cdf, t_quantile


@pytest.mark.parametrize(
    ("degrees", "probability", "tabled"),
    [
        (1, 0.975, 12.706),
        (2, 0.975, 4.303),
        (9, 0.975, 2.262),
        (9, 0.95, 1.833),
        (29, 0.975, 2.045),
        (120, 0.995, 2.617),
    ],
)
def test_quantiles_of_the_printed_table(degrees: int, probability: float, tabled: float) -> None:
    assert t_quantile(degrees, probability) == pytest.approx(tabled, abs=5e-4)
    assert t_quantile(degrees, 1 - probability) == pytest.approx(-tabled, abs=5e-4)


def test_one_degree_of_freedom_is_the_cauchy_distribution() -> None:
    # F(1) = 1/2 + atan(1) / pi = 1/2 + 1/4
    assert t_cdf(1, 1.0) == pytest.approx(0.75)


@given(st.integers(1, 300), st.floats(-60, 60))
def test_distribution_agrees_with_scipy(degrees: int, t: float) -> None:
    assert t_cdf(degrees, t) == pytest.approx(stats.t.cdf(t, degrees), abs=1e-12)


@given(st.integers(1, 300), st.floats(0.001, 0.999))
def test_quantile_undoes_the_distribution(degrees: int, probability: float) -> None:
    assert t_cdf(degrees, t_quantile(degrees, probability)) == pytest.approx(probability, abs=1e-12)


def test_impossible_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one degree"):
        t_cdf(0, 1.0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        t_quantile(3, 1.0)
