"""Where rows were measured."""

from __future__ import annotations

from app.places import Place, places


def test_the_place_with_most_rows_comes_first_and_labels_differ(row) -> None:
    rows = [row(protocol="p1"), row(protocol="p2", preset="published"), row(protocol="p2", preset="published")]
    found = places(rows, {})
    assert list(found) == [Place("1", "p2", "cpu", "laptop"), Place("1", "p1", "cpu", "laptop")]
    assert list(found.values()) == ["cpu · laptop · published", "cpu · laptop · p1"]


def test_equal_labels_are_told_apart(row) -> None:
    found = places([row(protocol="p1", preset="x"), row(protocol="p2", preset="x")], {})
    assert len(set(found.values())) == 2
