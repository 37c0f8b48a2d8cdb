"""Performance profiles, computed by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.scoring.performance_profile import (
    Profile,
    performance_profile,
    profile_score,
    ratios_to_best,
    ratios_to_reference,
)

# four datasets: A is best on the first two, B on the third, nobody solves the fourth
COSTS = [[1.0, 2.0, 6.0, np.inf], [2.0, 2.0, 3.0, np.inf]]

tables = st.integers(1, 6).flatmap(
    lambda datasets: st.lists(
        st.lists(st.sampled_from([0.5, 1.0, 2.0, 3.0, np.inf, np.nan]), min_size=datasets, max_size=datasets),
        min_size=1,
        max_size=4,
    )
)


def _share_at(profile: Profile, factor: float) -> float:
    reached = profile.factor <= factor
    return float(profile.share[reached][-1]) if reached.any() else 0.0


def test_ratios_to_the_best_by_hand() -> None:
    assert ratios_to_best(COSTS).tolist() == [[1.0, 1.0, 2.0, np.inf], [2.0, 1.0, 1.0, np.inf]]


def test_the_best_is_taken_over_those_that_were_run() -> None:
    ratios = ratios_to_best([[np.nan, 4.0], [3.0, 2.0]])
    assert np.isnan(ratios[0, 0])
    assert ratios[:, 1].tolist() == [2.0, 1.0]
    assert ratios[1, 0] == 1.0


def test_curves_by_hand() -> None:
    first, second = performance_profile(ratios_to_best(COSTS))
    # A: two of four datasets at factor 1, three at 2; the fourth never
    assert first.factor.tolist() == [1.0, 2.0]
    assert first.share.tolist() == [0.5, 0.75]
    assert (first.solved, first.missing) == (0.75, 0)
    assert second.share.tolist() == [0.5, 0.75]


def test_ratios_to_the_reference_may_be_below_one() -> None:
    ratios = ratios_to_reference(COSTS, [2.0, 2.0, 2.0, 2.0])
    first, second = performance_profile(ratios)
    # A: 0.5 1 3 failed; B: 1 1 1.5 failed; both axes reach from 0.5 to 3
    assert first.factor.tolist() == [0.5, 1.0, 3.0]
    assert first.share.tolist() == [0.25, 0.5, 0.75]
    assert second.factor.tolist() == [0.5, 1.0, 1.5, 3.0]
    assert second.share.tolist() == [0.0, 0.5, 0.75, 0.75]


def test_an_entrant_moves_no_curve_over_the_reference() -> None:
    reference = [2.0, 2.0, 2.0, 2.0]
    before = performance_profile(ratios_to_reference(COSTS, reference))
    after = performance_profile(ratios_to_reference([*COSTS, [0.1, 9.0, 9.0, 9.0]], reference))
    for factor in (0.5, 1.0, 1.5, 2.0, 3.0):
        assert [_share_at(p, factor) for p in before] == [_share_at(p, factor) for p in after[:2]]


def test_what_was_not_run_is_not_solved_and_said() -> None:
    (profile,) = performance_profile([[1.0, np.nan, np.inf, 2.0]])
    assert (profile.solved, profile.missing) == (0.5, 1)


def test_who_solves_nothing_has_a_flat_curve() -> None:
    (profile,) = performance_profile([[np.inf, np.nan]])
    assert profile.factor.tolist() == [1.0]
    assert profile.share.tolist() == [0.0]
    assert profile_score(profile) == 0.0


def test_score_by_hand() -> None:
    first, _ = performance_profile(ratios_to_best(COSTS))
    # 0.5 from 1 to 2 and 0.75 from 2 to 4, over 3
    assert profile_score(first) == pytest.approx((0.5 * 1 + 0.75 * 2) / 3)
    # cut inside a step: 0.5 from 1 to 1.5
    assert profile_score(first, up_to=1.5) == pytest.approx(0.5)
    # what lies below 1 counts from 1 on
    (cheaper,) = performance_profile([[0.25]])
    assert profile_score(cheaper) == 1.0


@given(tables)
def test_shares_agree_with_counting(ratios: list[list[float]]) -> None:
    profiles = performance_profile(ratios)
    assert len({(profile.factor[0], profile.factor[-1]) for profile in profiles}) == 1
    for row, profile in zip(ratios, profiles, strict=True):
        assert (np.diff(profile.factor) > 0).all()
        for factor in (0.5, 0.7, 1.0, 2.0, 2.5, 3.0, 10.0):
            assert _share_at(profile, factor) == sum(ratio <= factor for ratio in row) / len(row)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="one cost for each of 4"):
        ratios_to_reference(COSTS, [1.0, 2.0])
    with pytest.raises(ValueError, match="leave those datasets out"):
        ratios_to_reference(COSTS, [1.0, 2.0, np.nan, 1.0])
    with pytest.raises(ValueError, match="above 1"):
        profile_score(performance_profile([[1.0]])[0], up_to=1.0)
    with pytest.raises(ValueError, match="shape"):
        performance_profile([])
    with pytest.raises(ValueError, match="positive"):
        performance_profile([[0.0]])
