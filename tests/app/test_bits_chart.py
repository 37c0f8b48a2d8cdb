"""Accuracy against bits: which bits a row has, and the numbers behind the picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.bits_chart import FULL, bits_chart, bits_frame, unspelled, widths
from db.scoring.board import BoardRow

Make = Callable[..., BoardRow]


def quantized(row: Make, quantizer: str | None, **changes: Any) -> BoardRow:
    name = "gcn+full_batch" + (f"+{quantizer}" if quantizer else "")
    return row(method=name, strategy="full_batch", quantizer=quantizer, **changes)


@pytest.mark.parametrize(
    ("quantizer", "told", "bits"),
    [
        (None, None, FULL),
        ("qlr(bits=2)", None, 2),
        ("qlr(range_grad=none,bits=4)", None, 4),
        ("qlr", {"bits": {"linear.input": [8], "aggregate.operand": [8]}}, 8),
        ("exact", {"bits_stored": 2, "bits_computed": 32}, 2),
        ("qlr(bits=2,end_bits=8)", {"bits": {"linear.input": [2, 8]}}, None),
        ("qlr(weight_bits=4)", {"bits": {"linear.weight": [4], "linear.input": [8]}}, None),
        ("qlr", None, None),
        ("qlr", {"bits": "eight"}, None),
        ("qlr", {"bits": {"linear.input": ["8"]}}, None),
        ("qlr(spare_bits=4)", "nonsense", None),
    ],
)
def test_the_bits_of_a_row(row: Make, quantizer: str | None, told: Any, bits: int | None) -> None:
    own = quantized(row, quantizer)
    found = widths([own], {own.method: told})
    assert found.known == ([] if bits is None else [(own, bits)])
    assert found.unknown == ([own] if bits is None else [])


def test_only_names_without_a_width_need_a_trial(row: Make) -> None:
    rows = [quantized(row, name) for name in (None, "qlr(bits=2)", "qlr", "exact(bits=4)", "qlr(end_bits=8)")]
    assert unspelled(rows) == ["gcn+full_batch+qlr", "gcn+full_batch+qlr(end_bits=8)"]


def test_widths_of_one_quantizer_are_one_run(row: Make) -> None:
    rows = [quantized(row, name) for name in ("qlr(a=1,bits=8)", "qlr(bits=2,a=1)", "qlr(bits=4)", None)]
    rows.append(quantized(row, "qlr(bits=8)", mean=None))
    frame = bits_frame(widths(rows, {}).known)
    assert frame["bits"].tolist() == [2, 4, 8, FULL]
    runs = ["gcn+full_batch+qlr(a=1)", "gcn+full_batch+qlr", "gcn+full_batch+qlr(a=1)", "gcn+full_batch"]
    assert frame["run"].tolist() == runs
    assert frame.iloc[0][["score", "low", "high", "n"]].tolist() == [80, 79, 81, 10]


def test_a_row_without_an_interval_is_drawn_without_one(row: Make) -> None:
    frame = bits_frame([(quantized(row, "qlr(bits=2)", ci_low=None, ci_high=None, n=1), 2)])
    assert frame[["low", "high"]].isna().all().all()
    drawn = bits_chart(frame, "accuracy").to_dict()
    assert "isValid(datum.low)" in str(drawn) and "bits of the numbers" in str(drawn)
