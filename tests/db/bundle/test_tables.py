"""The CSV files: what is written is read back to the last bit."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from db.bundle.errors import BundleError
from db.bundle.tables import read_curve, read_predictions, write_curve, write_predictions
from db.scoring.curve import Curve


def test_a_curve_there_and_back() -> None:
    whole = np.array([1, 2, 3])
    seconds, loss = np.array([0.1, 0.2 + 0.1, 1e-9 + 0.7]), np.array([1 / 3, np.nan, 1e300 * 0 + 2.5])
    curve = Curve(whole, whole, seconds, loss, np.array([np.nan, 0.5, 1.0]), whole * 10, whole * 2**50)
    back = read_curve(write_curve(curve), "c.csv")
    for field in fields(Curve):
        before, after = getattr(curve, field.name), getattr(back, field.name)
        assert after.dtype == before.dtype
        np.testing.assert_array_equal(after, before)
    assert write_curve(back) == write_curve(curve)


def test_predictions_there_and_back_by_node() -> None:
    nodes = np.array([9, 2, 5])
    classes = read_predictions(write_predictions(nodes, np.array([1, 0, 2])), "p.csv")
    assert (classes.nodes.tolist(), classes.values.tolist()) == ([2, 5, 9], [0, 2, 1])
    scores = np.array([0.1, -1e-8, 3.4028235e38], dtype=np.float32)
    small = scores[:2]
    back = read_predictions(write_predictions(nodes[:2], small), "p.csv")
    np.testing.assert_array_equal(back.values.astype(np.float32), small[::-1])


def test_the_order_of_the_file_is_kept_beside() -> None:
    found = read_predictions(b"prediction,node\n5,9\n6,2\n", "p.csv")
    assert (found.nodes.tolist(), found.values.tolist(), found.as_written.tolist()) == ([2, 9], [6, 5], [5, 6])


def test_windows_line_ends_are_read() -> None:
    assert read_predictions(b"node,prediction\r\n1,2\r\n", "p.csv").values.tolist() == [2]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "begins with ''"),
        (b"node,prediction\n,1\n", "p.csv: node is empty in 1 rows"),
        (b"node,prediction\n1,\n", "p.csv: prediction is empty in 1 rows"),
        (b"node,prediction\n1.5,1\n", "no table of numbers"),
        (b'node,prediction\n"1",1\n', "no table of numbers"),
        (b"node,prediction\n9007199254740993,1\n", "beyond 2\\^53 in row 1"),
        (b"node,prediction\n99999999999999999999,1\n", "no table of numbers"),
        (b"node,node\n1,1\n", "its first line must be: node,prediction"),
        (b"node,prediction\n\xff,1\n", "no table of numbers"),
    ],
)
def test_what_is_no_number_is_a_sentence(content: bytes, said: str) -> None:
    with pytest.raises(BundleError, match=said) as refused:
        read_predictions(content, "p.csv")
    assert str(refused.value).isprintable()
