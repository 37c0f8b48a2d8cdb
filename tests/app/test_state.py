"""Choosing rows."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from app.state import Filters, apply, choices, narrowed, unknown, unreadable, value
from db.records import DatasetRecord


def graph(name: str, nodes: int, homophily: float | None) -> DatasetRecord:
    return DatasetRecord(name, "1", "ab" * 32, nodes, 10, 5, 2, 1, "node", "accuracy", homophily, None)


def test_a_part_is_chosen_by_its_name_without_parameters(row) -> None:
    found = row(backbone="gcn(layers=3)", rescaler=None, quantizer="qlr(bits=2)", dataset="cora(split=full)")
    assert [value(found, name) for name in ("backbone", "rescaler", "quantizer")] == ["gcn", "none", "qlr"]
    assert value(found, "dataset") == "cora(split=full)"


def test_choices_are_sorted_with_none_first(row) -> None:
    rows = [row(rescaler="layer_focus"), row(rescaler=None), row(rescaler="dr_w")]
    assert choices(rows)["rescaler"] == ["none", "dr_w", "layer_focus"]
    assert choices([])["dataset"] == []


def test_fields_are_joined_by_and_and_values_by_or(row) -> None:
    rows = [row(dataset="a", device="cpu"), row(dataset="b", device="cuda"), row(dataset="c", device="cuda")]
    assert apply(rows, Filters()) == rows
    assert apply(rows, Filters({"dataset": ["a", "b"], "device": ["cuda"]})) == [rows[1]]
    assert apply(rows, Filters({"dataset": []})) == rows


def test_only_ranked(row) -> None:
    rows = [row(status="ranked"), row(status="provisional"), row(status="failed")]
    assert apply(rows, Filters(only_ranked=True)) == rows[:1]


def test_filters_know_whether_they_do_anything() -> None:
    assert not Filters({"dataset": []}).any
    assert Filters({"dataset": ["cora"]}).any
    assert Filters(only_ranked=True).any


def test_unknown_words_of_a_url_are_named(row) -> None:
    known = choices([row(dataset="cora")])
    assert unknown({"dataset": ["cora", "<script>"], "picture": ["x"]}, known) == ["dataset=<script>"]


def test_graphs_are_chosen_by_homophily_and_size(row) -> None:
    rows = [row(dataset="a"), row(dataset="b"), row(dataset="c")]
    graphs = [graph("a", 100, 0.2), graph("b", 10_000, 0.8), graph("c", 1_000_000, None)]
    assert apply(rows, Filters(spans={"homophily": (0.5, 1.0)}), graphs) == rows[1:2]
    assert apply(rows, Filters(spans={"nodes": (2.0, 4.0)}), graphs) == rows[:2]
    assert apply(rows, Filters(spans={"nodes": (4.0, 9.0), "homophily": (0.0, 0.9)}), graphs) == rows[1:2]
    assert apply(rows, Filters(), graphs) == rows


def test_rows_are_chosen_by_the_day_of_their_newest_trial(row) -> None:
    rows = [row(measured_at=datetime(2026, 1, day, 23, 59, tzinfo=UTC)) for day in (1, 2, 3)]
    assert apply(rows, Filters(since=date(2026, 1, 2))) == rows[1:]
    assert apply(rows, Filters(since=date(2026, 1, 2), until=date(2026, 1, 2))) == rows[1:2]
    assert Filters(until=date(2026, 1, 2)).any


def test_a_span_that_leaves_nothing_out_is_no_filter() -> None:
    assert narrowed({"homophily": (0.0, 1.0), "nodes": (5.0, 2.0)}) == {"nodes": (2.0, 5.0)}


@pytest.mark.parametrize(
    ("words", "strange"),
    [
        ({"homophily": ["0.2", "0.8"], "since": ["2026-01-02"]}, []),
        ({"homophily": ["x", "0.8"]}, ["homophily=x", "homophily=0.8"]),
        ({"homophily": ["0.2"]}, ["homophily=0.2"]),
        ({"nodes": ["0", "nan"]}, ["nodes=0", "nodes=nan"]),
        ({"nodes": ["-1", "99"]}, ["nodes=-1", "nodes=99"]),
        ({"until": ["yesterday"]}, ["until=yesterday"]),
        ({"since": ["2026-01-02", "2026-01-03"]}, ["since=2026-01-02", "since=2026-01-03"]),
    ],
)
def test_ranges_and_days_of_a_url_that_cannot_be_read_are_named(words: dict, strange: list[str]) -> None:
    assert unreadable(words) == strange
