"""The board, computed by hand."""

import json
import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.errors import StoreError
from db.records import Status, Trust
from db.scoring.board import BoardRow, as_json, board
from db.scoring.curve import Curve

SGC = "gcn+sgc"


def _curve(seconds: list[float], metrics: list[float]) -> Curve:
    count = np.arange(len(seconds))
    return Curve(count, count, np.array(seconds), count * 1.0, np.array(metrics), count, count)


def _board(samples, trials, curves=None) -> dict[str, BoardRow]:
    methods = {trial.method for trial in trials}
    datasets = {trial.dataset for trial in trials}
    rows = board(
        trials,
        curves or {},
        [samples.method(name) for name in methods],
        [samples.dataset(name=name) for name in datasets],
    )
    return {row.method: row for row in rows}


def test_mean_ratios_and_difference_by_hand(samples) -> None:
    trials = [
        samples.trial(split=0, seconds=2, test_metric=0.80, peak_memory_bytes=100),
        samples.trial(split=1, seconds=8, test_metric=0.82, peak_memory_bytes=100),
        samples.trial(SGC, split=0, seconds=1, test_metric=0.79, peak_memory_bytes=50),
        samples.trial(SGC, split=1, seconds=1, test_metric=0.77, peak_memory_bytes=50),
    ]
    row = _board(samples, trials)[SGC]
    assert (row.n, row.mean, row.status, row.provisional) == (2, pytest.approx(0.78), "provisional", True)
    # s = 0.0141421, half = 12.7062 * 0.0141421 / sqrt(2) = 0.127062
    assert (row.ci_low, row.ci_high) == pytest.approx((0.652938, 0.907062), abs=1e-6)
    # sqrt(1/2 * 1/8) = 1/4, not the ratio of means 1/5
    assert row.time_ratio == pytest.approx(0.25)
    assert (row.memory_ratio, row.memory_ratio_low, row.memory_ratio_high) == pytest.approx((0.5, 0.5, 0.5))
    # (-0.01 - 0.05) / 2; both signs agree in 2 of 4 flips
    assert row.difference == pytest.approx(-0.03)
    assert row.p_value == 0.5
    assert row.equivalent is False
    assert (row.scored_seconds, row.peak_memory_bytes, row.energy_joules) == (1.0, 50, None)


def test_the_reference_has_ratio_exactly_one(samples) -> None:
    row = _board(samples, [samples.trial(split=0, seconds=0.1), samples.trial(split=1, seconds=0.3)])[samples.reference]
    assert (row.time_ratio, row.time_ratio_low, row.time_ratio_high) == (1.0, 1.0, 1.0)
    assert (row.memory_ratio, row.difference, row.p_value, row.equivalent) == (1.0, 0.0, None, None)


def test_without_a_finished_reference_there_is_no_ratio(samples) -> None:
    crashed = samples.trial(status=Status.CRASHED, test_metric=None, ledger=None, peak_memory_bytes=None)
    rows = _board(samples, [crashed, samples.trial(SGC)])
    assert (rows[SGC].time_ratio, rows[SGC].difference, rows[SGC].mean) == (None, None, 0.8)
    failed = rows[samples.reference]
    assert (failed.status, failed.mean, failed.n, failed.failures) == ("failed", None, 0, {"crashed": 1})
    assert (failed.time_ratio, failed.pareto) == (None, False)


def test_a_reference_of_zero_never_divides(samples) -> None:
    row = _board(samples, [samples.trial(seconds=0.0, peak_memory_bytes=0), samples.trial(SGC)])[SGC]
    assert (row.time_ratio, row.memory_ratio) == (None, None)


def test_ten_splits_rank_and_repeats_count_once(samples) -> None:
    trials = [samples.trial(split=split, test_metric=0.8) for split in range(10)]
    again = samples.trial(split=0, repeat=1, trial_id="again", test_metric=0.9)
    row = _board(samples, [*trials, again])[samples.reference]
    # split 0 is (0.8 + 0.9) / 2, so the mean is 0.8 + 0.05 / 10
    assert (row.n, row.status, row.mean) == (10, "ranked", pytest.approx(0.805))
    assert _board(samples, trials[:9])[samples.reference].status == "provisional"


