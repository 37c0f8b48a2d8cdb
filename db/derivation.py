"""Which methods are derived from which, directly or through others, as their cards say."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select

from db.records import Trust
from db.schema import MethodCard
from db.submitted import Submitted

Parents = Mapping[str, set[str]]
"""By method: what its cards say that it is derived from."""


def approved_parents(connection: Connection) -> Parents:
    """From the cards of approved submissions."""
    rows = connection.execute(select(MethodCard.method, MethodCard.derived_from))
    return {method: {parent} for method, parent in rows if parent is not None}


def all_parents(connection: Connection, submissions: list[Submitted]) -> Parents:
    """From approved cards and from those of every submission that was not rejected."""
    parents = {method: set(found) for method, found in approved_parents(connection).items()}
    for item in submissions:
        parent = parent_of(item)
        if parent is not None and item.newest.state is not Trust.REJECTED:
            parents.setdefault(item.record.method, set()).add(parent)
    return parents


def parent_of(item: Submitted) -> str | None:
    """What a submission's own card says that its method is derived from."""
    return item.record.manifest["card"].get("derived_from")


def lineage(parent: str | None, parents: Parents) -> set[str]:
    """A method and everything that it is derived from; a circle ends where it began, and nothing has no lineage."""
    found = set() if parent is None else {parent}
    waiting = list(found)
    while waiting:
        above = parents.get(waiting.pop(), set()) - found
        found |= above
        waiting += above
    return found
