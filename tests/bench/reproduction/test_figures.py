"""Published tables: what the TOML says, and that ours stands beside it by names that exist."""

from __future__ import annotations

import pytest

from bench.datasets import registry
from bench.errors import UsageError
from bench.reproduction import figures as figures_module
from bench.reproduction.figures import Listed, Paper, figures, load, names
from bench.suite import load as load_suite
from db.scoring.board import BoardRow
from methods.method import Method

PAPERS = ("lowbit", "multiscale", "reference", "rescaling")
QUANTITIES = {"test_metric", *(name for name in BoardRow.__dataclass_fields__ if name.endswith("_ratio"))}


def made(**table: object) -> tuple[Listed, ...]:
    """The figures of one table that a test makes."""
    paper = Paper.model_validate({"title": "t", "table": [{"id": "one", "place": "Table 1", **table}]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures_module, "load", lambda name: paper)
        return figures.__wrapped__("made")


def by_id(name: str) -> dict[str, Listed]:
    return {each.figure.figure_id: each for each in figures(name)}


def test_there_is_a_file_for_each_paper() -> None:
    assert names() == list(PAPERS)
    with pytest.raises(UsageError, match="did you mean 'lowbit'"):
        load("lowbits")


@pytest.mark.parametrize("paper", PAPERS)
def test_every_figure_names_what_exists(paper: str) -> None:
    listed = figures(paper)
    assert listed
    for each in listed:
        figure = each.figure
        assert figure.figure_id.startswith(f"{paper}/") and figure.figure_id.count("/") == 3
        assert figure.source and figure.place
        if figure.method is not None:
            assert Method.parse(figure.method).name == figure.method
        if figure.dataset is not None:
            assert registry.canonical(figure.dataset) == figure.dataset
        if figure.value is not None and figure.not_comparable is None:
            # what is held against ours says which rows, and how to get them
            assert figure.settings and figure.command and figure.dataset and figure.method
            assert figure.quantity in QUANTITIES
            assert figure.quantity != "test_metric" or 0 < figure.value < 1
        if each.ours is not None and each.ours.suite:
            load_suite(each.ours.suite)


def test_metrics_are_fractions_and_spreads_are_as_printed() -> None:
    printed = by_id("reference")["reference/platonov/minesweeper/GCN"].figure
    assert (printed.value, printed.spread) == pytest.approx((0.8975, 0.0052))
    assert printed.dataset == "minesweeper" and printed.preset == "platonov"
    assert printed.method is not None and printed.method.startswith("gcn(layers=5,hidden=512")
    assert printed.settings["learning_rate"] == 3e-5


def test_speed_ups_are_ratios_below_one() -> None:
    speed = by_id("lowbit")["lowbit/abstract/speed-up/INT2"].figure
    assert speed.value == pytest.approx(1 / 5.11)
    assert "5.11 times" in speed.note and speed.not_comparable


def test_unread_figures_have_no_value() -> None:
    table_1 = [each.figure for each in figures("rescaling") if each.figure.figure_id.startswith("rescaling/table-1/")]
    assert len(table_1) == 20
    assert all(figure.value is None and figure.command for figure in table_1)
    assert all(each.figure.value is None for each in figures("multiscale") if "node-level" in each.figure.figure_id)


def test_several_printed_runs_are_a_mean_with_a_spread() -> None:
    [listed] = made(column=[{"label": "a"}], row=[{"label": "b", "cells": [["96.0", "97.0", "98.0"]]}])
    assert (listed.figure.value, listed.figure.spread) == pytest.approx((0.97, 0.01))
    assert "3 printed runs: 96.0, 97.0, 98.0" in listed.figure.note
    assert listed.ours is None and listed.figure.settings == {}


def test_a_cell_that_the_source_lacks_is_no_figure() -> None:
    listed = made(column=[{"label": "a"}, {"label": "b"}], row=[{"label": "r", "cells": ["1.5 +- 0.5", ""]}])
    assert [each.figure.figure_id for each in listed] == ["made/one/a/r"]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([{"label": "r", "cells": ["1", "2"]}], "2 cells for 1 columns"),
        ([{"label": "r", "cells": ["about 3"]}], "'about 3' is no figure"),
        ([{"label": "r", "cells": ["1"]}, {"label": "r", "cells": ["2"]}], "two figures are called 'made/one/a/r'"),
    ],
)
def test_a_table_that_is_wrong_is_said(rows: list[dict[str, object]], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        made(column=[{"label": "a"}], row=rows)
