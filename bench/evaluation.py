"""Predictions on the whole graph, and their validation metric."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.block_prediction import BlockPredictor
from bench.metrics import METRICS, as_classes, balanced_accuracy
from methods.graph import GraphView
from methods.problem import Problem

GRAPHS_AT_ONCE = 2048
"""Sets of many graphs are predicted in unions of this many, so that evaluation needs less memory than training."""


@dataclass
class Evaluator:
    """Scores a model on validation labels and keeps the predictions of the best epoch.

    It holds no test label: those stay with the scorer. `test` is only where to predict.

    Attributes:
        metric: a key of `METRICS`.
        valid, test: [k] positions of the validation and test labels.
        valid_labels: [k] int64.
        blocks: predicts a graph that stays on disk, where `valid` and `test` say nothing; None for one in memory.
        inference_seconds: seconds of each full prediction so far.
    """

    metric: str
    valid: NDArray[np.int64]
    test: NDArray[np.int64]
    valid_labels: NDArray[np.int64]
    blocks: BlockPredictor | None = None
    inference_seconds: list[float] = field(default_factory=list)

    def evaluate(self, model: nn.Module, problem: Problem) -> tuple[float, dict[str, NDArray]]:
        """Validation metric and the predictions `{"valid": ..., "test": ...}` of a model on the full graph."""
        was_training = model.training
        model.eval()
        started = time.perf_counter()
        with torch.inference_mode():
            if self.blocks is None:
                logits = predict(model, problem.graph).cpu()
            else:  # outputs of all nodes together would not be small
                predictions = self.blocks.predict(model, lambda block: as_predictions(block, self.metric))
        self.inference_seconds.append(time.perf_counter() - started)
        model.train(was_training)
        if self.blocks is None:
            outputs = as_predictions(logits, self.metric)
            predictions = {"valid": outputs[self.valid], "test": outputs[self.test]}
        return METRICS[self.metric](predictions["valid"], self.valid_labels), predictions

    def balanced_accuracy(self, predictions: dict[str, NDArray]) -> float:
        """Balanced accuracy of predictions that `evaluate` returned, on validation labels."""
        return balanced_accuracy(as_classes(predictions["valid"], self.metric), self.valid_labels)


def predict(model: nn.Module, graph: GraphView) -> Tensor:
    """Outputs on the whole graph, or on all graphs of a set in their order."""
    outputs = [model(part) for part in parts(graph)]
    return outputs[0] if len(outputs) == 1 else torch.cat(outputs)


def parts(graph: GraphView) -> Iterator[GraphView]:
    """The whole graph, or unions of at most `GRAPHS_AT_ONCE` graphs of a set in their order."""
    if graph.graph_ptr is None:
        yield graph
    else:
        for chunk in torch.arange(graph.num_graphs, device=graph.x.device).split(GRAPHS_AT_ONCE):
            yield graph.graphs(chunk)


def bytes_of(model: nn.Module) -> int:
    """What a model says of itself, or the bytes of all its parameters and buffers."""
    if (packed := getattr(model, "bytes", None)) is not None:
        return int(packed)
    return sum(item.numel() * item.element_size() for item in (*model.parameters(), *model.buffers()))


def as_predictions(logits: Tensor, metric: str) -> NDArray:
    """One number a label: the class for accuracy, the score of class 1 for ROC AUC.

    Args:
        logits: [labels, outputs]; one output for binary tasks.
    """
    if metric == "roc_auc":
        return logits.squeeze(1).float().numpy()
    return logits.argmax(1).numpy()
