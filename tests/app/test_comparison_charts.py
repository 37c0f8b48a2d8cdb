"""Pictures of a few methods over datasets."""

from __future__ import annotations

import json

import numpy as np
import pytest

from app import comparison_charts as charts
from app.charts import COLOURS
from db.scoring.critical_difference import critical_difference
from db.scoring.performance_profile import performance_profile, profile_score, ratios_to_best


def test_a_failure_is_infinite_and_what_was_not_run_is_missing(row) -> None:
    rows = [
        row(method="a", dataset="x", mean=0.9, scored_seconds=2.0),
        row(method="a", dataset="y", mean=None, scored_seconds=None, status="failed"),
        row(method="b", dataset="x", mean=0.8, scored_seconds=None),
        row(method="other", dataset="z"),
    ]
    datasets, metric = charts.figure_table(rows, ["a", "b"], charts.METRIC)
    assert datasets == ["x", "y", "z"]
    assert np.array_equal(metric, [[0.9, np.inf, np.nan], [0.8, np.nan, np.nan]], equal_nan=True)
    _, seconds = charts.figure_table(rows, ["a", "b"], "time")
    assert np.array_equal(seconds, [[2.0, np.inf, np.nan], [np.nan, np.nan, np.nan]], equal_nan=True)


def test_differences_are_points_and_ratios_stay_ratios(row) -> None:
    rows = [row(), row(dataset="pubmed", time_ratio=None, difference=None)]
    frame = charts.interval_frame(rows, charts.DIFFERENCE)
    assert frame[["value", "low", "high", "n"]].to_numpy().tolist() == [[1.0, -1.0, 3.0, 10]]
    frame = charts.interval_frame(rows, "time")
    assert frame[["value", "low", "high"]].to_numpy().tolist() == [[0.5, 0.4, 0.625]]
    assert frame["said"].tolist() == ["2.0x faster (95 % CI 1.6 to 2.5)"]


@pytest.mark.parametrize(("figure", "zero"), [(charts.DIFFERENCE, 0.0), ("memory", 1.0)])
def test_intervals_are_drawn_beside_the_other_method(row, figure: str, zero: float) -> None:
    chart = charts.interval_chart(charts.interval_frame([row()], figure), figure, ["gcn+sgc"], "gcn+full_batch")
    drawn = json.loads(chart.to_json())
    assert [{"value": zero}] in drawn["datasets"].values()
    assert "gcn+full_batch" in json.dumps(drawn["layer"][-1]["encoding"]["x"])


def test_profiles_are_those_of_scoring() -> None:
    profiles = performance_profile(ratios_to_best(np.array([[1.0, 4.0], [2.0, 1.0]])))
    frame = charts.profile_frame(["a", "b"], profiles)
    own = frame[frame["method"] == "a"]
    assert own["factor"].tolist() == profiles[0].factor.tolist()
    assert own["share"].tolist() == (100 * profiles[0].share).tolist() == [50.0, 100.0]
    assert own["score"].iloc[0] == pytest.approx(profile_score(profiles[0]), abs=1e-4)
    drawn = json.loads(charts.profile_chart(frame, "scored time", ["a", "b"]).to_json())
    assert drawn["encoding"]["color"]["scale"]["range"] == list(COLOURS[:2])


def test_ranks_and_groups_are_those_of_scoring() -> None:
    figures = np.array([[0.9, 0.9, 0.9], [0.8, 0.8, 0.8], [0.7, 0.7, 0.7]])
    found = critical_difference(figures, maximize=True)
    frame = charts.rank_frame(["a", "b", "c"], found)
    ranks = frame[~frame["group"]]
    assert ranks["method"].tolist() == ["a", "b", "c"]
    assert ranks["rank"].tolist() == found.average_ranks.tolist()
    groups = frame[frame["group"]].groupby("line")["method"].apply(tuple).tolist()
    assert groups == [tuple("abc"[member] for member in clique) for clique in found.cliques]
    drawn = json.loads(charts.rank_chart(frame, ["a", "b", "c"]).to_json())
    assert drawn["layer"][-1]["encoding"]["x"]["scale"]["domain"] == [1, 3]
