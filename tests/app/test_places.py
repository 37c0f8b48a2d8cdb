"""Where rows were measured."""

from __future__ import annotations

from app.places import Place, filters_of, main_places, place_of, places


def test_the_place_with_most_rows_comes_first_and_labels_differ(row) -> None:
    rows = [row(protocol="p1"), row(protocol="p2", preset="published"), row(protocol="p2", preset="published")]
    found = places(rows, {})
    assert list(found) == [Place("1", "p2", "cpu", "laptop"), Place("1", "p1", "cpu", "laptop")]
    assert list(found.values()) == ["cpu · laptop · published", "cpu · laptop · p1"]


def test_equal_labels_are_told_apart(row) -> None:
    found = places([row(protocol="p1", preset="x"), row(protocol="p2", preset="x")], {})
    assert len(set(found.values())) == 2


def test_each_dataset_counts_where_most_of_its_rows_were_measured(row) -> None:
    here, there = row(method="a"), row(method="b")
    rows = [row(method="c", machine_id="other"), here, there, row(dataset="pubmed", machine_id="other")]
    assert main_places(rows) == [here, there, rows[3]]


def test_filters_find_what_was_measured_beside_a_row(row, trial) -> None:
    own, other = trial("gcn+sgc"), trial(device="cuda")
    wanted = filters_of(row())
    assert all(getattr(own, name) == value for name, value in wanted.items())
    assert any(getattr(other, name) != value for name, value in wanted.items())
    assert place_of(own) == place_of(row()) != place_of(other)
