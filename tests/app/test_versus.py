"""Two methods in one sentence."""

from __future__ import annotations

from app.versus import overall, sentence

ENDS = {
    "target_ratio": 0.525,
    "target_ratio_low": 0.48,
    "target_ratio_high": 0.59,
    "memory_ratio": 0.59,
    "memory_ratio_low": 0.55,
    "memory_ratio_high": 0.64,
}


def test_speed_score_memory_and_n(row) -> None:
    assert sentence(row(**ENDS, equivalent=True)) == (
        "gcn+sgc on cora: 1.9x faster to target than gcn+full_batch (95 % CI 1.7 to 2.1), "
        "accuracy equivalent within 0.5 points, 41 % less memory (95 % CI 36 to 45 %), n = 10"
    )


def test_what_is_not_sure_is_said_so(row) -> None:
    few = row(target_ratio=None, time_ratio=1.0, time_ratio_low=0.9, time_ratio_high=1.1, memory_ratio=None, paired=4)
    assert sentence(few) == (
        "gcn+sgc on cora: as fast as gcn+full_batch (95 % CI 0.90 to 1.1), "
        "accuracy unclear: +1.00 points (-1.00 to +3.00), p = 0.40, n = 4, provisional"
    )


def test_what_cannot_be_compared(row) -> None:
    assert sentence(row(mean=None, failures={"timed_out": 3})) == "gcn+sgc has no result on cora: 3 timed out"
    alone = row(difference=None, difference_low=None, difference_high=None)
    assert sentence(alone) == "gcn+sgc on cora has no split and seed in common with gcn+full_batch"


def test_over_several_datasets(row) -> None:
    rows = [row(time_ratio=0.5, equivalent=True), row(dataset="pubmed", time_ratio=0.5, p_value=0.01)]
    assert overall(rows, "gcn") == (
        "gcn+sgc over 2 datasets: 2.0x faster than gcn in scored time (95 % CI 2.0 to 2.0); "
        "score better on 1, same on 1"
    )
    assert overall(rows[:1], "gcn") is None
