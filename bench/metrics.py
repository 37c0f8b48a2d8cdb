"""The metrics, from predictions and labels; the trial scores validation with them and the scorer the test set.

A prediction is one number a label: the class for accuracy (int64), the score of the positive class for ROC AUC
(float32).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError


def accuracy(predictions: NDArray, labels: NDArray) -> float:
    """Share of equal entries."""
    return float(np.mean(predictions == labels))


def roc_auc(scores: NDArray, labels: NDArray) -> float:
    """Probability that a positive scores above a negative, ties counted half (Mann-Whitney U).

    Raises:
        BenchError: only one class is present, or a score is not a number.
    """
    positive = labels == 1
    positives = int(positive.sum())
    negatives = positive.size - positives
    if positives == 0 or negatives == 0:
        raise BenchError("ROC AUC is not defined where all labels are equal; use a split with both classes")
    if np.isnan(scores).any():
        raise BenchError("ROC AUC is not defined for scores that are not numbers; the model has diverged")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    # mean rank of a group of equal scores: all ranks before it plus the middle of its own
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    u = ranks[positive].sum() - positives * (positives + 1) / 2
    return float(u / (positives * negatives))


def balanced_accuracy(predictions: NDArray, labels: NDArray) -> float:
    """Mean recall over the classes that are present: share of each class that is predicted as itself.

    With two classes this is the mean of true-positive and true-negative rate, and the ROC AUC of predictions 0 and 1.

    Args:
        predictions: [k] classes, not scores; see `as_classes`.
    """
    present, positions = np.unique(labels, return_inverse=True)
    right = np.bincount(positions, weights=predictions == labels, minlength=present.size)
    return float(np.mean(right / np.bincount(positions)))


def as_classes(predictions: NDArray, metric: str) -> NDArray:
    """The classes that predictions stand for: a score of the positive class above 0 is class 1."""
    return (predictions > 0).astype(np.int64) if metric == "roc_auc" else predictions


METRICS: dict[str, Callable[[NDArray, NDArray], float]] = {"accuracy": accuracy, "roc_auc": roc_auc}
