"""Published figures beside ours, in words and as a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from app import papers
from db.records import Finding, PublishedFigure
from db.scoring.intervals import Interval
from db.scoring.published import Cell, Verdict
from db.scoring.released import Effect

FIGURE = PublishedFigure("lowbit/t/cora/GCN", "lowbit", "Table 1", "test_metric", 0.8, spread=0.01, dataset="cora",
                         method="gcn", command="leangnn run --dataset cora")  # fmt: skip
COMPARED = Cell(FIGURE, Verdict.REPRODUCED, "", 0.81, 0.79, 0.83, 3, 0.01, -0.02, 0.04)
UNRUN = Cell(replace(FIGURE, figure_id="lowbit/u/x/GAT", place="Table 2", dataset=None), Verdict.NOT_RUN, "no trials")


def test_verdicts_are_told_by_a_sign_and_a_word() -> None:
    said = [papers.said(verdict) for verdict in Verdict]
    assert len({word[0] for word in said}) == 4
    assert papers.said(Verdict.NOT_REPRODUCED).endswith(" not reproduced")


def test_every_verdict_is_counted() -> None:
    assert papers.counts([COMPARED, COMPARED, UNRUN]) == {
        Verdict.REPRODUCED: 2, Verdict.NOT_REPRODUCED: 0, Verdict.NOT_COMPARABLE: 0, Verdict.NOT_RUN: 1
    }  # fmt: skip


def test_choices_narrow() -> None:
    both = [COMPARED, UNRUN]
    assert papers.narrowed(both, [], []) == both
    assert papers.narrowed(both, ["not run"], []) == [UNRUN]
    assert papers.narrowed(both, [], ["cora"]) == [COMPARED]
    assert papers.narrowed(both, [], [papers.NO_DATASET]) == [UNRUN]
    assert papers.narrowed(both, ["not run"], ["cora"]) == []


def test_tables_with_a_comparison_go_first() -> None:
    assert list(papers.by_place([UNRUN, COMPARED])) == ["Table 1", "Table 2"]


def test_a_line_says_published_ours_difference_and_why() -> None:
    frame = papers.frame([COMPARED, UNRUN])
    first, second = frame.to_dict("records")
    assert (first["cell"], first["verdict"]) == ("cora, GCN", "✓ reproduced")
    assert (first["published"], first["ours"]) == ("80.00 % ± 1.00", "81.00 % (79.00 to 83.00)")
    assert (first["n"], first["difference"]) == ("3, provisional", "+1.00 points (-2.00 to +4.00)")
    assert (second["ours"], second["n"], second["why"]) == ("—", "", "no trials")
    assert second["command"] == "leangnn run --dataset cora"


@pytest.mark.parametrize(
    ("changes", "published", "ours"),
    [
        ({"value": None, "spread": None}, "not read", "81.00 % (79.00 to 83.00)"),
        ({"quantity": "size_ratio", "value": 0.25, "spread": None}, "0.25", "0.81 (0.79 to 0.83)"),
        ({"quantity": "epoch", "value": 1260.0, "spread": None}, "1260", "0.81 (0.79 to 0.83)"),
    ],
)
def test_words_fit_the_quantity(changes: dict[str, Any], published: str, ours: str) -> None:
    cell = replace(COMPARED, figure=replace(FIGURE, **changes))
    assert (papers.published_words(cell), papers.ours_words(cell)) == (published, ours)


def test_the_picture_has_what_both_have_in_percent() -> None:
    points = papers.drawn([COMPARED, UNRUN, replace(COMPARED, figure=replace(FIGURE, quantity="size_ratio"))])
    [point] = points.to_dict("records")
    assert (point["published"], point["ours"], point["low"], point["high"]) == pytest.approx((80, 81, 79, 83))
    assert (point["published_low"], point["published_high"]) == pytest.approx((79, 81))
    assert papers.drawn([UNRUN]).empty


def layers(points: Any) -> list[dict[str, Any]]:
    return papers.chart(points).to_dict()["layer"]


def test_the_picture_has_a_diagonal_and_one_scale_for_both_axes() -> None:
    points = papers.drawn([COMPARED, replace(COMPARED, verdict=Verdict.NOT_REPRODUCED, ours=0.7, low=None, high=None)])
    drawn = layers(points)
    diagonal, marks = drawn[0], drawn[-1]
    domains = [marks["encoding"][axis]["scale"]["domain"] for axis in ("x", "y")]
    assert domains[0] == domains[1] and domains[0][0] < 70 < 83 < domains[0][1]
    assert diagonal["mark"]["strokeDash"]
    assert "published" in marks["encoding"]["x"]["title"] and "%" in marks["encoding"]["y"]["title"]
    # sign by colour and by shape
    for channel in ("color", "shape"):
        scale = marks["encoding"][channel]["scale"]
        assert scale["domain"] == ["reproduced", "not reproduced"] and len(set(scale["range"])) == 2


def test_effects_in_words(row: Callable[..., Any]) -> None:
    finding = Finding("lowbit/f/cora, 2 bits", "lowbit", "title", "text", "test_metric", {}, {}, "leangnn run")
    measured = Effect(finding, Interval(-0.02, -0.03, -0.01), 10)
    slower = Effect(replace(finding, quantity="scored_seconds"), Interval(1.5, 1.4, 1.6), 10)
    unrun = Effect(finding, reason="no trials of both sides on one machine")
    bare = Effect(Finding("lowbit/g", "lowbit", "title", "text"), reason="because")
    frame = papers.effects_frame([measured, slower, unrun, bare])
    assert frame["effect"].tolist() == [
        "-2.00 points (-3.00 to -1.00)", "1.50 (1.40 to 1.60) times", "not run", "not measurable"
    ]  # fmt: skip
    assert frame["rows"].tolist() == ["cora, 2 bits"] * 3 + [""]
    assert frame["n"].tolist() == ["10", "10", "", ""]
