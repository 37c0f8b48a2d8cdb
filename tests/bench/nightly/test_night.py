"""A night from the suite to its verdicts, on a runner that needs no time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from bench.errors import BenchError
from bench.nightly.night import run_night
from db.read import Reader
from db.records import Status
from db.scoring.history import histories, is_rerun
from db.scoring.metric_regression import FRESH_SEEDS
from db.scoring.regression import ROUNDS, Outcome

REFERENCE, CANDIDATE = "gcn(layers=2,hidden=8)+full_batch", "gcn(layers=2,hidden=8)+random_nodes"


def _outcomes(night) -> dict[tuple[str, str], Outcome]:
    return {(case.quantity, case.place.method): case.verdict.outcome for case in night.cases}


def test_the_first_night_has_nothing_to_be_held_to(world) -> None:
    night = world.night()
    assert set(_outcomes(night).values()) == {Outcome.NO_BASELINE}
    assert night.past.notices == (
        "This is the first night of the suite on this machine; the next ones are held to it.",
    )
    assert len(world.rows()) == 4


def test_a_night_on_the_same_commit_is_a_new_set_of_trials(world) -> None:
    world.night()
    night = world.night()
    assert len(world.rows()) == 8
    assert len({row.fingerprint for row in world.rows()}) == 8
    # the metric needs one night before it, a cost ten
    assert _outcomes(night)["metric", REFERENCE] is Outcome.UNCHANGED
    assert _outcomes(night)["time_ratio", CANDIDATE] is Outcome.NO_BASELINE
    # the board shows the newest of each cell, so that nights do not pile up in a mean
    assert [row.n for row in Reader(world.store).board()] == [2, 2]


def test_quiet_nights_raise_nothing(world) -> None:
    world.past()
    night = world.night()
    assert _outcomes(night) == {
        ("time_ratio", CANDIDATE): Outcome.UNCHANGED,
        ("memory_ratio", CANDIDATE): Outcome.UNCHANGED,
        ("metric", CANDIDATE): Outcome.UNCHANGED,
        ("metric", REFERENCE): Outcome.UNCHANGED,
    }
    assert night.reruns == 0
    assert {case.compared for case in night.cases} == {4}


def test_a_slow_down_is_measured_again_and_confirmed(slowed) -> None:
    world, night = slowed
    [case] = night.of(Outcome.REGRESSION)
    assert (case.quantity, case.place.method) == ("time_ratio", CANDIDATE)
    assert case.verdict.change == pytest.approx(0.1, abs=0.01)
    assert case.since.code_version == "c1"
    # interleaved again: the candidate and its reference, every split, once a session
    reruns = [trials for suite, trials in world.ran if suite.endswith(":again")]
    assert len(reruns) == night.reruns == ROUNDS[-1]
    assert [(trial.method.name, trial.split) for trial in reruns[0]] == [
        (REFERENCE, 0), (CANDIDATE, 0), (CANDIDATE, 1), (REFERENCE, 1),
    ]  # fmt: skip
    assert len(world.rows()) == 4 * (world.enough + 1 + ROUNDS[-1])


def test_what_was_measured_again_is_on_no_board_and_in_no_history(slowed) -> None:
    world, night = slowed
    reader = Reader(world.store)
    assert sum(is_rerun(session) for session in reader.sessions()) == ROUNDS[-1]
    [series] = histories(reader.trials(), reader.sessions(), reader.methods(), "time_ratio")
    assert len(series.points) == world.enough + 1
    assert series.points[-1].session_id == night.session.session_id
    last = [row for row in world.rows() if row.session_id == night.session.session_id and row.method == CANDIDATE]
    [row] = [row for row in reader.board() if row.method == CANDIDATE]
    assert row.scored_seconds == pytest.approx(sum(trial.ledger.scored for trial in last) / 2)


def test_a_slow_night_that_does_not_come_back_is_not_confirmed(world) -> None:
    world.past()
    world.figures = lambda trial: {"seconds": 1.2 if trial.method.name == CANDIDATE else 1.0}
    world.in_reruns = lambda trial: {}
    night = world.night()
    assert _outcomes(night)["time_ratio", CANDIDATE] is Outcome.UNCONFIRMED
    assert night.of(Outcome.REGRESSION) == []
    assert night.reruns == ROUNDS[0]
    assert world.notices == ["1 suspicious; measuring again"]


def test_a_lost_metric_is_confirmed_on_fresh_seeds(world) -> None:
    world.past(1)
    world.figures = lambda trial: {"test_metric": 0.7 + 0.001 * trial.split + 0.0001 * trial.seed}
    night = world.night()
    assert {case.place.method for case in night.of(Outcome.REGRESSION)} == {CANDIDATE, REFERENCE}
    assert night.reruns == FRESH_SEEDS
    asked = [trials for suite, trials in world.ran if suite.endswith(":again")]
    assert [{trial.seed for trial in trials} for trials in asked] == [{1}, {2}, {3}, {4}]
    assert {trial.split for trials in asked for trial in trials} == {0, 1}
    # the fresh seeds that are stored are no part of a mean
    world.write()
    assert len(world.rows()) == 8 + 4 * FRESH_SEEDS
    assert {row.n for row in Reader(world.store).board()} == {2}


def test_a_metric_that_fresh_seeds_do_not_miss_is_not_confirmed(world) -> None:
    world.past(1)
    world.figures = lambda trial: {"test_metric": 0.7 + 0.001 * trial.split}
    world.in_reruns = lambda trial: {}
    night = world.night()
    assert _outcomes(night)["metric", CANDIDATE] is Outcome.UNCONFIRMED
    assert night.of(Outcome.REGRESSION) == []


CRASH = {"status": Status.CRASHED, "reason": "no such kernel", "ledger": None, "test_metric": None}


def _crash(trial) -> dict:
    return CRASH if (trial.method.name, trial.split) == (CANDIDATE, 1) else {}


def test_a_trial_that_stops_working_is_a_regression_when_it_fails_again(world) -> None:
    world.past(1)
    world.figures = _crash
    night = world.night()
    [case] = night.of(Outcome.REGRESSION)
    assert (case.quantity, case.place.method) == ("failure", CANDIDATE)
    assert "ended as crashed (no such kernel)" in case.verdict.reason
    assert [[trial.split for trial in trials] for suite, trials in world.ran if suite.endswith(":again")] == [[1]]
    # also on the nights that follow
    assert len(world.night().of(Outcome.REGRESSION)) == 1


def test_a_trial_that_finishes_when_run_again_is_none(world) -> None:
    world.past(1)
    world.figures, world.in_reruns = _crash, lambda trial: {}
    assert _outcomes(world.night())["failure", CANDIDATE] is Outcome.UNCONFIRMED


def test_what_never_worked_is_no_regression(world) -> None:
    world.figures = _crash
    world.past(2)
    assert ("failure", CANDIDATE) not in _outcomes(world.night())


def test_a_suspicion_that_cannot_be_measured_again_is_said_to_be_one(world) -> None:
    world.past()
    world.figures = lambda trial: {"seconds": 1.2 if trial.method.name == CANDIDATE else 1.0}
    world.in_reruns = lambda trial: CRASH
    night = world.night()
    [case] = night.of(Outcome.SUSPECTED)
    assert case.verdict.reason.endswith("It could not be measured again.")
    assert night.reruns == 1


def test_a_candidate_without_a_figure_tonight_is_not_measured(world) -> None:
    world.past()
    world.figures = world.in_reruns = lambda trial: CRASH if trial.method.name == CANDIDATE else {}
    assert _outcomes(world.night())["time_ratio", CANDIDATE] is Outcome.NOT_MEASURED


def test_a_stopped_night_keeps_what_had_finished(world) -> None:
    world.stops_after = 3
    with pytest.raises(KeyboardInterrupt):
        world.night()
    assert len(world.rows()) == 3
    world.stops_after = None
    assert world.night().session is not None


def test_two_nightlies_at_once_are_refused_and_leave_the_store_alone(world) -> None:
    world.past(1)
    (world.folder / "cache").mkdir()
    with FileLock(world.folder / "cache" / "nightly.lock"), pytest.raises(BenchError, match="another nightly runs"):
        world.night()
    assert len(world.rows()) == 4
    assert world.night() is not None


def test_two_nightlies_at_once_of_one_machine_run_one_night(world) -> None:
    said: list[str] = []

    def another(trial) -> dict:
        # from another thread, as another process would come
        with ThreadPoolExecutor(1) as pool, pytest.raises(BenchError) as caught:
            pool.submit(run_night, world.options(), world).result()
        said.append(str(caught.value))
        return {}

    world.figures = another
    night = world.night()
    assert said and all(sentence.startswith("another nightly runs on this machine") for sentence in said)
    assert [session.session_id for session in Reader(world.store).sessions()] == [night.session.session_id]
    assert len(world.rows()) == 4


def test_two_nightlies_at_once_of_two_machines_like_each_other_share_a_store(world, tmp_path: Path) -> None:
    world.past()
    (tmp_path / "other").mkdir()
    other = type(world)(tmp_path / "other")
    other.store, other.suite, other.now = world.store, world.suite, world.now + timedelta(minutes=1)
    nights = []

    def beside(trial) -> dict:
        if not nights:
            nights.append(other.night())
        return {}

    world.figures = beside
    nights.append(world.night())
    # nothing is lost, and no night is held to itself or to the one that ran beside it twice
    assert len(world.rows()) == 4 * (world.enough + 2)
    for night in nights:
        before = [session.session_id for session in night.past.sessions]
        assert len(before) == len(set(before)) == world.enough
        assert night.session.session_id not in before
        assert _outcomes(night)["time_ratio", CANDIDATE] is Outcome.UNCHANGED
    assert "another nightly ran beside this one, or a clock is wrong" in nights[1].past.notices[0]


def test_a_lock_that_cannot_be_taken_says_what_to_do(world) -> None:
    (world.folder / "cache").write_text("a file")
    with pytest.raises(BenchError, match="name a folder in LEANGNN_CACHE"):
        world.night()
