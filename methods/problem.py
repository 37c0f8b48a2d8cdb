"""What a training strategy knows: the graph with its training labels, the loss, random numbers, its progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from methods.graph import GraphView

Task = Literal["multiclass", "binary"]


@dataclass(frozen=True)
class Problem:
    """A training problem. Validation and test labels are not in it.

    Attributes:
        graph: the whole graph (or all graphs); labels outside the training set are -1.
        task: `multiclass` has one output a class and cross-entropy, `binary` one output and logistic loss.
        out_features: width of the model's output.
        generator: the strategy's own random numbers, seeded by the trial's seed.
        categories: number of values of each integer-coded feature column, or None for numeric features.
        hops: message-passing steps of the network that is trained, or None where the network does not say.
    """

    graph: GraphView
    task: Task
    out_features: int
    generator: torch.Generator
    categories: tuple[int, ...] | None = None
    hops: int | None = None

    @property
    def device(self) -> torch.device:
        return self.graph.x.device

    def loss(self, logits: Tensor, view: GraphView) -> Tensor:
        """Mean loss over the training labels of a view, or their weighted sum where the view has `label_weights`.

        A view without any training label has the loss 0 and zero gradients; strategies that could draw one draw again.

        Args:
            logits: [nodes or graphs, out_features], the model's output on the view.
            view: the view it was computed on.
        """
        chosen, labels = logits[view.train_mask], view.y[view.train_mask]
        if labels.numel() == 0:
            return chosen.sum()
        reduction = "mean" if view.label_weights is None else "none"
        if self.task == "binary":
            losses = functional.binary_cross_entropy_with_logits(
                chosen.squeeze(1), labels.to(chosen.dtype), reduction=reduction
            )
        else:
            losses = functional.cross_entropy(chosen, labels, reduction=reduction)
        return losses if view.label_weights is None else (losses * view.label_weights[view.train_mask]).sum()


@dataclass(frozen=True)
class Progress:
    """How far training has come when an epoch begins.

    Attributes:
        epoch: number of finished epochs.
        fraction: share of the budget that is spent, from 0 to 1; schedules that must fit any budget use this.
    """

    epoch: int
    fraction: float
