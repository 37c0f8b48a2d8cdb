"""Many seeds as one line with a band."""

from __future__ import annotations

import json

import numpy as np
import pytest

from app.convergence import ACROSS, convergence_chart, convergence_frame
from db.scoring.curve import Curve


def curve(epochs: list[int], metric: list[float]) -> Curve:
    at = np.array(epochs)
    return Curve(at, at, at / 2, np.ones(len(at)), np.array(metric), 10 * at, 20 * at)


def test_the_median_of_steps_by_hand() -> None:
    curves = [curve([1, 3], [0.1, 0.5]), curve([2, 4], [0.3, 0.7]), curve([1, 2], [0.2, 0.2])]
    frame = convergence_frame({"a": curves}, "epoch")
    # all were evaluated from epoch 2 on: 0.1 0.3 0.2, then 0.5 0.3 0.2, then 0.5 0.7 0.2
    assert frame["across"].tolist() == [2, 3, 4]
    assert frame["middle"].tolist() == pytest.approx([20.0, 30.0, 50.0])
    assert frame["low"].tolist() == pytest.approx([15.0, 25.0, 35.0])
    assert frame["high"].tolist() == pytest.approx([25.0, 40.0, 60.0])
    assert set(frame["trials"]) == {3}


@pytest.mark.parametrize(("across", "factor"), [("scored_seconds", 0.5), ("node_visits", 10), ("edge_visits", 20)])
def test_the_same_line_against_seconds_and_work(across: str, factor: float) -> None:
    frame = convergence_frame({"a": [curve([1, 2], [0.1, 0.2])]}, across)
    assert frame["across"].tolist() == [factor, 2 * factor]
    assert across in ACROSS.values()


def test_what_was_not_finite_is_left_out_and_long_runs_are_thinned() -> None:
    holes = curve([1, 2, 3], [0.1, np.nan, 0.3])
    assert convergence_frame({"a": [holes], "b": [], "c": [curve([1], [np.nan])]}, "epoch")["across"].tolist() == [1, 3]
    frame = convergence_frame({"a": [curve(list(range(5000)), [0.5] * 5000)]}, "epoch")
    assert len(frame) == 200 and frame["across"].iloc[-1] == 4999
    assert convergence_frame({}, "epoch").empty


def test_bands_lie_under_their_lines() -> None:
    frame = convergence_frame({"a": [curve([1, 2], [0.1, 0.2])]}, "epoch")
    layers = json.loads(convergence_chart(frame, "epochs", "accuracy", ["a"]).to_json())["layer"]
    assert [layer["mark"]["type"] for layer in layers] == ["area", "line"]
    assert layers[1]["encoding"]["x"]["title"] == "epochs"
