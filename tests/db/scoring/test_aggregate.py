"""One row a method over several datasets."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from db.errors import StoreError
from db.scoring.aggregate import AggregateRow, aggregate
from db.scoring.board import BoardRow, board


@pytest.fixture
def row(samples) -> Callable[..., BoardRow]:
    """A row of the board without ratios; keywords replace fields."""
    (first,) = board([samples.trial()], {}, [samples.method()], [samples.dataset()])
    nothing = {each.name: None for each in fields(first) if "ratio" in each.name or "difference" in each.name}

    def make(method: str, dataset: str, mean: float | None, **changes: Any) -> BoardRow:
        return replace(first, **nothing | {"method": method, "dataset": dataset, "mean": mean} | changes)

    return make


def _by_method(rows: list[AggregateRow]) -> dict[str, AggregateRow]:
    return {each.method: each for each in rows}


def test_ranks_and_means_by_hand(row) -> None:
    rows = [
        row("a", "cora", 0.9, time_ratio=0.5, difference=0.02),
        row("a", "pubmed", 0.7, time_ratio=0.125, difference=0.0),
        row("b", "cora", 0.8, time_ratio=2.0),
        row("b", "pubmed", 0.75),
        row("b", "other", 0.1, time_ratio=9.0),
    ]
    found = aggregate(rows, ["cora", "pubmed"])
    assert [each.method for each in found] == ["a", "b"]
    a, b = found
    # 0.8 and 0.775 on average; without pubmed a is first, without cora b is
    assert (a.rank, a.rank_low, a.rank_high) == (1, 1, 2)
    assert (a.mean_rank, b.mean_rank, a.datasets) == (1.5, 1.5, 2)
    # sqrt(1/2 * 1/8)
    assert (a.time_ratio, a.difference) == (pytest.approx(0.25), pytest.approx(0.01))
    assert (b.time_ratio, b.time_ratio_low, b.energy_ratio) == (pytest.approx(2.0), None, None)


def test_who_is_missing_on_a_dataset_has_no_rank(row) -> None:
    rows = [row("a", "cora", 0.9), row("a", "pubmed", 0.9), row("b", "cora", 0.95), row("c", "cora", 0.5)]
    rows.append(row("c", "pubmed", None, status="failed"))
    found = _by_method(aggregate(rows, ["cora", "pubmed"]))
    assert (found["b"].rank, found["b"].mean_rank, found["b"].missing, found["b"].datasets) == (
        None,
        None,
        ("pubmed",),
        1,
    )
    # a failure is the worst, but it was run
    assert (found["c"].rank, found["c"].mean_rank, found["c"].failed, found["c"].missing) == (2, 2.0, ("pubmed",), ())
    assert (found["a"].rank, found["a"].mean_rank) == (1, 1.0)
    # for the set that it was run on, the ranks are computed anew
    alone = _by_method(aggregate(rows, ["cora"]))
    assert {name: each.rank for name, each in alone.items()} == {"b": 1, "a": 2, "c": 3}
    assert alone["b"].rank_low is None


def test_ranked_by_a_ratio(row) -> None:
    rows = [
        row("a", "cora", 0.9, target_ratio=0.5, success_rate=1.0),
        row("b", "cora", 0.9, target_ratio=None, success_rate=0.0),
        row("c", "cora", 0.9, target_ratio=None, success_rate=None),
    ]
    found = _by_method(aggregate(rows, ["cora"], by="target_ratio"))
    assert {name: (each.rank, each.failed, each.missing) for name, each in found.items()} == {
        "a": (1, (), ()),
        "b": (2, ("cora",), ()),
        "c": (None, (), ("cora",)),
    }
    with pytest.raises(StoreError, match="ranked by 'luck'; use one of: metric, time_ratio"):
        aggregate(rows, ["cora"], by="luck")


def test_an_entrant_reorders_nobody(row) -> None:
    rows = [row(name, dataset, mean) for name, dataset, mean in
            [("a", "x", 0.9), ("a", "y", 0.5), ("b", "x", 0.8), ("b", "y", 0.65)]]  # fmt: skip
    before = [each.method for each in aggregate(rows, ["x", "y"])]
    after = [each.method for each in aggregate([*rows, row("c", "x", 0.85), row("c", "y", 0.1)], ["x", "y"])]
    assert [name for name in after if name != "c"] == before


def test_several_places_of_a_dataset_count_as_one(row) -> None:
    rows = [row("a", "cora", 0.9, time_ratio=0.5), row("a", "cora", 0.7, time_ratio=2.0, device="cuda")]
    (found,) = aggregate([*rows, row("a", "pubmed", 0.9, time_ratio=0.25)], ["cora", "pubmed"])
    # cora: sqrt(1/2 * 2) = 1
    assert (found.datasets, found.time_ratio) == (2, pytest.approx(0.5))


def test_the_weakest_row_decides_what_is_provisional_and_trusted(row) -> None:
    rows = [row("a", "cora", 0.9, provisional=False), row("a", "pubmed", 0.9, provisional=True, trust="disputed")]
    (found,) = aggregate(rows, ["cora", "pubmed"])
    assert (found.provisional, found.trust) == (True, "disputed")


def test_no_rows() -> None:
    assert aggregate([], ["cora"]) == []
