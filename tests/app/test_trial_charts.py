"""Pictures of one trial: the numbers behind them."""

from __future__ import annotations

import numpy as np
import pytest

from app.trial_charts import curve_frame, ledger_frame, schedule_chart, schedule_frame
from db.records import Ledger
from db.scoring.curve import Curve


def curve(points: int) -> Curve:
    steps = np.arange(1, points + 1)
    return Curve(steps, steps, steps / 10, 1 / steps, 0.5 + 0 * steps, 7 * steps, 9 * steps)


def test_the_ledgers_bar_adds_up_to_the_wall_time_with_scored_accounts_first() -> None:
    ledger = Ledger(
        load=1.0, preprocess=0.5, compile=0.0, train=6.0, evaluate=2.0, checkpoint=0.25, idle=0.25, wall=10.0
    )
    frame = ledger_frame(ledger)
    assert frame["account"].tolist() == ["preprocess", "train", "load", "evaluate", "checkpoint", "idle"]
    assert frame["end"].iloc[-1] == pytest.approx(ledger.wall)
    assert (frame["start"].iloc[1:].to_numpy() == frame["end"].iloc[:-1].to_numpy()).all()
    assert frame.loc[frame["kind"] == "scored", "end"].max() == pytest.approx(ledger.scored)
    assert frame.set_index("account").loc["train", "share"] == "60.0 %"


def test_a_long_curve_is_thinned_and_a_short_one_is_not() -> None:
    assert len(curve_frame(curve(40), "epoch")) == 40
    thinned = curve_frame(curve(10_000), "scored_seconds")
    assert 1000 < len(thinned) <= 1500
    assert thinned["across"].iloc[0] == pytest.approx(0.1)
    assert thinned["metric"].iloc[0] == pytest.approx(50)


def test_a_schedule_ends_where_the_scored_time_does() -> None:
    schedule = [
        {"scales": [2], "epoch": 0, "scored_seconds": 0.5, "steps": 10, "node_visits": 100, "edge_visits": 400},
        {"scales": [0, 1], "epoch": 5, "scored_seconds": 2.0, "steps": 5, "node_visits": 200, "edge_visits": 900},
    ]
    frame = schedule_frame(schedule, 6.0)
    assert frame["end"].tolist() == [2.0, 6.0]
    assert frame["nodes"].tolist() == [10, 40]
    assert frame["scales"].tolist() == ["2", "0, 1"]
    assert schedule_chart(frame, 9.0).to_dict()["encoding"]["x"]["scale"]["domain"] == [0.0, 9.0]
