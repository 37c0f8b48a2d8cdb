"""Variants take turns, and ratios are paired by round."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from bench.errors import BenchError
from bench.perf.interleave import Interleaved, Sample, interleave


def recorded(order: list[str], name: str, values: list[float]) -> Callable[[], Sample]:
    remaining = iter(values)

    def turn() -> Sample:
        order.append(name)
        return Sample(next(remaining), peak_bytes=100)

    return turn


def test_every_variant_has_one_turn_a_round() -> None:
    order: list[str] = []
    measured = interleave({"a": recorded(order, "a", [1, 2]), "b": recorded(order, "b", [3, 4])}, rounds=2)
    assert order == ["a", "b", "a", "b"]
    assert [sample.seconds for sample in measured.samples["b"]] == [3, 4]


def test_ratios_are_paired_by_round() -> None:
    # the machine becomes ten times slower, yet a takes half the time of b in each round
    measured = Interleaved({"a": [Sample(1), Sample(10)], "b": [Sample(2), Sample(20)]})
    ratio = measured.ratio("a", "b")
    assert ratio is not None and ratio == pytest.approx((0.5, 0.5, 0.5))


def test_ratio_is_the_geometric_mean() -> None:
    # sqrt(2 * 8) = 4
    measured = Interleaved({"a": [Sample(2), Sample(8)], "b": [Sample(1), Sample(1)]})
    ratio = measured.ratio("a", "b")
    assert ratio is not None and ratio.value == pytest.approx(math.sqrt(2 * 8))


def test_summary_has_median_seconds_and_memory() -> None:
    samples = [Sample(1, 50), Sample(9, 50), Sample(2, 80)]
    summary = Interleaved({"a": samples, "b": [Sample(1, 100)] * 3}).summaries("b")[0]
    assert (summary.variant, summary.seconds, summary.peak_bytes) == ("a", 2, 50)
    assert summary.memory_ratio is not None
    assert summary.memory_ratio.value == pytest.approx((0.5 * 0.5 * 0.8) ** (1 / 3))


def test_memory_that_was_not_measured_has_no_ratio() -> None:
    summary = Interleaved({"a": [Sample(1)], "b": [Sample(1)]}).summaries("b")[0]
    assert summary.peak_bytes is None and summary.memory_ratio is None


def test_one_round_gives_no_interval() -> None:
    ratio = Interleaved({"a": [Sample(1)], "b": [Sample(2)]}).ratio("a", "b")
    assert ratio is not None and ratio.value == pytest.approx(0.5) and ratio.low is None


def test_a_baseline_that_was_not_measured_is_refused() -> None:
    with pytest.raises(BenchError, match="'c' was not measured; measured were a"):
        Interleaved({"a": [Sample(1)]}).summaries("c")
