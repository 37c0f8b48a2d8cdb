"""Chi-square against the tables of textbooks and against SciPy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from db.scoring.chi_square import chi_square_survival


@pytest.mark.parametrize(
    ("degrees", "probability", "tabled"), [(1, 0.05, 3.841), (2, 0.05, 5.991), (5, 0.01, 15.086), (10, 0.95, 3.940)]
)
def test_the_printed_table(degrees: int, probability: float, tabled: float) -> None:
    assert chi_square_survival(degrees, tabled) == pytest.approx(probability, abs=1e-4)


@given(st.integers(1, 200), st.floats(0, 2000))
def test_agrees_with_scipy(degrees: int, x: float) -> None:
    assert chi_square_survival(degrees, x) == pytest.approx(stats.chi2.sf(x, degrees), abs=1e-11)


def test_no_degree_of_freedom_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one degree"):
        chi_square_survival(0, 1.0)
