"""The board as a table."""

from __future__ import annotations

import pytest

from app import table
from app.columns import columns
from db.records import MachineRecord

MACHINES = {"laptop": MachineRecord("laptop", "Acme 1", 2, 2**34, gpu_model="Acme G")}


def test_numbers_stay_numbers_and_get_words_beside_them(row) -> None:
    rows = [row(), row(method="gcn+x", mean=None, time_ratio=None, time_ratio_low=None, time_ratio_high=None)]
    frame = table.frame(rows, MACHINES)
    assert frame["score"].tolist()[0] == pytest.approx(80.0)
    assert frame["score"].isna().tolist() == [False, True]
    shown = table.styled(frame, rows).to_html()
    assert "0.50 · 2.0x faster" in shown
    assert "1.00 · the same" in shown
    assert "2.00 · 2.0x later" in shown
    assert "+1.00 points" in shown
    assert "93 %" in table.styled(table.frame([row(pareto_probability=0.93)], MACHINES), [row()]).to_html()


def test_a_tint_needs_an_interval_without_the_reference(row) -> None:
    rows = [row(), row(time_ratio_high=1.2), row(time_ratio_low=None, time_ratio_high=None)]
    style = table.styled(table.frame(rows, MACHINES), rows)._compute()
    column = list(style.columns).index("time_ratio")
    tinted = [bool(style.ctx.get((line, column))) for line in range(3)]
    assert tinted == [True, False, False]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"method": "gcn+full_batch"}, "reference"),
        ({"equivalent": True}, "same"),
        ({"p_value": 0.01}, "better"),
        ({"p_value": 0.01, "difference": -0.01}, "worse"),
        ({}, "unclear"),
        ({"p_value": None}, "—"),
    ],
)
def test_verdict_beside_the_reference(row, changes: dict, word: str) -> None:
    assert table.verdict(row(**changes)) == word


def test_marks(row) -> None:
    assert table.marks(row()) == ["front"]
    assert table.marks(row(status="provisional", pareto=False, trust="disputed")) == ["provisional", "disputed"]
    assert table.marks(row(status="failed")) == ["failed"]
    assert table.marks(row(interleaved=False)) == ["front", "not interleaved"]
    assert table.marks(row(paired=4)) == ["front", "partly paired"]
    assert table.marks(row(paired=0, difference=None)) == ["front"]


def test_the_machine_is_the_one_that_computed(row) -> None:
    assert table.machine(row(), MACHINES) == "Acme 1, 2 cores"
    assert table.machine(row(device="cuda"), MACHINES) == "Acme G"
    assert table.machine(row(machine_id="unseen"), MACHINES) == "unseen"


def test_columns_without_anything_are_found_and_every_column_is_described(row) -> None:
    blank = dict.fromkeys(f"energy_{end}" for end in ("ratio", "ratio_low", "ratio_high", "joules"))
    frame = table.frame([row(**blank, difference=0.0), row(**blank, difference=0.0, failures={})], MACHINES)
    empty = table.empty(frame)
    assert {"energy_ratio", "energy_interval", "energy_joules", "failures"} <= set(empty)
    assert not {"difference", "score", "marks", "n"} & set(empty)
    described = columns(empty)
    assert set(described) == set(frame.columns)
    assert described["energy_ratio"] is None and described["score"] is not None
