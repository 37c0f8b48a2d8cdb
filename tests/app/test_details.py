"""A row in sentences."""

from __future__ import annotations

from datetime import UTC, datetime

from app.details import sentences

WITHOUT = dict.fromkeys(("energy_ratio", "inference_ratio", "size_ratio", "energy_joules"))


def test_figures_in_sentences(row) -> None:
    own = row(**WITHOUT, inference_seconds=0.02, model_bytes=1500, failures={"timed_out": 1}, pareto_probability=0.93)
    assert sentences(own, {})[:-1] == [
        "accuracy: 80.00 % (79.00 to 81.00) over 10 splits and seeds",
        "Scored time: 2.0x faster than gcn+full_batch, ratio 0.50 (0.40 to 0.62)",
        "Time to target: 2.0x later than gcn+full_batch, ratio 2.00 (1.60 to 2.50)",
        "Peak memory: the same as gcn+full_batch, ratio 1.00 (0.90 to 1.10)",
        "Mean trial: scored time 3.00 s, peak memory 2 MB, inference 20 ms, model size 1.5 kB",
        "90 % of the trials reached the target of 79.00 % on validation",
        "Score beside gcn+full_batch: unclear, +1.00 points (-1.00 to +3.00), p = 0.40",
        "On the front of score, scored time and peak memory in 93 % of resamplings",
        "Failures: 1 timed out",
    ]


def test_the_last_sentences_say_what_to_beware_of_and_where(row) -> None:
    own = row(n=4, provisional=True, status="provisional", measured_at=datetime(2026, 1, 2, 12, tzinfo=UTC))
    assert sentences(own, {})[-2:] == [
        "Provisional: fewer than ten splits or seeds",
        "Measured on cpu, laptop, 2026-01-02; measured here",
    ]


def test_a_reference_is_not_compared_with_itself(row) -> None:
    assert not any("than" in sentence for sentence in sentences(row(method="gcn+full_batch"), {}))
