"""Which machine takes which trial."""

from __future__ import annotations

from typing import Any

from bench.executors.waiting import Waiting


def documents(*places: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"dataset": dataset, "split": 0, "seed": seed, "repeat": 0} for dataset, seed in places]


PAIRS = documents(("cora", 0), ("cora", 0), ("cora", 1), ("cora", 1), ("cora", 2), ("cora", 2))


def test_one_machine_takes_all_in_their_order() -> None:
    waiting = Waiting(PAIRS)
    assert [waiting.take("a") for _ in range(7)] == [0, 1, 2, 3, 4, 5, None]
    assert len(waiting) == 0


def test_a_pair_stays_on_one_machine() -> None:
    waiting = Waiting(PAIRS)
    assert [waiting.take(node) for node in "abbaab"] == [0, 2, 3, 1, 4, None]
    assert [waiting.take(node) for node in "ba"] == [None, 5]


def test_repeats_of_one_seed_are_pairs_of_their_own() -> None:
    repeats = [{**document, "repeat": index // 2} for index, document in enumerate(documents(*[("cora", 0)] * 4))]
    waiting = Waiting(repeats)
    assert [waiting.take(node) for node in "ab"] == [0, 2]


def test_what_was_put_back_comes_next() -> None:
    waiting = Waiting(PAIRS)
    waiting.take("a")
    waiting.put_back("a", 0)
    assert [waiting.take(node) for node in "baa"] == [2, 0, 1]


def test_others_take_what_a_lost_machine_had_before_it() -> None:
    waiting = Waiting(PAIRS)
    assert [waiting.take(node) for node in "ab"] == [0, 2]
    waiting.put_back("a", 0)
    waiting.release("a")
    assert len(waiting) == 5
    assert [waiting.take("b") for _ in range(5)] == [3, 0, 1, 4, 5]
