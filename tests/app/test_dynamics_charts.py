"""Pictures of training dynamics: the numbers behind them."""

from __future__ import annotations

import numpy as np
import pytest

from app.dynamics_charts import balance_frame, heat_frame, is_by_units


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
