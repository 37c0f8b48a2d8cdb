"""What was last read from a store: kept while the file is unchanged, and served while newer rows cannot be had yet."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from db.database import LockedError
from db.read import Reader

T = TypeVar("T")

_PATIENCE = 0.4
_PAUSE = 1.0
# a store that is written to all the time is read for a tenth of it, which leaves the rest to the writer and to pages
_SHARE = 0.1
# but whoever looks at a page does not wait for minutes, however long reading takes
_LONGEST_PAUSE = 15.0
_THREADS = 2


@dataclass(frozen=True)
class Served(Generic[T]):
    """A value, and whether the store has newer rows that were not read yet."""

    value: T
    is_stale: bool


@dataclass(eq=False)
class _Entry:
    value: Any = None
    signature: Hashable = None
    """Of the file as it was before `value` was read; None before the first reading."""
    is_stale: bool = False
    next_look: float = 0.0
    """On the monotonic clock: until then `value` is good enough."""
    reading: Future[None] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Pace:
    """Takes turns at reading a store again, and leaves most of the time to its writers and to pages.

    What is read again is read one after the other, in the order in which it was asked for, with pauses in between.
    """

    def __init__(self) -> None:
        self.is_waited_for = False
        """Whether somebody knows that the store has changed and waits for the end of a pause."""
        self._open_at = 0.0
        self._turns: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._begun = threading.Lock()

    def wait(self) -> None:
        """Sleep until it is over."""
        self.is_waited_for = True
        while (left := self._open_at - time.monotonic()) > 0:
            time.sleep(left)
        self.is_waited_for = False

    def charge(self, seconds: float) -> None:
        """Something was read for so long."""
        pause = min(_LONGEST_PAUSE, seconds * (1 / _SHARE - 1))
        self._open_at = max(self._open_at, time.monotonic() + pause)

    def take(self, turn: Callable[[], None]) -> Future[None]:
        """Have `turn` called after those that were taken before."""
        done: Future[None] = Future()

        def call() -> None:
            try:
                turn()
            except Exception as error:
                done.set_exception(error)
            else:
                done.set_result(None)

        self._turns.put(call)
        if self._begun.acquire(blocking=False):
            # no pool, for a program that ends would wait for the pause of its thread
            threading.Thread(target=self._work, name="store again", daemon=True).start()
        return done

    def _work(self) -> None:
        while True:
            self._turns.get()()


class LastGood:
    """Values by key for many threads at once; one thread at a time reads one of them.

    An unchanged file is not opened, which leaves it to the writer. A changed one is read in the background when it is
    its turn: whoever asks waits a moment for the new value and then takes the old one, marked stale.
    """

    def __init__(self, reader: Reader, most: float = math.inf, pace: Pace | None = None) -> None:
        """Past `most` items in all values together, those used longest ago are forgotten.

        Args:
            pace: that of the store, where other values of it are kept elsewhere.
        """
        self._reader = reader
        self._most = most
        self._pace = pace or Pace()
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="store")

    def begin(self, key: Hashable, read: Callable[[], Any]) -> None:
        """Read the value of a key that has none in the background; what goes wrong is said by `get`."""
        entry = self._entry(key)
        with entry.lock:
            if entry.signature is None and entry.reading is None:
                entry.reading = self._pool.submit(self._read, entry, read)

    def get(self, key: Hashable, read: Callable[[], T]) -> Served[T]:
        """The value of a key, as `read` gives it.

        Raises:
            StoreError: the store cannot be read; `LockedError` only where there is no older value.
        """
        entry = self._entry(key)
        with entry.lock:
            known = entry.signature is not None
            if known and time.monotonic() < entry.next_look and entry.reading is None:
                return Served(entry.value, entry.is_stale)
            if entry.reading is None:
                entry.reading = (
                    self._pace.take(lambda: self._read(entry, read))
                    if known
                    else self._pool.submit(self._read, entry, read)
                )
            reading = entry.reading
        try:
            # while the store is as it was, whoever has the turn sees that at once
            reading.result((0.0 if self._pace.is_waited_for else _PATIENCE) if known else None)
        except (FutureTimeoutError, LockedError):
            if not known:
                raise
            return Served(entry.value, is_stale=True)
        return Served(entry.value, entry.is_stale)

    def is_known(self, key: Hashable) -> bool:
        """Whether the key has a value, perhaps an old one."""
        with self._lock:
            return key in self._entries and self._entries[key].signature is not None

    def _read(self, entry: _Entry, read: Callable[[], Any]) -> None:
        try:
            signature = self._reader.signature()
            if signature != entry.signature:
                if entry.signature is not None:
                    entry.is_stale = True
                    self._pace.wait()
                    signature = self._reader.signature()
                began = time.monotonic()
                entry.value, entry.signature = read(), signature
                self._pace.charge(time.monotonic() - began)
            entry.is_stale = False
        except LockedError:
            entry.is_stale = entry.signature is not None
            raise
        except Exception:
            # what cannot be read at all is not hidden behind what could be read once
            entry.value = entry.signature = None
            raise
        finally:
            entry.next_look = time.monotonic() + _PAUSE
            with entry.lock:
                entry.reading = None

    def _entry(self, key: Hashable) -> _Entry:
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            # the one that is asked for stays, however large
            sizes = {old: _size(other.value) for old, other in self._entries.items() if other is not entry}
            total = sum(sizes.values())
            for old, size in sizes.items():
                if total <= self._most:
                    break
                total -= size
                del self._entries[old]
            return entry


def _size(value: object) -> int:
    return len(value) if isinstance(value, Sized) else 1
