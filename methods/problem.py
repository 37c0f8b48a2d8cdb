"""What a training strategy knows: the graph with its training labels, the loss, random numbers, its progress."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TypeVar

import torch
from torch import Tensor
from torch.nn import functional

from methods.graph import GraphView
from methods.stored_graph import StoredGraph

Task = Literal["multiclass", "binary"]
T = TypeVar("T")


@dataclass(frozen=True)
class Share:
    """The part of every epoch that one of several processes takes.

    Attributes:
        process: its number, from 0.
        processes: how many there are.
        order: random numbers that all of them draw alike.
    """

    process: int
    processes: int
    order: torch.Generator


@dataclass(frozen=True)
class Problem:
    """A training problem. Validation and test labels are not in it.

    Attributes:
        graph: the whole graph (or all graphs); labels outside the training set are -1. A view of no nodes where the
            graph stays on disk.
        task: `multiclass` has one output a class and cross-entropy, `binary` one output and logistic loss.
        out_features: width of the model's output.
        generator: the strategy's own random numbers, seeded by the trial's seed.
        categories: number of values of each integer-coded feature column, or None for numeric features.
        hops: message-passing steps of the network that is trained, or None where the network does not say.
        share: of this process, or None where one process takes the whole epoch.
        stored: the whole graph where it stays on disk, else None; see `Strategy.graph`.
    """

    graph: GraphView
    task: Task
    out_features: int
    generator: torch.Generator
    categories: tuple[int, ...] | None = None
    hops: int | None = None
    share: Share | None = None
    stored: StoredGraph | None = None

    @property
    def device(self) -> torch.device:
        return self.graph.x.device

    @property
    def whole(self) -> GraphView | StoredGraph:
        """The whole graph, wherever it is."""
        return self.graph if self.stored is None else self.stored

    @property
    def order(self) -> torch.Generator:
        """Random numbers for the order of an epoch, which processes that share it must draw alike."""
        return self.generator if self.share is None else self.share.order

    def own(self, items: Iterable[T]) -> Iterable[T]:
        """Of the items of an epoch, one a step, those that this process takes: every n-th of n processes.

        A strategy calls it before it draws what a step sees, so that drawing is divided too.
        """
        return items if self.share is None else islice(items, self.share.process, None, self.share.processes)

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
