"""Whoever cannot see a chart or a table is told what it is."""

from __future__ import annotations

import ast
from pathlib import Path

APP = Path(__file__).resolve().parents[2] / "app"
DRAWN = {
    "altair_chart", "area_chart", "bar_chart", "data_editor", "dataframe", "graphviz_chart", "image", "line_chart",
    "plotly_chart", "pydeck_chart", "pyplot", "scatter_chart", "table", "vega_lite_chart",
}  # fmt: skip


def calls() -> list[tuple[str, ast.Call]]:
    """Each chart and table that a page draws, with its place in the source."""
    return [
        (f"{path.relative_to(APP)}:{node.lineno}", node)
        for path in APP.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in DRAWN
    ]


def test_every_chart_and_table_has_words_beside_it() -> None:
    found = calls()
    assert len(found) > 20
    assert [place for place, call in found if "alt" not in {word.arg for word in call.keywords}] == []
    empty = [word.value.value for _, call in found for word in call.keywords
             if word.arg == "alt" and isinstance(word.value, ast.Constant)]  # fmt: skip
    assert all(empty)
