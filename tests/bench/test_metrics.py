"""The metrics: by hand, against scikit-learn, and against OGB's evaluator."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, roc_auc_score

from bench.errors import BenchError
from bench.metrics import METRICS, accuracy, as_classes, balanced_accuracy, roc_auc


def test_accuracy_by_hand() -> None:
    # right, right, wrong, right
    assert accuracy(np.array([0, 2, 1, 1]), np.array([0, 2, 2, 1])) == 0.75


def test_balanced_accuracy_by_hand() -> None:
    # recalls 1/1 of class 0, 1/3 of class 1, 2/2 of class 4
    labels, predictions = np.array([0, 1, 1, 1, 4, 4]), np.array([0, 1, 0, 9, 4, 4])
    assert balanced_accuracy(predictions, labels) == pytest.approx((1 + 1 / 3 + 1) / 3)
    assert balanced_accuracy(np.array([1, 0]), np.array([1, 1])) == 0.5


def test_the_majority_class_alone_is_half_of_balanced_accuracy() -> None:
    labels = np.array([0] * 92 + [1] * 8)
    assert accuracy(np.zeros(100, dtype=np.int64), labels) == 0.92
    assert balanced_accuracy(np.zeros(100, dtype=np.int64), labels) == 0.5


def test_classes_of_scores_are_above_0_and_classes_stay() -> None:
    assert as_classes(np.array([-1.0, 0.0, 0.5], dtype=np.float32), "roc_auc").tolist() == [0, 0, 1]
    assert as_classes(np.array([3, 0]), "accuracy").tolist() == [3, 0]


def test_roc_auc_by_hand() -> None:
    # pairs (positive, negative): 0.9 > 0.1, 0.9 > 0.4, 0.4 > 0.1 and the tie 0.4 = 0.4 that counts half: 3.5 of 4
    assert roc_auc(np.array([0.9, 0.4, 0.1, 0.4]), np.array([1, 1, 0, 0])) == 0.875


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 1)), min_size=2, max_size=40))
def test_same_as_scikit_learn_with_many_ties(pairs: list[tuple[int, int]]) -> None:
    scores = np.array([score for score, _ in pairs], dtype=np.float32)
    labels = np.array([label for _, label in pairs])
    assert accuracy(scores > 0, labels) == pytest.approx(accuracy_score(labels, scores > 0))
    classes = as_classes(scores, "roc_auc")
    if 0 < labels.sum() < labels.size:
        assert balanced_accuracy(classes, labels) == pytest.approx(balanced_accuracy_score(labels, classes))
        # published code feeds classes into ROC AUC, which is this
        assert balanced_accuracy(classes, labels) == pytest.approx(roc_auc(classes, labels), abs=1e-15)
        assert roc_auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))


def test_same_as_ogbs_evaluator(monkeypatch: pytest.MonkeyPatch) -> None:
    # importing ogb asks the network for its newest version through this module
    monkeypatch.setitem(sys.modules, "outdated", None)
    from ogb.graphproppred import Evaluator as GraphEvaluator
    from ogb.nodeproppred import Evaluator as NodeEvaluator

    random = np.random.default_rng(0)
    labels, guesses = random.integers(0, 40, (500, 1)), random.integers(0, 40, (500, 1))
    theirs = NodeEvaluator("ogbn-arxiv").eval({"y_true": labels, "y_pred": guesses})["acc"]
    assert accuracy(guesses[:, 0], labels[:, 0]) == pytest.approx(theirs)
    binary, scores = random.integers(0, 2, (500, 1)), random.normal(size=(500, 1)).round(1)
    theirs = GraphEvaluator("ogbg-molhiv").eval({"y_true": binary, "y_pred": scores})["rocauc"]
    assert roc_auc(scores[:, 0], binary[:, 0]) == pytest.approx(theirs)


def test_roc_auc_says_when_it_is_not_defined() -> None:
    with pytest.raises(BenchError, match="all labels are equal"):
        roc_auc(np.array([0.1, 0.2]), np.array([1, 1]))
    with pytest.raises(BenchError, match="scores that are not numbers; the model has diverged"):
        roc_auc(np.array([0.1, np.nan]), np.array([1, 0]))


def test_metrics_carry_the_names_that_datasets_declare() -> None:
    assert set(METRICS) == {"accuracy", "roc_auc"}