def test_time_to_target_with_a_miss_by_hand(samples) -> None:
    trials = [samples.trial(split=0), samples.trial(split=1), samples.trial(SGC, split=0), samples.trial(SGC, split=1)]
    curves = {
        trials[0].trial_id: _curve([1, 4], [0.5, 0.8]),
        trials[1].trial_id: _curve([1, 8], [0.5, 0.8]),
        trials[2].trial_id: _curve([1, 2], [0.5, 0.8]),
        trials[3].trial_id: _curve([1, 2], [0.5, 0.6]),
    }
    row = _board(samples, trials, curves)[SGC]
    # target 0.99 * 0.8; reference 4 and 8; candidate 2 and a miss, censored at the longest scored time of both, 8
    assert row.target == pytest.approx(0.792)
    assert row.success_rate == 0.5
    assert row.target_ratio == pytest.approx((2 + 8) / (4 + 8))


def test_a_crash_is_a_miss_and_an_interruption_is_nothing(samples) -> None:
    reference = [samples.trial(split=split) for split in range(3)]
    crashed = samples.trial(SGC, split=1, status=Status.CRASHED, test_metric=None, ledger=None)
    interrupted = samples.trial(SGC, split=2, status=Status.INTERRUPTED, test_metric=None, ledger=None)
    own = [samples.trial(SGC, split=0), crashed, interrupted]
    curves = {trial.trial_id: _curve([1, 2], [0.5, 0.8]) for trial in [*reference, own[0]]}
    row = _board(samples, [*reference, *own], curves)[SGC]
    assert row.success_rate == 0.5
    assert row.target_ratio == pytest.approx(1.0)
    assert row.failures == {"crashed": 1, "interrupted": 1}


def test_who_never_reaches_the_target_has_no_time_to_it(samples) -> None:
    trials = [samples.trial(), samples.trial(SGC)]
    curves = {trials[0].trial_id: _curve([1], [0.8]), trials[1].trial_id: _curve([0.1], [0.2])}
    row = _board(samples, trials, curves)[SGC]
    assert (row.success_rate, row.target_ratio) == (0.0, None)


def test_a_declared_target_goes_before_the_rule(samples) -> None:
    reference = samples.trial(protocol_settings={"target": 0.5})
    row = _board(samples, [reference], {reference.trial_id: _curve([1, 2], [0.5, 0.8])})[samples.reference]
    assert row.target == 0.5


def test_rows_are_split_by_place_and_never_compared_across(samples) -> None:
    methods = [samples.method(), samples.method(SGC)]
    other = samples.trial(SGC, machine_id="server", trial_id="other")
    rows = board([samples.trial(), other], {}, methods, [samples.dataset()])
    assert len(rows) == 2
    assert next(row for row in rows if row.machine_id == "server").time_ratio is None


def test_rows_come_by_dataset_and_then_by_mean(samples) -> None:
    trials = [
        samples.trial(dataset="pubmed", test_metric=0.9),
        samples.trial(test_metric=0.7),
        samples.trial(SGC, test_metric=0.8),
        samples.trial("gcn+sign", status=Status.OUT_OF_MEMORY, test_metric=None),
    ]
    methods = [samples.method(name) for name in (samples.reference, SGC, "gcn+sign")]
    rows = board(trials, {}, methods, [samples.dataset(), samples.dataset(name="pubmed")])
    expected = [("cora", SGC), ("cora", samples.reference), ("cora", "gcn+sign"), ("pubmed", samples.reference)]
    assert [(row.dataset, row.method) for row in rows] == expected


