"""The ledger on workloads of known length, and on a clock that the test turns by hand."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from bench.clock import ACCOUNTS, TimeLedger
from bench.errors import BenchError


class HandClock:
    """Stands in for the module `time`; `tick(ns)` moves both of its clocks."""

    def __init__(self) -> None:
        self.perf, self.monotonic = 1_000, 50_000

    def perf_counter_ns(self) -> int:
        return self.perf

    def monotonic_ns(self) -> int:
        return self.monotonic

    def tick(self, ns: int) -> None:
        self.perf += ns
        self.monotonic += ns


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> HandClock:
    clock = HandClock()
    monkeypatch.setattr("bench.clock.time", clock)
    return clock


def parts(ledger: object) -> float:
    return sum(getattr(ledger, name) for name in ACCOUNTS)


def test_known_sleeps_land_in_their_accounts_and_the_ledger_closes() -> None:
    started = time.perf_counter_ns()
    time.sleep(0.03)
    ledger = TimeLedger(started_ns=started)
    slept = {"preprocess": 0.05, "compile": 0.03, "train": 0.2, "evaluate": 0.06, "checkpoint": 0.02}
    for name, seconds in slept.items():
        with ledger.account(name):
            time.sleep(seconds)
    time.sleep(0.04)
    closed = ledger.close()
    wall = (time.perf_counter_ns() - started) * 1e-9
    # a sleep is never shorter than asked, and may be late by a scheduler's turn
    for name, seconds in {"load": 0.03, "idle": 0.04, **slept}.items():
        assert seconds <= getattr(closed, name) <= seconds * 1.01 + 0.02, name
    assert parts(closed) == pytest.approx(closed.wall, rel=0.01)
    assert closed.wall == pytest.approx(wall, rel=0.01, abs=0.005)
    assert closed.scored == closed.preprocess + closed.compile + closed.train


def test_a_nested_account_pauses_the_outer_one(clock: HandClock) -> None:
    ledger = TimeLedger()
    clock.tick(5_000_000)  # load
    with ledger.account("train"):
        clock.tick(10_000_000)
        with ledger.account("evaluate"):
            clock.tick(3_000_000)
            with ledger.account("checkpoint"):
                clock.tick(2_000_000)
            clock.tick(1_000_000)
        clock.tick(20_000_000)
    clock.tick(7_000_000)  # claimed by nobody
    with ledger.account("load"):
        clock.tick(4_000_000)
    closed = ledger.close()
    milliseconds = {"load": 9, "train": 30, "evaluate": 4, "checkpoint": 2, "idle": 7}
    for name in ACCOUNTS:
        assert getattr(closed, name) == pytest.approx(milliseconds.get(name, 0) * 1e-3), name
    assert closed.wall == pytest.approx(0.052)


def test_an_account_may_open_inside_itself(clock: HandClock) -> None:
    ledger = TimeLedger()
    with ledger.account("train"):
        clock.tick(1_000_000)
        with ledger.account("train"):
            clock.tick(2_000_000)
        clock.tick(4_000_000)
    assert ledger.close().train == pytest.approx(0.007)


def test_scored_seconds_can_be_read_at_any_time(clock: HandClock) -> None:
    ledger = TimeLedger()
    clock.tick(1_000_000)
    assert ledger.scored_seconds() == 0.0
    with ledger.account("preprocess"):
        clock.tick(2_000_000)
    with ledger.account("train"):
        clock.tick(3_000_000)
        assert ledger.scored_seconds() == pytest.approx(0.005)
        with ledger.account("evaluate"):
            clock.tick(9_000_000)
            assert ledger.scored_seconds() == pytest.approx(0.005)
        clock.tick(1_000_000)
    clock.tick(9_000_000)
    assert ledger.scored_seconds() == pytest.approx(0.006)
    assert ledger.scored_seconds() == pytest.approx(ledger.close().scored)
    clock.tick(1_000_000)
    assert ledger.scored_seconds() == pytest.approx(0.006)


def test_the_device_is_synchronised_at_boundaries_only(clock: HandClock) -> None:
    # the device owes 8 ms of launched work at the end of train; unsynchronised, idle would pay for it
    owed = [0]

    def synchronize() -> None:
        clock.tick(owed[0])
        owed[0] = 0
        calls.append(clock.perf)

    calls: list[int] = []
    ledger = TimeLedger(synchronize=synchronize)
    with ledger.account("train"):
        owed[0] = 8_000_000
        for _ in range(100):
            ledger.scored_seconds()
    clock.tick(1_000_000)
    closed = ledger.close()
    assert closed.train == pytest.approx(0.008)
    assert closed.idle == pytest.approx(0.001)
    assert len(calls) == 3  # enter, leave, close


def test_an_error_closes_the_account_and_is_not_hidden_by_the_device(clock: HandClock) -> None:
    def synchronize() -> None:
        if broken:
            raise RuntimeError("the device is lost")

    broken: list[bool] = []
    ledger = TimeLedger(synchronize=synchronize)
    with pytest.raises(MemoryError, match="no room"), ledger.account("train"):
        clock.tick(2_000_000)
        broken.append(True)
        raise MemoryError("no room")
    broken.clear()
    clock.tick(5_000_000)
    closed = ledger.close()
    assert (closed.train, closed.idle) == (pytest.approx(0.002), pytest.approx(0.005))


def test_closing_inside_an_open_account_charges_it(clock: HandClock) -> None:
    ledger = TimeLedger()
    with ledger.account("train"):
        clock.tick(6_000_000)
        closed = ledger.close()
        clock.tick(6_000_000)
    assert closed.train == pytest.approx(0.006)
    assert ledger.close() is closed


def test_a_wall_time_that_the_accounts_miss_is_an_error(clock: HandClock) -> None:
    ledger = TimeLedger()
    with ledger.account("train"):
        clock.tick(1_000_000_000)
    clock.monotonic += 10_000_000  # 1 % of a second is 10 ms; 1 ms more is forgiven
    assert ledger.close().wall == pytest.approx(1.01)

    ledger = TimeLedger()
    with ledger.account("train"):
        clock.tick(1_000_000_000)
    clock.monotonic += 20_000_000
    with pytest.raises(BenchError, match=r"sum to 1\.000 s but the trial took 1\.020 s"):
        ledger.close()


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda: TimeLedger().account("sleep"), "no account 'sleep'; use one of load, preprocess"),
        (lambda: TimeLedger(started_ns=time.perf_counter_ns() + 10**12), "lies .* s in the future"),
    ],
)
def test_wrong_use_is_one_sentence(use: Callable[[], object], message: str) -> None:
    with pytest.raises(BenchError, match=message):
        use()


def test_a_closed_ledger_opens_no_account() -> None:
    ledger = TimeLedger()
    ledger.close()
    with pytest.raises(BenchError, match="after the ledger was closed"):
        ledger.account("train")
