"""A row in sentences."""

from __future__ import annotations

from app.details import sentences


def test_figures_in_sentences(row) -> None:
    assert sentences(row(failures={"timed_out": 1}), {}) == [
        "accuracy: 80.00 % (79.00 to 81.00) over 10 splits and seeds",
        "Scored time: 2.0x faster than gcn+full_batch, ratio 0.50 (0.40 to 0.62)",
        "Peak memory: the same as gcn+full_batch, ratio 1.00 (0.90 to 1.10)",
        "Time to target: 2.0x later than gcn+full_batch, ratio 2.00 (1.60 to 2.50)",
        "Mean trial: 3.00 s scored, 2 MB at peak",
        "90 % of the trials reached the target of 79.00 % on validation",
        "Score beside gcn+full_batch: unclear, p = 0.40",
        "Failures: 1 timed out",
        "Measured on cpu, laptop; measured here",
    ]


def test_a_reference_is_not_compared_with_itself(row) -> None:
    assert not any("than" in sentence for sentence in sentences(row(method="gcn+full_batch"), {}))