def test_p_values_are_adjusted_within_the_dataset(samples) -> None:
    trials = [samples.trial(split=split, test_metric=0.8) for split in range(6)]
    for name in (SGC, "gcn+sign"):
        trials += [samples.trial(name, split=split, test_metric=0.7) for split in range(6)]
    rows = _board(samples, trials)
    # each alone: 2 / 2^6 = 0.03125; Holm over two doubles both
    assert rows[SGC].p_value == rows["gcn+sign"].p_value == 0.0625


def test_pareto_needs_metric_time_and_memory(samples) -> None:
    trials = [
        samples.trial(test_metric=0.8, seconds=4),
        samples.trial(SGC, test_metric=0.7, seconds=1),
        samples.trial("gcn+sign", test_metric=0.7, seconds=2),
    ]
    rows = _board(samples, trials)
    assert {name: row.pareto for name, row in rows.items()} == {samples.reference: True, SGC: True, "gcn+sign": False}


def test_a_retracted_reference_flags_what_is_derived_from_it(samples) -> None:
    rows = _board(samples, [samples.trial(trust=Trust.RETRACTED), samples.trial(SGC, trust=Trust.REPRODUCED)])
    assert rows[SGC].trust == "retracted"


def test_an_unknown_method_is_one_sentence(samples) -> None:
    with pytest.raises(StoreError, match="the method 'gcn\\+full_batch', which is not among"):
        board([samples.trial()], {}, [], [samples.dataset()])


def test_json_has_stable_keys_and_no_nan(samples) -> None:
    rows = board(
        [samples.trial(), samples.trial(SGC)], {}, [samples.method(), samples.method(SGC)], [samples.dataset()]
    )
    plain = as_json([replace(rows[0], mean=math.nan), rows[1]])
    assert plain[0]["mean"] is None
    assert set(plain[0]) >= {
        "dataset",
        "method",
        "mean",
        "ci_low",
        "time_ratio",
        "memory_ratio_high",
        "device",
        "trust",
    }
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


_entrant = st.lists(st.tuples(st.floats(0.1, 9), st.floats(0.1, 0.9)), min_size=2, max_size=4)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # a class without state
@given(reference=_entrant, candidate=_entrant, newcomer=_entrant)
def test_adding_an_entrant_changes_no_ratio_of_another(samples, reference, candidate, newcomer) -> None:
    def trials(method: str, figures: list[tuple[float, float]]) -> list:
        return [samples.trial(method, split=i, seconds=s, test_metric=m) for i, (s, m) in enumerate(figures)]

    before_trials = trials(samples.reference, reference) + trials(SGC, candidate)
    after_trials = before_trials + trials("gcn+sign", newcomer)
    curves = {trial.trial_id: _curve([trial.ledger.scored], [trial.test_metric]) for trial in after_trials}
    before, after = _board(samples, before_trials, curves), _board(samples, after_trials, curves)
    for name, row in before.items():
        hanging = {"p_value": row.p_value, "pareto": row.pareto, "pareto_probability": row.pareto_probability}
        assert replace(after[name], **hanging) == row


def test_newer_code_replaces_older_and_is_no_second_measurement(samples) -> None:
    old = samples.trial(trial_id="old", seconds=9, test_metric=0.5)
    new = samples.trial(trial_id="new", seconds=3, test_metric=0.9, started_at=samples.noon + timedelta(days=1))
    row = _board(samples, [new, old])[samples.reference]
    assert (row.n, row.mean, row.scored_seconds) == (1, 0.9, 3.0)


def test_an_interrupted_trial_hides_no_earlier_result(samples) -> None:
    cut = samples.trial(
        trial_id="cut", status=Status.INTERRUPTED, test_metric=None, ledger=None, started_at=samples.noon + timedelta(1)
    )
    row = _board(samples, [samples.trial(test_metric=0.9), cut])[samples.reference]
    assert (row.n, row.mean, row.failures) == (1, 0.9, {})


