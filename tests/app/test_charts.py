"""The Pareto picture."""

from __future__ import annotations

import json

import pytest

from app.charts import COLOURS, Axis, coloured_part, pareto_chart, pareto_frame, short
from app.costs import ABSOLUTE, COSTS
from db.scoring.intervals import Interval

RATIO, SECONDS, BYTES = Axis("time", True), Axis("time", False), Axis("memory", False)


@pytest.fixture
def rows(row):
    return [
        row(method="a", strategy="sgc", mean=0.80, time_ratio=0.5, scored_seconds=3.0),
        row(method="b", strategy="full_batch", mean=0.82, time_ratio=1.0, scored_seconds=1.0),
        row(method="c", strategy="cluster_gcn(parts=4)", mean=0.79, time_ratio=0.8, scored_seconds=2.0),
        row(method="d", mean=None),
        row(method="e", time_ratio=None, scored_seconds=None),
    ]


def test_the_front_is_of_the_two_axes_in_the_picture(rows) -> None:
    # by ratio: a (0.5, 80) and b (1.0, 82) stay, c (0.8, 79) is beaten by a
    frame = pareto_frame(rows, RATIO, {"a": "leangnn run"})
    assert frame["method"].tolist() == ["a", "c", "b"]
    assert frame["front"].tolist() == [True, False, True]
    assert frame["command"].tolist() == ["leangnn run", "", ""]
    assert frame["said_cost"].tolist() == [
        "2.0x faster, ratio 0.40 to 0.62",
        "1.2x faster, ratio 0.40 to 0.62",
        "the same, ratio 0.40 to 0.62",
    ]
    # by seconds: b is both quickest and best
    frame = pareto_frame(rows, SECONDS, {})
    assert frame.loc[frame["front"], "method"].tolist() == ["b"]


def test_metrics_are_percent_and_bytes_are_megabytes(rows) -> None:
    frame = pareto_frame(rows[:1], BYTES, {})
    assert frame[["score", "score_low", "cost"]].iloc[0].tolist() == pytest.approx([80.0, 79.0, 2.0])


def test_colours_tell_strategies_apart_or_else_backbones(row, rows) -> None:
    assert coloured_part(rows) == "strategy"
    assert coloured_part([row(backbone="gcn"), row(backbone="gat(heads=8)")]) == "backbone"


def test_a_label_is_shorter_than_a_name() -> None:
    assert short("gcn(layers=2,hidden=64)+full_batch") == "gcn"
    assert short("gat+coarse_to_fine(levels=3)+dr_rg") == "gat+coarse_to_fine+dr_rg"


def test_a_filter_keeps_the_colours(rows) -> None:
    parts = ["cluster_gcn", "full_batch", "sgc"]
    for shown in (rows[:3], rows[:1]):
        drawn = json.loads(pareto_chart(pareto_frame(shown, RATIO, {}), RATIO, "x", parts).to_json())
        colour = next(layer["encoding"]["fill"] for layer in drawn["layer"] if "shape" in layer["encoding"])
        assert (colour["scale"]["domain"], colour["scale"]["range"]) == (parts, list(COLOURS[:3]))


def test_both_axes_have_intervals(rows) -> None:
    frame = pareto_frame(rows[:1], BYTES, {}, {"a": Interval(2_000_000, 1_500_000, 2_500_000)})
    assert frame[["cost_low", "cost_high", "score_low", "score_high"]].iloc[0].tolist() == [1.5, 2.5, 79.0, 81.0]
    assert frame["said_cost"].tolist() == ["2 MB (1.5 MB to 2.5 MB)"]
    # an end at or below zero has no place on a logarithmic axis
    frame = pareto_frame(rows[:1], BYTES, {}, {"a": Interval(2_000_000, -1.0, 4_000_001)})
    assert frame[["cost_low", "cost_high"]].isna().all(axis=None)


AXES = [*(Axis(stem, True) for stem in COSTS), *(Axis(stem, False) for stem in ABSOLUTE)]


@pytest.mark.parametrize("axis", AXES, ids=lambda axis: axis.field)
def test_every_axis_draws_also_without_points(rows, axis: Axis) -> None:
    for count in (len(rows), 0):
        chart = pareto_chart(pareto_frame(rows[:count], axis, {}), axis, "accuracy", ["sgc"])
        drawn = json.loads(chart.to_json())["layer"][-2]["encoding"]["x"]
        assert drawn["scale"]["type"] == "log"
        assert axis.is_ratio or COSTS[axis.stem].unit in drawn["title"]
