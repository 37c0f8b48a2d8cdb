"""Whether a test metric is better than the validation metric by more than chance."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

SUSPICIOUS, IMPOSSIBLE = 3.0, 5.0
"""Standard errors from which a difference is looked at, and from which it is refused. Ten trials of an honest method
exceed the second once in 350,000 bundles."""


def standard_score(test: float, valid: float, metric: str, labels: tuple[NDArray, NDArray]) -> float:
    """(test - validation) over its standard error if both sets were drawn alike.

    Accuracy: binomial with the pooled rate, never below that of one error. ROC AUC: Hanley and McNeil 1982, equation 2.

    Args:
        labels: of the test and of the validation set.
    """
    sizes = tuple(len(part) for part in labels)
    if metric == "roc_auc":
        variance = sum(_auc_variance(value, part) for value, part in zip((test, valid), labels, strict=True))
    else:
        pooled = (test * sizes[0] + valid * sizes[1]) / sum(sizes)
        pooled = min(max(pooled, 1 / sum(sizes)), 1 - 1 / sum(sizes))
        variance = pooled * (1 - pooled) * (1 / sizes[0] + 1 / sizes[1])
    return (test - valid) / math.sqrt(variance)


def _auc_variance(area: float, labels: NDArray) -> float:
    positives = int(np.count_nonzero(labels == 1))
    negatives = labels.size - positives
    # at an area of 1 the formula gives 0, which nothing finite can be compared with
    area = min(max(area, 1 / labels.size), 1 - 1 / labels.size)
    both_positive, both_negative = area / (2 - area), 2 * area**2 / (1 + area)
    spread = (positives - 1) * (both_positive - area**2) + (negatives - 1) * (both_negative - area**2)
    return (area * (1 - area) + spread) / (positives * negatives)
