"""What the comparison of the dashboard says, and the store that it is made with."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.perf import board
from bench.perf.contenders import dashboard
from bench.perf.contenders.board_store import LARGE, SMALL, fill
from bench.perf.contenders.browsing import Browsed
from bench.perf.contenders.dashboard import Look
from db.read import Reader


def _measured(**changes) -> board.Measured:
    figures = {
        "cold": {"board": Look(3.0, 5.0), "trial": Look(2.0, 2.5)},
        "warm": {"board": [Look(1.0, 2.0), Look(9.0, 9.0), Look(1.4, 2.0)], "trial": [Look(0.5, 0.6)] * 3},
        "filters": [0.2, 0.9, 0.4],
        "peak_bytes": 400_000_000,
        "browsed": Browsed(views=5, due=2, written=["a", "b"], slowest_write=1.5),
        "browsed_peak_bytes": 450_000_000,
    }
    return board.Measured(**(figures | changes))


def test_the_slowest_page_decides_by_its_median() -> None:
    goals = {goal.text: goal for goal in board.goals(_measured())}
    assert all(goal.holds for goal in goals.values())
    assert goals["cold, slowest page (board), seconds"].value == 3.0
    assert goals["warm, slowest page (board), seconds"].value == 1.4
    assert goals["a filter, seconds"].value == 0.4
    assert goals["share of the trials due that was stored"].value == 1.0


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({"cold": {"board": Look(4.1, 5.0)}}, "cold, slowest page (board), seconds"),
        ({"warm": {"board": [Look(1.6, 2.0)]}}, "warm, slowest page (board), seconds"),
        ({"filters": [0.6]}, "a filter, seconds"),
        ({"peak_bytes": 500_000_001}, "largest resident set of the server, bytes"),
        ({"browsed_peak_bytes": 500_000_001}, "the same with 8 readers beside a writer, bytes"),
        ({"browsed": Browsed(due=1, written=["a"], errors=["board: red"])}, "errors shown (board: red)"),
        ({"browsed": Browsed(due=1, written=["a"], refused=["held"])}, "trials refused (held)"),
        ({"browsed": Browsed(due=1, written=["a"], lost=1)}, "trials lost"),
        ({"browsed": Browsed(due=50, written=["a"] * 44)}, "share of the trials due that was stored"),
        ({"browsed": Browsed()}, "share of the trials due that was stored"),
    ],
)
def test_each_bound_can_be_missed(changes: dict, missed: str) -> None:
    assert [goal.text for goal in board.goals(_measured(**changes)) if not goal.holds] == [missed]


def test_tables_name_every_page() -> None:
    pages, browsed = board.tables(_measured())
    assert [variant for variant, _ in pages.rows] == ["board", "trial"]
    assert pages.rows[0][1] == [3.0, 5.0, 1.4, 2.0]
    assert browsed.rows[0][1] == [5, 0, 2, 2, 0, 0, 1.5, 450_000_000]


def test_the_large_store_is_as_large_as_it_says() -> None:
    assert (LARGE.trials, LARGE.trials * LARGE.points) == (100_000, 10_000_000)


def test_the_store_is_one_that_can_be_scored(tmp_path: Path) -> None:
    reader = Reader(fill(tmp_path / "small.duckdb", SMALL))
    overview = reader.overview()
    assert overview.trials == SMALL.trials and 0 < overview.failed < 20
    rows = reader.board()
    # two nights of one method are one row
    assert len(rows) == SMALL.datasets * SMALL.methods * SMALL.machines
    assert all(row.n <= SMALL.splits for row in rows)
    assert all(row.time_ratio is not None for row in rows)
    assert {row.target_ratio is None for row in rows} == {True, False}
    curve = reader.curves([str(overview.newest_trial)])[str(overview.newest_trial)]
    assert len(curve.epoch) == SMALL.points and (curve.scored_seconds[1:] > curve.scored_seconds[:-1]).all()
    assert len(reader.dynamics(reader.trials(split=0)[0].trial_id)) == 1


def test_every_page_of_the_dashboard_is_known() -> None:
    first, *further = dashboard.pages()
    assert first == dashboard.START
    assert {"tradeoff", "trial"} <= set(further)
