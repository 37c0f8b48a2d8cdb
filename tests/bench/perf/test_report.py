"""A report prints itself and turns into plain JSON."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from bench.perf.interleave import Interleaved, Sample
from bench.perf.report import Figures, Goal, Report, Table, format_bytes, format_figure, format_seconds
from db.scoring.intervals import Interval


def report(bound: float) -> Report:
    measured = Interleaved({"ours": [Sample(0.5, 10**6)], "theirs": [Sample(2.0, 4 * 10**6)]})
    table = Table("one epoch", "theirs", measured.summaries("theirs"))
    return Report("a comparison", {"threads": 2}, [table], [Goal("time of ours over theirs", 0.25, bound)])


def test_a_goal_holds_up_to_its_bound_and_never_without_a_value() -> None:
    assert Goal("x", 0.25, 0.25).holds
    assert not Goal("x", 0.26, 0.25).holds
    assert not Goal("x", None, 0.25).holds
    assert Goal("x", 0.25, 0.25, at_least=True).holds
    assert not Goal("x", 0.24, 0.25, at_least=True).holds
    assert not Goal("x", None, 0.25, at_least=True).holds
    assert report(0.3).holds and not report(0.2).holds


def test_json_is_plain_and_complete() -> None:
    document = json.loads(json.dumps(report(0.3).as_json()))
    assert document["setting"] == {"threads": 2} and document["holds"] is True
    ours = document["tables"][0]["rows"][0]
    assert (ours["variant"], ours["seconds"], ours["peak_bytes"]) == ("ours", 0.5, 1_000_000)
    assert ours["ratio"]["value"] == pytest.approx(0.25) and ours["ratio"]["low"] is None
    goal = {"text": "time of ours over theirs", "value": 0.25, "bound": 0.3, "at_least": False, "holds": True}
    assert document["goals"] == [goal]


def test_printed_tables_name_the_baseline_and_the_missed_goal() -> None:
    drawn = io.StringIO()
    Console(width=120, file=drawn).print(report(0.2))
    text = drawn.getvalue()
    assert "500.0 ms" in text and "2.00 s" in text and "4 MB" in text
    assert "missed  time of ours over theirs: 0.25, at most 0.2" in text
    assert "ratios to theirs" in text


def test_figures_have_units() -> None:
    assert [format_seconds(0.0123), format_seconds(12.345)] == ["12.3 ms", "12.35 s"]
    assert [format_bytes(None), format_bytes(1_234_567_890)] == ["-", "1,235 MB"]


def test_other_figures_have_columns_of_their_own() -> None:
    rows: list = [("ours", [Interval(0.9704, 0.96, 0.98), 3]), ("theirs", [Interval(0.5, None, None), None])]
    figures = Figures("accuracies", ["test accuracy", "pairs"], rows)
    goal = Goal("accuracy of ours", 0.9704, 0.964, at_least=True)
    made = Report("a comparison", {}, [figures], [goal])
    [table] = json.loads(json.dumps(made.as_json()))["tables"]
    assert table["rows"][0] == {
        "variant": "ours",
        "figures": {"test accuracy": {"value": 0.9704, "low": 0.96, "high": 0.98}, "pairs": 3},
    }
    assert table["rows"][1]["figures"]["pairs"] is None
    drawn = io.StringIO()
    Console(width=120, file=drawn).print(made)
    text = drawn.getvalue()
    assert "test accuracy" in text and "0.9704 [0.96, 0.98]" in text
    assert "holds  accuracy of ours: 0.9704, at least 0.964" in text


def test_a_narrow_terminal_keeps_the_end_of_a_name() -> None:
    drawn = io.StringIO()
    name = "layer_focus(scaling=invariant,layer=5)"
    Console(width=40, file=drawn).print(Figures("accuracies", ["test accuracy", "pairs"], [(name, [0.97, 3])]))
    cells = [line.split("\u2502")[1].strip() for line in drawn.getvalue().splitlines() if line.startswith("\u2502")]
    assert "".join(cells) == name


def test_a_figure_is_printed_with_what_is_known_of_it() -> None:
    given = [None, 3, 0.123456, Interval(0.5, None, None), Interval(515.25, 480.0, 550.5)]
    assert [format_figure(figure) for figure in given] == ["-", "3", "0.1235", "0.5", "515.2 [480, 550.5]"]
