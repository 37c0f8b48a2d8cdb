"""The effect of what released code does differently."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from db.records import Finding, Status
from db.scoring.released import as_json, effect

CORRECTED = {"dataset": "cora", "method": "gcn+sgc", "settings": {"epochs": 100}}
RELEASE = {**CORRECTED, "method": "gcn+sign"}
FINDING = Finding("p/f/e", "p", "title", "text", "test_metric", CORRECTED, RELEASE, "leangnn run")


def test_the_difference_is_paired_by_split_and_seed(samples) -> None:
    trials = [samples.trial("gcn+sgc", split, test_metric=0.80 + 0.01 * split) for split in range(3)]
    trials += [samples.trial("gcn+sign", split, test_metric=0.79 + 0.02 * split) for split in range(5)]
    found = effect(FINDING, trials)
    # -0.01, 0.00, 0.01 over the three common splits: mean 0, half width t(2) * 0.01 / sqrt(3)
    assert found.n == 3 and found.value is not None
    assert found.value == pytest.approx((0.0, -0.02484138, 0.02484138), abs=1e-7)
    assert not found.is_ratio


def test_seconds_are_a_ratio(samples) -> None:
    trials = [samples.trial("gcn+sgc", split, seconds=2.0) for split in range(2)]
    trials += [samples.trial("gcn+sign", split, seconds=1.0) for split in range(2)]
    found = effect(replace(FINDING, quantity="scored_seconds"), trials)
    assert found.is_ratio and found.value == pytest.approx((0.5, 0.5, 0.5))


def test_a_side_may_have_a_quantity_of_its_own(samples) -> None:
    same = replace(FINDING, release={**CORRECTED, "quantity": "test_balanced_accuracy"})
    found = effect(same, [samples.trial("gcn+sgc", split) for split in range(2)])
    assert found.value == pytest.approx((-0.05, -0.05, -0.05))


def test_only_trials_of_one_machine_with_the_settings_and_a_metric_count(samples) -> None:
    sgc, sign = samples.trial("gcn+sgc"), samples.trial("gcn+sign")
    assert effect(FINDING, [sgc, replace(sign, machine_id="other")]).reason == "no trials of both sides on one machine"
    other = {"epochs": 5}
    assert effect(FINDING, [sgc, replace(sign, protocol="p2", protocol_settings=other)]).value is None
    assert effect(FINDING, [sgc, replace(sign, status=Status.CRASHED, test_metric=None)]).value is None
    assert effect(FINDING, [sgc, sign]).n == 1


def test_the_newest_trial_of_a_place_counts(samples) -> None:
    old = samples.trial("gcn+sign", test_metric=0.5)
    new = replace(old, trial_id="new", started_at=old.started_at + timedelta(days=1), test_metric=0.9)
    found = effect(FINDING, [samples.trial("gcn+sgc"), new, old])
    assert found.value is not None and found.value.value == pytest.approx(0.1)


def test_what_nothing_measures_says_why() -> None:
    bare = Finding("p/f", "p", "title", "text", unmeasured="the labels are hidden")
    found = effect(bare, [])
    assert (found.value, found.reason) == (None, "the labels are hidden")
    [plain] = as_json([found])
    assert (plain["effect"], plain["unmeasured"]) == (None, "the labels are hidden")
