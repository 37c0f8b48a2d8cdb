"""Trials that wait for a machine."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import groupby
from typing import Any


class Waiting:
    """Documents by position, in groups that belong on one machine.

    A candidate is compared with the reference of its dataset, split and seed. The plan puts them side by side, and
    here a machine takes all of them before it takes others, so that pairs run on one machine, one after the other.
    """

    def __init__(self, documents: Sequence[dict[str, Any]]) -> None:
        def place(index: int) -> list[Any]:
            return [documents[index].get(key) for key in ("dataset", "split", "seed", "repeat")]

        self._groups = deque(deque(group) for _, group in groupby(range(len(documents)), place))
        self._own: dict[str, deque[int]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._groups)) + sum(map(len, self._own.values()))

    def take(self, node: str) -> int | None:
        """The next trial for a machine, or None when it finds no more."""
        own = self._own.get(node)
        if not own:
            if not self._groups:
                return None
            own = self._own[node] = self._groups.popleft()
        return own.popleft()

    def put_back(self, node: str, index: int) -> None:
        """A trial that a machine took and could not end; it is the machine's next one."""
        self._own.setdefault(node, deque()).appendleft(index)

    def release(self, node: str) -> None:
        """A machine is gone: others take what it had before it."""
        if own := self._own.pop(node, None):
            self._groups.appendleft(own)
