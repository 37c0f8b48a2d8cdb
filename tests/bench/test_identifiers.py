"""Identifiers of version 7."""

from __future__ import annotations

import time
import uuid

from bench.identifiers import uuid7


def test_an_identifier_is_a_uuid_of_version_7_that_holds_the_time() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(uuid7())
    after = time.time_ns() // 1_000_000
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before <= made.int >> 80 <= after


def test_later_identifiers_sort_later_and_none_comes_twice() -> None:
    earlier = uuid7()
    time.sleep(0.002)
    assert earlier < uuid7()
    assert len({uuid7() for _ in range(1000)}) == 1000