def test_a_ratio_is_to_the_reference_of_the_same_session_and_not_to_a_newer_one(samples) -> None:
    old = samples.trial(trial_id="old", seconds=8, trust=Trust.CHECKED)
    new = samples.trial(
        trial_id="new", seconds=2, session_id="s2", test_metric=0.7, started_at=samples.noon + timedelta(days=1)
    )
    candidate = samples.trial(SGC, seconds=4)
    rows = _board(samples, [old, new, candidate])
    row, reference = rows[SGC], rows[samples.reference]
    assert (row.time_ratio, row.difference) == (pytest.approx(0.5), 0.0)
    assert (row.interleaved, row.trust) == (True, "checked")
    # the reference itself is its newest trial alone
    assert (reference.n, reference.mean, reference.scored_seconds, reference.trust) == (1, 0.7, 2.0, "measured_here")
    # without one of its session, the nearest in time
    elsewhere = replace(candidate, session_id="s3", started_at=samples.noon + timedelta(hours=20))
    rows = _board(samples, [old, new, elsewhere])
    assert (rows[SGC].time_ratio, rows[SGC].interleaved) == (pytest.approx(2.0), False)


def test_a_reference_that_failed_is_no_pair_while_another_one_finished(samples) -> None:
    lost = {"status": Status.CRASHED, "test_metric": None, "ledger": None, "peak_memory_bytes": None}
    failed = samples.trial(trial_id="failed", session_id="s2", started_at=samples.noon + timedelta(days=1), **lost)
    rows = _board(samples, [samples.trial(), failed, samples.trial(SGC, seconds=4, session_id="s2")])
    assert (rows[SGC].time_ratio, rows[SGC].interleaved) == (pytest.approx(2.0), False)
    assert rows[samples.reference].status == "failed"


def test_figures_of_pairs_say_how_many_there_are(samples) -> None:
    trials = [samples.trial(split=split) for split in (0, 1)]
    trials += [samples.trial(SGC, split=split) for split in (1, 2, 3)]
    rows = _board(samples, trials)
    assert [(rows[name].n, rows[name].paired) for name in (samples.reference, SGC)] == [(2, 2), (3, 1)]
    assert [rows[name].is_partly_paired for name in (samples.reference, SGC)] == [False, True]
    assert not _board(samples, trials[2:])[SGC].is_partly_paired


def test_ratios_across_sessions_are_marked(samples) -> None:
    reference = samples.trial()
    assert _board(samples, [reference, samples.trial(SGC)])[SGC].interleaved is True
    assert _board(samples, [reference, samples.trial(SGC, session_id="s2")])[SGC].interleaved is False
    assert _board(samples, [samples.trial(SGC)])[SGC].interleaved is None


def test_a_killed_candidate_is_charged_what_it_took(samples) -> None:
    # the reference reaches 0.8 after 10 s; the candidate does in split 0 after 2 s and is killed at 3600 s in split 1:
    # the horizon is 3600, so the ratio is (2 + 3600) / (10 + 10)
    trials = [samples.trial(split=split, seconds=10) for split in (0, 1)]
    killed = {"status": Status.TIMED_OUT, "test_metric": None, "ledger": None, "peak_memory_bytes": None}
    trials += [
        samples.trial(SGC, split=0, seconds=2),
        samples.trial(SGC, split=1, environment={"wall_seconds": 3600.0}, **killed),
    ]
    curves = {trial.trial_id: _curve([trial.ledger.scored], [0.8]) for trial in trials if trial.ledger is not None}
    row = _board(samples, trials, curves)[SGC]
    assert row.success_rate == 0.5
    assert row.target_ratio == pytest.approx(3602 / 20)


