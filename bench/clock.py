"""The time ledger of one trial: seven accounts that together are the wall time of its process.

The device is synchronised where one account closes and the next one opens, never at every step: that alone
slows training on small graphs (methodology, item 3).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from bench.errors import BenchError
from db.records import Ledger

ACCOUNTS = ("load", "preprocess", "compile", "train", "evaluate", "checkpoint", "idle")
SCORED = ("preprocess", "compile", "train")
TOLERANCE = 0.01
"""Largest share of the wall time by which the accounts may miss it."""
# the two clocks are read one after the other, which matters for a trial of milliseconds
_SLACK_NS = 1_000_000
_NS = 1e-9


class TimeLedger:
    """Charges every nanosecond of a process to exactly one account.

    Time before the first `account(...)` is `load`; time between two top-level accounts is `idle`. An account
    opened inside another one pauses the outer one, which goes on when the inner one closes. Not for use from
    several threads.

    Args:
        started_ns: `time.perf_counter_ns()` of the parent when it spawned this process (all processes of one
            machine share that clock), so that starting the interpreter is charged to `load`; None means now.
        synchronize: waits until the device has finished its work, or None for a device that never runs ahead.

    Raises:
        BenchError: `started_ns` lies in the future, so it was read from another clock.
    """

    def __init__(self, started_ns: int | None = None, synchronize: Callable[[], object] | None = None) -> None:
        now, monotonic = time.perf_counter_ns(), time.monotonic_ns()
        started = now if started_ns is None else started_ns
        if started > now:
            raise BenchError(
                f"the start of the trial, {started} ns, lies {(started - now) * _NS:.3f} s in the future;"
                " pass time.perf_counter_ns() of the parent on the same machine"
            )
        self._synchronize = synchronize
        self._since = started
        self._monotonic_start = monotonic - (now - started)
        self._spent = dict.fromkeys(ACCOUNTS, 0)
        self._open = "load"
        self._outer: list[str] = []
        self._accounts = {name: _Account(self, name) for name in ACCOUNTS}
        self._closed: Ledger | None = None

    def account(self, name: str) -> _Account:
        """A context manager that charges its block to `name`.

        Raises:
            BenchError: no account is called `name`, or the ledger is closed.
        """
        if self._closed is not None:
            raise BenchError(f"account '{name}' was asked for after the ledger was closed; open it earlier")
        try:
            return self._accounts[name]
        except KeyError:
            known = ", ".join(ACCOUNTS)
            raise BenchError(f"the ledger has no account '{name}'; use one of {known}") from None

    def scored_seconds(self) -> float:
        """Seconds of preprocess + compile + train so far, the running account included up to this call.

        Does not synchronise: inside a scored account the device may still be working on what was launched.
        """
        running = time.perf_counter_ns() - self._since if self._closed is None and self._open in SCORED else 0
        return (running + sum(self._spent[name] for name in SCORED)) * _NS

    def close(self) -> Ledger:
        """Charge the running account and return the seconds of all; a second call returns the same ledger.

        Raises:
            BenchError: the accounts and the independently measured wall time differ by more than 1 %.
        """
        if self._closed is None:
            self._switch("idle", failed=False)
            wall = time.monotonic_ns() - self._monotonic_start
            claimed = sum(self._spent.values())
            if abs(wall - claimed) > TOLERANCE * wall + _SLACK_NS:
                raise BenchError(
                    f"the accounts of the ledger sum to {claimed * _NS:.3f} s but the trial took"
                    f" {wall * _NS:.3f} s; its times cannot be trusted, so run the trial again"
                )
            seconds = {name: spent * _NS for name, spent in self._spent.items()}
            self._closed = Ledger(**seconds, wall=wall * _NS)
        return self._closed

    def _switch(self, name: str, failed: bool) -> None:
        if self._synchronize is not None:
            if failed:
                # a device that ran out of memory often fails here too, and must not hide the first error
                with suppress(Exception):
                    self._synchronize()
            else:
                self._synchronize()
        now = time.perf_counter_ns()
        self._spent[self._open] += now - self._since
        self._since = now
        self._open = name


class _Account:
    # one object per account and ledger: a context manager made by a generator costs more than 2 microseconds
    __slots__ = ("_ledger", "_name")

    def __init__(self, ledger: TimeLedger, name: str) -> None:
        self._ledger = ledger
        self._name = name

    def __enter__(self) -> None:
        ledger = self._ledger
        ledger._outer.append(ledger._open if ledger._outer else "idle")
        ledger._switch(self._name, False)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        ledger = self._ledger
        ledger._switch(ledger._outer.pop(), kind is not None)
