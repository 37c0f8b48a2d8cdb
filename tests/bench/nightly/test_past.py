"""Histories that are odd: holes, clocks that are wrong, nights of others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bench.nightly.cases import Case
from bench.nightly.night import Outlook
from db.read import Reader
from db.records import SessionRecord
from db.scoring.regression import Outcome
from db.store import Store


def _time_ratio(night: Outlook) -> Case:
    [case] = [case for case in night.cases if case.quantity == "time_ratio"]
    return case


def test_a_session_of_the_future_is_left_out_and_named(world) -> None:
    world.past()
    world.now = world.now.replace(year=2031)
    world.past(1)
    world.now = world.now.replace(year=2026)
    night = world.night(2)
    [sentence] = [notice for notice in night.past.notices if "left out" in notice]
    assert sentence.startswith("1 of the stored nights are dated after this one began (2026-01-")
    assert "the latest 2031-01-" in sentence
    assert len(night.past.sessions) == world.enough
    assert _time_ratio(night).verdict.outcome is Outcome.UNCHANGED


def test_a_clock_that_was_set_back_leaves_the_nights_before_out_and_says_so(world) -> None:
    world.past()
    world.now = world.now.replace(year=2019)
    night = world.night()
    assert [notice.split(" (")[0] for notice in night.past.notices] == [
        "12 of the stored nights are dated after this one began",
        "This is the first night of the suite on this machine; the next ones are held to it.",
    ]
    assert {case.verdict.outcome for case in night.cases} == {Outcome.NO_BASELINE}
    # all is stored, and the clock that is right again finds every night
    world.now = world.now.replace(year=2026, month=3)
    assert len(world.night().past.sessions) == world.enough + 1
    assert len(world.rows()) == 4 * (world.enough + 2)


def test_a_session_that_ends_before_it_begins_is_a_night_like_any_other(world) -> None:
    world.past()
    store = Store(world.store)
    for session in Reader(world.store).sessions():
        store.finish_session(session.session_id, session.started_at - timedelta(hours=3), None)
    night = world.night()
    assert night.past.notices == ()
    assert _time_ratio(night).verdict.outcome is Outcome.UNCHANGED


def test_two_nights_that_begin_at_one_moment_are_told_apart(world) -> None:
    world.past()
    world.night()
    night = world.night(0)
    assert len(night.past.sessions) == world.enough
    nights = _time_ratio(night).nights
    assert len(nights) == len({point.session_id for point in nights}) == world.enough + 1


def test_a_hole_in_the_history_is_named_and_changes_no_verdict(world) -> None:
    world.past(6)
    world.now = world.now.replace(month=2)
    world.past(6)
    night = world.night()
    [sentence] = night.past.notices
    assert sentence.startswith("The history has holes, 1 in all; the longest is 32.0 days, from 2026-01-07")
    assert _time_ratio(night).verdict.outcome is Outcome.UNCHANGED


def test_other_suites_and_machines_are_no_history(world) -> None:
    store = Store(world.store)
    world.past(1)
    for name, suite, machine in (("a", "quick", "machine"), ("b", str(world.suite), "other")):
        record = SessionRecord(name, machine, world.now, suite, "", "c0")
        store.record_session(replace(world.machine, machine_id=machine), record)
    assert len(world.night().past.sessions) == 1
