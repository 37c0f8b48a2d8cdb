"""Choosing rows."""

from __future__ import annotations

from app.state import Filters, apply, choices, unknown, value


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
