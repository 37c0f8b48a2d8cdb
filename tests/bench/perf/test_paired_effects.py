"""Paired differences of methods with and without a rescaler, from trials whose metrics are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bench.perf.paired_effects import Effects
from db.records import MethodRecord, TrialRecord
from db.scoring.intervals import Interval


def method(rescaler: str | None = None, strategy: str = "full_batch") -> MethodRecord:
    name = "+".join(filter(None, ("gat", strategy, rescaler)))
    return MethodRecord(name, "gat", strategy, rescaler, None, "training", "gat+full_batch")


METHODS = [
    method(), method("dr_w"), method("dr_rg"), method("dr_rg(profile=release)"), method("dr_c"),
    method("layer_focus"), method(None, "labor"), method("dr_rg", "labor"),
]  # fmt: skip
KNOWN = {each.name: each for each in METHODS}


Trials = Callable[..., list[TrialRecord]]


@pytest.fixture
def trials(make_trial: Callable[..., TrialRecord]) -> Trials:
    """One trial a split."""

    def make(name: str, tests: list[float | None], **place: Any) -> list[TrialRecord]:
        return [make_trial(name, test, split=split, **place) for split, test in enumerate(tests)]

    return make


def test_differences_are_paired_by_split(trials: Trials) -> None:
    reference = trials("gat+full_batch", [0.5, 0.6, 0.7])
    [table] = Effects([*reference, *trials("gat+full_batch+dr_rg", [0.51, 0.62, 0.73])], KNOWN).tables()
    [(place, (without, with_it, difference, p_value, pairs))] = table.rows
    assert table.title.startswith("dr_rg minus none") and place == "cora, lr 0.01, gat"
    assert (without, with_it) == (pytest.approx(0.6), pytest.approx(0.62))
    assert isinstance(difference, Interval)
    # mean 0.02, standard deviation 0.01, t(2) = 4.3027 at 97.5 %
    assert difference.value == pytest.approx(0.02)
    assert difference.low == pytest.approx(0.02 - 4.302653 * 0.01 / 3**0.5, rel=1e-4)
    # t = 0.02 / (0.01 / sqrt(3)) = 3.4641 with 2 degrees of freedom
    assert p_value == pytest.approx(0.0742, abs=1e-4)
    assert pairs == 3


def test_a_strategy_is_compared_with_itself_and_not_with_full_batch(trials: Trials) -> None:
    found = Effects(
        [
            *trials("gat+full_batch", [0.9, 0.9]),
            *trials("gat+labor", [0.5, 0.5]),
            *trials("gat+labor+dr_rg", [0.6, 0.6]),
        ],
        KNOWN,
    )
    [(place, figures)] = found.tables()[0].rows
    assert place == "cora, lr 0.01, gat+labor"
    assert figures[:2] == [pytest.approx(0.5), pytest.approx(0.6)]


def test_learning_rates_and_profiles_are_kept_apart(trials: Trials) -> None:
    ran = [
        *trials("gat+full_batch", [0.5, 0.5]),
        *trials("gat+full_batch", [0.7, 0.7], rate=0.001),
        *trials("gat+full_batch+dr_rg", [0.6, 0.6]),
        *trials("gat+full_batch+dr_rg", [0.6, 0.6], rate=0.001),
        *trials("gat+full_batch+dr_rg(profile=release)", [0.4, 0.4]),
    ]
    corrected, release = Effects(ran, KNOWN).tables()
    assert [figures[2].value for _, figures in corrected.rows] == [pytest.approx(0.1), pytest.approx(-0.1)]
    assert release.title.startswith("dr_rg(profile=release)")
    assert [figures[2].value for _, figures in release.rows] == [pytest.approx(-0.1)]


def test_p_values_are_adjusted_over_the_rows_of_a_table(trials: Trials) -> None:
    one = [*trials("gat+full_batch", [0.5, 0.6, 0.7]), *trials("gat+full_batch+dr_c", [0.51, 0.62, 0.73])]
    both = [*one, *(replace(each, dataset="pubmed") for each in one)]
    [alone], [first, second] = (Effects(ran, KNOWN).tables()[0].rows for ran in (one, both))
    assert first[1][3] == second[1][3] == pytest.approx(2 * alone[1][3])


def test_goal_counts_the_pairs_of_the_scarcest_effect(trials: Trials) -> None:
    ran = [*trials("gat+full_batch", [0.5, 0.6, 0.7]), *trials("gat+full_batch+dr_rg", [0.51, 0.62, 0.73])]
    assert [goal.holds for goal in Effects(ran, KNOWN).goals()] == [True]
    [goal] = Effects([*ran, *trials("gat+full_batch+dr_c", [0.51, None, 0.73])], KNOWN).goals()
    assert goal.value == 2 and not goal.holds


def test_an_effect_whose_trials_all_crashed_has_a_row_without_figures(trials: Trials) -> None:
    ran = [*trials("gat+full_batch", [0.5]), *trials("gat+full_batch+dr_rg", [None])]
    found = Effects(ran, KNOWN)
    assert found.tables()[0].rows == [("cora, lr 0.01, gat", [None, None, None, None, 0])]
    assert found.goals()[0].value == 0


def test_focus_is_no_rule_of_balance(trials: Trials) -> None:
    ran = [*trials("gat+full_batch", [0.5]), *trials("gat+full_batch+layer_focus", [0.6])]
    assert Effects(ran, KNOWN).tables() == []
    assert Effects(ran, KNOWN).goals()[0].value is None
