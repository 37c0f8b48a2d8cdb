"""Pictures of training dynamics: the numbers behind them."""

from __future__ import annotations

import numpy as np
import pytest

from app.dynamics_charts import (
    balance_frame,
    common_domain,
    depth_chart,
    depth_frame,
    first_layer,
    heat_chart,
    heat_frame,
    is_by_units,
    offered,
)
from db.convert import Dynamics


def test_a_heat_map_covers_all_epochs_and_leaves_out_what_was_not_measured() -> None:
    values = np.array([[10.0, np.nan], [100.0, 1.0], [0.0, 0.1]])
    frame = heat_frame(np.array([0, 10, 20]), values)
    assert frame[["epoch", "until", "layer"]].to_numpy().tolist() == [[0, 10, 1], [10, 20, 1], [10, 20, 2], [20, 30, 2]]
    assert frame["value"].tolist() == pytest.approx([1.0, 2.0, 0.0, -1.0])


def test_a_heat_map_of_a_long_run_is_thinned_from_first_to_last_sample() -> None:
    frame = heat_frame(np.arange(0, 10_000, 10), np.ones((1000, 3)))
    assert frame["epoch"].nunique() == 250
    assert (frame["epoch"].min(), frame["epoch"].max()) == (0, 9990)
    assert (frame.loc[frame["layer"] == 1, "until"].to_numpy()[:-1] == frame["epoch"].unique()[1:]).all()


def test_balance_has_one_line_a_sample_and_group() -> None:
    values = np.array([[[-0.5, -0.25, 0.0, 0.25, 0.5], [np.nan] * 5]])
    assert is_by_units(values) and not is_by_units(np.ones((2, 2)))
    frame = balance_frame(np.array([30]), values)
    assert frame["units"].tolist() == ["after layer 1", "after layer 2"]
    assert frame.iloc[0][["epoch", "low", "middle", "high"]].tolist() == [30, -0.5, 0.0, 0.5]
    assert frame.iloc[1][["low", "high"]].isna().all()


def test_several_maps_share_one_scale_of_colours() -> None:
    one, other = (heat_frame(np.array([0]), np.array([[value, 10 * value]])) for value in (1.0, 100.0))
    domain = common_domain([one, other], "value")
    assert domain == pytest.approx([0.0, 3.0])
    assert heat_chart(one, "Norm", domain).to_dict()["encoding"]["color"]["scale"]["domain"] == domain
    assert "domain" not in heat_chart(one, "Norm").to_dict()["encoding"]["color"]["scale"]
    assert common_domain([one.iloc[:0]], "value") is None


def test_what_enters_the_first_layer_is_number_0() -> None:
    assert (first_layer("dirichlet_energy"), first_layer("constraint")) == (0, 1)
    assert heat_frame(np.array([0]), np.array([[1.0, 2.0]]), 0)["layer"].tolist() == [0, 1]
    recorded = {"run": Dynamics(np.array([0]), np.array([[1.0, 2.0]]))}
    assert depth_frame(recorded, 0)["step"].tolist() == [0, 1]


def test_depth_takes_the_first_and_the_last_sample_of_each_run() -> None:
    recorded = {
        "long": Dynamics(np.array([0, 10, 20]), np.array([[4.0, 2.0], [9.0, 9.0], [8.0, np.nan]])),
        "short": Dynamics(np.array([0]), np.array([[1.0]])),
    }
    frame = depth_frame(recorded)
    assert frame[["run", "step", "value", "epoch", "sample"]].to_numpy().tolist() == [
        ["long", 1, 4.0, 0, "first"],
        ["long", 2, 2.0, 0, "first"],
        ["long", 1, 8.0, 20, "last"],
        ["short", 1, 1.0, 0, "last"],
    ]


@pytest.mark.parametrize(("least", "kind"), [(0.5, "log"), (-1e-9, None), (0.0, None)])
def test_only_positive_values_have_a_logarithmic_axis(least: float, kind: str | None) -> None:
    frame = depth_frame({"run": Dynamics(np.array([0]), np.array([[1.0, least]]))})
    drawn = depth_chart(frame, "Dirichlet energy", ["run"]).to_dict()
    assert drawn["layer"][0]["encoding"]["y"]["scale"].get("type") == kind


def test_known_quantities_come_first_and_in_order() -> None:
    assert offered(["zeal", "weight_norm", "relative_gradient_norm", "zeal"]) == [
        "relative_gradient_norm", "weight_norm", "zeal",
    ]  # fmt: skip
