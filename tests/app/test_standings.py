"""Methods over several datasets."""

from __future__ import annotations

import pytest

from app import standings
from app.columns import standing_columns
from app.table import empty
from db.scoring.aggregate import aggregate


@pytest.fixture
def rows(row):
    scores = {"a": (0.9, 0.6), "b": (0.8, 0.7), "c": (0.7, None)}
    return [
        row(method=method, dataset=dataset, mean=mean, status="ranked" if mean else "failed", time_ratio=ratio)
        for method, means in scores.items()
        for dataset, mean, ratio in zip(("cora", "pubmed"), means, (0.5, 0.125), strict=True)
    ]


def test_the_table_says_what_scoring_returns(rows) -> None:
    found = aggregate(rows, ["cora", "pubmed"])
    frame = standings.frame(found)
    assert frame["method"].tolist() == [row.method for row in found]
    assert frame["rank"].tolist() == [row.rank for row in found]
    assert frame["mean_rank"].tolist() == [row.mean_rank for row in found]
    assert frame["time_ratio"].tolist() == pytest.approx([0.25] * 3)
    assert frame["failed"].tolist() == ["", "", "pubmed"]
    assert "0.25 · 4.0x faster" in standings.styled(frame, found).to_html()


def test_ranks_are_of_the_chosen_datasets_alone(rows) -> None:
    first = [standings.frame(aggregate(rows, [dataset]))["method"].iloc[0] for dataset in ("cora", "pubmed")]
    assert first == ["a", "b"]


def test_every_way_to_rank_is_known_and_every_column_described(rows) -> None:
    for by in standings.BY.values():
        frame = standings.frame(aggregate(rows, ["cora", "pubmed"], by))
        assert set(standing_columns(empty(frame))) == set(frame.columns)


def test_a_method_that_misses_a_dataset_has_no_rank(rows) -> None:
    found = aggregate(rows[:-1], ["cora", "pubmed"])
    frame = standings.frame(found).set_index("method")
    assert frame.loc["c", "missing"] == "pubmed"
    assert frame["rank"].isna().to_dict() == {"a": False, "b": False, "c": True}
    assert "—" in standings.styled(standings.frame(found), found).to_html()