def test_energy_inference_and_size_are_ratios_too(samples) -> None:
    figures = {"energy_joules": 40.0, "inference_seconds": 0.2, "model_bytes": 800}
    trials = [samples.trial(split=split, **figures) for split in (0, 1)]
    trials += [samples.trial(SGC, split=0, energy_joules=10.0, inference_seconds=0.1, model_bytes=100)]
    trials += [samples.trial(SGC, split=1, energy_joules=None, inference_seconds=0.1, model_bytes=100)]
    rows = _board(samples, trials)
    row, reference = rows[SGC], rows[samples.reference]
    assert (row.energy_ratio, row.energy_ratio_low) == (pytest.approx(0.25), None)
    assert (row.inference_ratio, row.inference_ratio_high) == pytest.approx((0.5, 0.5))
    assert row.size_ratio == pytest.approx(0.125)
    assert (row.energy_joules, row.inference_seconds, row.model_bytes) == (10.0, pytest.approx(0.1), 100)
    assert (reference.energy_ratio, reference.size_ratio, reference.model_bytes) == (1.0, 1.0, 800)


def test_a_row_says_when_its_newest_trial_started(samples) -> None:
    row = _board(samples, [samples.trial(split=0), samples.trial(split=3)])[samples.reference]
    assert row.measured_at == samples.noon + timedelta(minutes=3)


def test_the_chance_of_the_front_needs_two_cells(samples) -> None:
    trials = [samples.trial(split=split, test_metric=0.8, seconds=4) for split in range(4)]
    trials += [samples.trial(SGC, split=split, test_metric=0.7, seconds=5) for split in range(4)]
    trials += [samples.trial("gcn+sign", test_metric=0.7, seconds=1)]
    rows = _board(samples, trials)
    assert {name: row.pareto_probability for name, row in rows.items()} == {
        samples.reference: 1.0,
        SGC: 0.0,
        "gcn+sign": None,
    }


def test_a_board_of_no_trials_is_empty(samples) -> None:
    assert board([], {}, [], []) == []


def _random_store(samples, random: np.random.Generator) -> tuple[list, dict]:
    """Trials of two backbones with failures, repeats, several sessions and places, and their curves."""
    trials = []
    for method in (samples.reference, SGC, "gcn+sign", "sage+full_batch", "sage+sgc"):
        for split in range(random.integers(1, 13)):
            for repeat in range(1 + (random.random() < 0.2)):
                status = random.choice([Status.FINISHED] * 6 + list(Status))
                metric = random.normal(0.8, 0.02) if Status(status).has_metric else None
                killed = metric is None and random.random() < 0.7
                fields = {
                    "trial_id": f"{len(trials)}",
                    "fingerprint": f"{len(trials)}",
                    "session_id": f"s{random.integers(1, 3)}",
                    "machine_id": str(random.choice(["laptop", "server"])),
                    "repeat": repeat,
                    "started_at": samples.noon + timedelta(minutes=int(random.integers(0, 3))),
                    "status": Status(status),
                    "test_metric": metric,
                    "peak_memory_bytes": int(random.integers(1, 9)) if random.random() < 0.9 else None,
                    "environment": {"wall_seconds": 20.0} if killed else {},
                }
                trial = samples.trial(method, split=split, seconds=random.uniform(1, 9), **fields)
                trials.append(replace(trial, ledger=None) if killed else trial)
    curves = {
        trial.trial_id: _curve(sorted(random.uniform(0, 9, size=5)), list(random.uniform(0.5, 0.85, size=5)))
        for trial in trials
        if random.random() < 0.9
    }
    return trials, curves


@pytest.mark.parametrize("seed", range(6))
def test_the_whole_board_says_what_each_comparison_says_alone(samples, seed: int) -> None:
    trials, curves = _random_store(samples, np.random.default_rng(seed))
    methods = [samples.method(name) for name in {trial.method for trial in trials}]
    # what depends on who else is on the board
    shared = dict.fromkeys(("p_value", "pareto", "pareto_probability"))
    for row in board(trials, curves, methods, [samples.dataset()]):
        names = (row.method, row.reference)
        both = [trial for trial in trials if trial.method in names and trial.machine_id == row.machine_id]
        alone = board(both, curves, methods, [samples.dataset()])
        assert replace(row, **shared) in [replace(other, **shared) for other in alone]
