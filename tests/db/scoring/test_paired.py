"""Pairing and paired tests, computed by hand and against brute force."""

from datetime import timedelta
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from db.records import TrialRecord
from db.scoring.paired import cell_means, holm, pair_rows, pair_trials, paired_t_test, sign_flip_test, sign_flip_tests
from db.scoring.samples import Samples
from db.scoring.trial_table import columns_of, trial_table

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_pairs_share_their_place(samples) -> None:
    reference = samples.trial(split=1)
    elsewhere = {"dataset": "pubmed", "dataset_version": "2", "split": 2, "seed": 7, "repeat": 1, "device": "cuda"}
    elsewhere |= {"machine_id": "server", "protocol": "p2"}
    for field, value in elsewhere.items():
        assert pair_trials([samples.trial("gcn+sgc", **{"split": 1, field: value})], [reference]) == []
    assert pair_trials([samples.trial("gcn+sgc", split=1)], [reference])[0].reference is reference


def test_the_same_session_wins_over_the_nearest_in_time(samples) -> None:
    candidate = samples.trial("gcn+sgc", session_id="s2")
    near = samples.trial(trial_id="near", session_id="s1")
    same = samples.trial(trial_id="same", session_id="s2", started_at=samples.noon + timedelta(hours=5))
    assert pair_trials([candidate], [near, same])[0].reference is same


def test_without_a_common_session_the_nearest_in_time_wins(samples) -> None:
    candidate = samples.trial("gcn+sgc", session_id="s9")
    late = samples.trial(trial_id="late", started_at=samples.noon + timedelta(hours=2))
    early = samples.trial(trial_id="early", started_at=samples.noon - timedelta(hours=1))
    assert pair_trials([candidate], [late, early])[0].reference is early


@pytest.mark.parametrize("seed", range(8))
def test_rows_of_a_table_pair_as_their_trials(samples, seed: int) -> None:
    random = np.random.default_rng(seed)

    def some(method: str, count: int) -> list[TrialRecord]:
        return [
            samples.trial(
                method,
                split=int(random.integers(3)),
                repeat=int(random.integers(2)),
                trial_id=f"{method}/{random.random()}",
                session_id=f"s{random.integers(3)}",
                machine_id=str(random.choice(["laptop", "server"])),
                started_at=samples.noon + timedelta(minutes=int(random.integers(4))),
            )
            for _ in range(count)
        ]

    candidates, references = some("gcn+sgc", 12), some(samples.reference, 12)
    trials = [*candidates, *references, *some("sage+sgc", 2)]
    table = trial_table(columns_of(trials))
    place = {group: index for index, group in enumerate(table.groups)}
    beside = np.array([place.get(group._replace(method=samples.reference), -1) for group in table.groups])
    beside[[group.method == "sage+sgc" for group in table.groups]] = -1
    owner = np.where([trial.method != samples.reference for trial in trials], table.group, -1)
    chosen = random.random(len(trials)) < 0.8
    pairs = pair_rows(table, owner, beside, chosen)
    found = [(trials[above], trials[below]) for above, below in zip(pairs.candidate, pairs.reference, strict=True)]
    kept = [trial for trial, is_chosen in zip(trials, chosen, strict=True) if is_chosen]
    sides = ([trial for trial in kept if trial.method == name] for name in ("gcn+sgc", samples.reference))
    assert found == pair_trials(*sides) and found
    assert pairs.owner.tolist() == table.group[pairs.candidate].tolist()


def test_t_test_by_hand() -> None:
    # differences 1 2 3: t = 2 / (1 / sqrt(3)) = 3.4641 with 2 degrees, p = 1 - t / sqrt(t^2 + 2) = 0.07418
    assert paired_t_test([1, 2, 3]) == pytest.approx(1 - 3.4641016 / (3.4641016**2 + 2) ** 0.5)
    assert paired_t_test([1, 2, 3]) == pytest.approx(stats.ttest_1samp([1, 2, 3], 0).pvalue)


def test_one_difference_proves_nothing() -> None:
    assert paired_t_test([1.0]) is None
    assert sign_flip_test([1.0]) is None


def test_sign_flips_by_hand() -> None:
    # of the 8 sign patterns of 1 2 3 only +++ and --- reach |6|
    assert sign_flip_test([1, 2, 3]) == 2 / 8
    # sums of -1 2 3 reach |4| in: (-,+,+) 4, (+,+,+) 6 and their mirrors
    assert sign_flip_test([-1, 2, 3]) == 4 / 8
    assert sign_flip_test([0, 0]) == 1.0


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=8))
def test_sign_flips_agree_with_brute_force(differences: list[int]) -> None:
    flips = list(product((-1, 1), repeat=len(differences)))
    reached = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True))) >= abs(sum(differences)) for signs in flips
    ]
    assert sign_flip_test(differences) == pytest.approx(sum(reached) / len(flips))


def test_many_differences_are_tested_by_random_flips() -> None:
    assert sign_flip_test([1.0] * 40) == pytest.approx(1 / 20_000)
    assert sign_flip_test([1.0, -1.0] * 20) == 1.0


def test_many_samples_are_tested_as_each_alone() -> None:
    random = np.random.default_rng(5)
    own = [random.normal(0.3, 1, size=size) for size in (3, 1, 10, 10, 17, 3)]
    found = sign_flip_tests(Samples(np.concatenate(own), np.array([len(sample) for sample in own])))
    expected = [sign_flip_test(sample) for sample in own]
    assert [None if np.isnan(p) else p for p in found.tolist()] == expected


def test_holm_by_hand() -> None:
    # sorted 0.01 0.02 0.04: 3 * 0.01 = 0.03, 2 * 0.02 = 0.04, 1 * 0.04 = 0.04
    assert holm([0.04, None, 0.01, 0.02]) == pytest.approx([0.04, None, 0.03, 0.04])
    # 2 * 0.6 is cut at 1, and the next may not be smaller
    assert holm([0.7, 0.6]) == [1.0, 1.0]


@given(p_values)
def test_holm_keeps_the_order_and_lowers_nothing(p: list[float]) -> None:
    adjusted = holm(p)
    assert all(before <= after <= 1 for before, after in zip(p, adjusted, strict=True))
    for i, j in product(range(len(p)), repeat=2):
        assert p[i] > p[j] or adjusted[i] <= adjusted[j]


def test_repeats_of_a_cell_count_once(samples) -> None:
    trials = [samples.trial(split=0), samples.trial(split=0, repeat=1), samples.trial(split=1)]
    # split 0: (1 + 3) / 2 = 2
    assert cell_means(trials, [1.0, 3.0, 10.0]).tolist() == [2.0, 10.0]
