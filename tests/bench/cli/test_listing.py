"""`leangnn list`."""

from __future__ import annotations

import pytest

from bench.cli.words import LISTABLE


@pytest.mark.parametrize("what", LISTABLE)
def test_every_list_is_json_and_text(cli, what: str) -> None:
    said = cli("list", what, "--json")
    assert (said.code, said.error) == (0, "")
    assert isinstance(said.json, list)
    text = cli("list", what)
    assert text.code == 0
    assert all(row["name"] in text.out for row in said.json)


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("datasets", "minesweeper-grid"), ("backbones", "gcn"), ("strategies", "full_batch"), ("suites", "quick"),
        ("presets", "tuned"),
    ],
)  # fmt: skip
def test_lists_hold_what_is_registered(cli, what: str, name: str) -> None:
    rows = cli("list", what, "--json").json
    assert name in [row["name"] for row in rows]
    assert all(value is not None for row in rows for value in row.values())


def test_parameters_are_shown_with_their_defaults(cli) -> None:
    [gcn] = [row for row in cli("list", "backbones", "--json").json if row["name"] == "gcn"]
    assert gcn["parameters"].startswith("layers=3, hidden=256, dropout=0.5")


def test_plug_ins_of_other_packages_are_listed(cli) -> None:
    names = [row["name"] for row in cli("list", "strategies", "--json").json]
    assert {"never_ends", "writes_mask"} <= set(names)
