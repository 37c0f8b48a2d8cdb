"""Methods beside one of them, as tables."""

from __future__ import annotations

import numpy as np

from app import comparison_table
from db.scoring.wins import win_table


def test_figures_with_intervals_and_n(row) -> None:
    frame = comparison_table.frame([row(), row(dataset="pubmed", time_ratio=None, p_value=None, paired=4)])
    assert frame["time"].tolist() == ["0.50 (0.40 to 0.62)", "—"]
    assert frame["difference"].iloc[0] == "+1.00 points (-1.00 to +3.00)"
    assert (frame["n"].tolist(), frame["marks"].tolist()) == ([10, 4], [[], ["provisional"]])
    assert frame["p_value"].isna().tolist() == [False, True]
    assert set(comparison_table.columns()) == set(frame.columns) == set(comparison_table.frame([]).columns)


def test_wins_ties_and_losses() -> None:
    found = win_table(np.array([[0.9, 0.8, np.inf], [0.8, 0.801, 0.5]]), 0.005, maximize=True)
    frame = comparison_table.win_frame(["a", "b"], found)
    assert frame.loc["a", "b"] == "1 · 1 · 1"
    assert frame.loc["a", "a"] == ""
