"""Published figures beside ours: which row, which verdict, which difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from db.records import PublishedFigure
from db.scoring.board import BoardRow
from db.scoring.published import UNREAD, Cell, Measured, Verdict, as_json, cells, fits

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
SETTINGS = {"epochs": 100, "learning_rate": 0.01}


def figure(**changes: Any) -> PublishedFigure:
    known: dict[str, Any] = {
        "figure_id": "lowbit/t/cora/GCN", "paper": "lowbit", "place": "Table 1", "quantity": "test_metric",
        "value": 0.81, "dataset": "cora", "method": "gcn+sgc", "settings": {"epochs": 100}, "command": "leangnn run",
    }  # fmt: skip
    return PublishedFigure(**(known | changes))


def row(**changes: Any) -> BoardRow:
    """A row of ten splits with 0.79 to 0.81; what is not named is None."""
    known: dict[str, Any] = dict.fromkeys(field.name for field in fields(BoardRow)) | {
        "dataset": "cora", "dataset_version": "1", "method": "gcn+sgc", "protocol": "p1", "device": "cpu",
        "machine_id": "laptop", "mean": 0.8, "ci_low": 0.79, "ci_high": 0.81, "n": 10, "failures": {},
        "measured_at": NOON,
    }  # fmt: skip
    return BoardRow(**(known | changes))


def place(validation: float | None = 0.8, settings: Mapping[str, Any] = SETTINGS, **changes: Any) -> Measured:
    known: dict[str, Any] = {"dataset": "cora", "dataset_version": "1", "method": "gcn+sgc", "protocol": "p1",
                             "device": "cpu", "machine_id": "laptop"}  # fmt: skip
    return Measured(**(known | changes), settings=dict(settings), validation=validation)


def cell(one: PublishedFigure, *rows: BoardRow, places: tuple[Measured, ...] = (place(),)) -> Cell:
    [found] = cells([one], rows, places)
    return found


@pytest.mark.parametrize(
    ("value", "spread", "low", "high", "verdict"),
    [
        (0.805, None, 0.79, 0.81, Verdict.REPRODUCED),
        (0.815, None, 0.79, 0.81, Verdict.NOT_REPRODUCED),
        # the published spread widens our interval
        (0.815, 0.01, 0.79, 0.81, Verdict.REPRODUCED),
        (0.775, 0.01, 0.79, 0.81, Verdict.NOT_REPRODUCED),
        # an interval that leaves the value out, but lies within half a point of it
        (0.8, None, 0.801, 0.803, Verdict.REPRODUCED),
        (0.8, None, 0.801, 0.806, Verdict.NOT_REPRODUCED),
    ],
)
def test_the_verdict(value: float, spread: float | None, low: float, high: float, verdict: Verdict) -> None:
    mean = (low + high) / 2
    found = cell(figure(value=value, spread=spread), row(mean=mean, ci_low=low, ci_high=high))
    assert (found.verdict, found.reason) == (verdict, "")
    assert found.difference == pytest.approx(mean - value)
    assert found.difference_low == pytest.approx(low - value - (spread or 0))
    assert found.difference_high == pytest.approx(high - value + (spread or 0))


def test_a_ratio_has_a_margin_of_its_own() -> None:
    sizes = figure(quantity="size_ratio", value=0.25)
    near = row(size_ratio=0.26, size_ratio_low=0.26, size_ratio_high=0.26)
    assert cell(sizes, near).verdict is Verdict.REPRODUCED
    far = row(size_ratio=0.27, size_ratio_low=0.27, size_ratio_high=0.27)
    assert cell(sizes, far).verdict is Verdict.NOT_REPRODUCED
    assert cell(sizes, row()).reason == "our trials have no size ratio"


def test_what_cannot_be_compared_says_why_and_still_shows_ours() -> None:
    assert cell(figure(not_comparable="another split"), row()).reason == "another split"
    unread = cell(figure(value=None), row())
    assert (unread.verdict, unread.reason, unread.ours) == (Verdict.NOT_COMPARABLE, UNREAD, 0.8)
    assert unread.difference is None
    one = cell(figure(), row(ci_low=None, ci_high=None, n=1))
    assert one.verdict is Verdict.NOT_COMPARABLE and "no interval" in one.reason and one.provisional


def test_what_was_not_run_says_so() -> None:
    assert cell(figure()).verdict is Verdict.NOT_RUN
    failed = cell(figure(), row(mean=None, ci_low=None, ci_high=None, n=0, failures={"timed_out": 3}))
    assert (failed.verdict, failed.reason) == (Verdict.NOT_RUN, "no trial of ours has a metric: 3 timed out")
    assert not failed.provisional


def test_only_rows_with_the_settings_count() -> None:
    assert cell(figure(settings={"epochs": 200}), row()).verdict is Verdict.NOT_RUN
    assert cell(figure(settings={"epochs": 100, "clip": 3.0}), row()).verdict is Verdict.NOT_RUN
    assert cell(figure(method="gcn+sign"), row()).verdict is Verdict.NOT_RUN
    assert cell(figure(), row(machine_id="other")).verdict is Verdict.NOT_RUN
    # without settings nothing of ours is meant
    assert cell(figure(settings={}), row()).verdict is Verdict.NOT_RUN


def test_validation_chooses_among_settings_and_numbers_of_splits_come_first() -> None:
    several = figure(settings={"learning_rate": [0.01, 0.1]})
    slow, fast = row(mean=0.9), row(mean=0.7, protocol="p2")
    places = (place(0.5), place(0.6, {"learning_rate": 0.1}, protocol="p2"))
    assert cell(several, slow, fast, places=places).ours == 0.7
    # three splits that validate better are still three splits
    assert cell(several, slow, replace(fast, n=3), places=places).ours == 0.9
    # without a choice of settings, more splits and then newer trials win, whatever their validation
    again = row(mean=0.6, machine_id="new", measured_at=NOON.replace(hour=13))
    both = (place(0.9), place(0.1, machine_id="new"))
    assert cell(figure(), row(), again, places=both).machine_id == "new"
    assert cell(figure(), row(n=12), again, places=both).machine_id == "laptop"


def test_settings_fit_when_all_that_are_asked_for_agree() -> None:
    assert fits({"epochs": 5, "clip": None}, {"clip": None}) and fits({"epochs": 5}, {})
    assert fits({"epochs": 5}, {"epochs": [4, 5]}) and not fits({"epochs": 6}, {"epochs": [4, 5]})


def test_cells_as_json_name_everything() -> None:
    [plain] = as_json([cell(figure(), row())])
    assert plain["figure_id"] == "lowbit/t/cora/GCN" and plain["verdict"] == "reproduced"
    assert (plain["value"], plain["ours"], plain["n"], plain["provisional"]) == (0.81, 0.8, 10, False)


@pytest.fixture
def label() -> Callable[[str], str]:
    return lambda name: cell(figure(figure_id=name)).label


def test_a_cell_is_called_by_column_and_row(label: Callable[[str], str]) -> None:
    assert label("lowbit/t/cora/GCN") == "cora, GCN"
    assert label("lowbit/t//GCN/2 layers") == "GCN/2 layers"
