"""Whether a test metric is above validation by more than chance."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.submission.chance import standard_score

LABELS = np.zeros(100, dtype=np.int64), np.zeros(400, dtype=np.int64)


def test_accuracy_by_hand() -> None:
    # pooled rate (0.9 * 100 + 0.8 * 400) / 500 = 0.82; variance 0.82 * 0.18 * (1/100 + 1/400)
    expected = 0.1 / math.sqrt(0.82 * 0.18 * 0.0125)
    assert standard_score(0.9, 0.8, "accuracy", LABELS) == pytest.approx(expected)
    assert standard_score(0.8, 0.9, "accuracy", LABELS) < 0


def test_perfection_on_both_sides_is_no_difference() -> None:
    assert standard_score(1.0, 1.0, "accuracy", LABELS) == 0


def test_area_under_the_curve_after_hanley_and_mcneil() -> None:
    half = np.repeat([0, 1], 50)
    # area 0.75: Q1 = 0.6, Q2 = 1.125 / 1.75; equation 2 with 50 positives and 50 negatives
    q2 = 2 * 0.75**2 / 1.75
    variance = (0.1875 + 49 * (0.6 - 0.5625) + 49 * (q2 - 0.5625)) / 2500
    found = standard_score(0.75, 0.75 - 1e-9, "roc_auc", (half, half))
    assert found == pytest.approx(1e-9 / math.sqrt(2 * variance), rel=1e-6)


def test_drawn_alike_it_is_standard_normal() -> None:
    draw = np.random.default_rng(0)
    scores = [
        standard_score(draw.binomial(100, 0.7) / 100, draw.binomial(400, 0.7) / 400, "accuracy", LABELS)
        for _ in range(2000)
    ]
    assert np.mean(scores) == pytest.approx(0, abs=0.08)
    assert np.std(scores) == pytest.approx(1, abs=0.06)
