"""The only training loop of the project. Strategies say what a step sees; everything else happens here."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim import Optimizer

from bench.clock import TimeLedger
from bench.errors import BenchError
from bench.evaluation import Evaluator
from bench.protocol import OPTIMIZERS, Protocol
from methods.problem import Problem, Progress
from methods.quantizer import Quantizer
from methods.rescaler import Rescaler
from methods.strategy import Step, Strategy


@dataclass
class Outcome:
    """What training leaves behind.

    Attributes:
        curve: one row an evaluation, with the fields of `db.records.CurvePoint`.
        predictions: of the epoch that validation selected.
        selected_epoch: the epoch whose validation metric is best, counted from 1; the earliest of equals.
        reached_target: None without a target.
    """

    curve: list[dict[str, Any]] = field(default_factory=list)
    predictions: dict[str, NDArray] = field(default_factory=dict)
    selected_epoch: int = 0
    validation_metric: float = -math.inf
    epochs: int = 0
    steps: int = 0
    node_visits: int = 0
    edge_visits: int = 0
    reached_target: bool | None = None


class Trainer:
    """Trains one model by one protocol and records its curve.

    Args:
        report: called after each evaluation with the curve point and the share of the budget spent.
    """

    def __init__(
        self,
        problem: Problem,
        model: nn.Module,
        strategy: Strategy,
        rescaler: Rescaler | None,
        quantizer: Quantizer | None,
        protocol: Protocol,
        evaluator: Evaluator,
        ledger: TimeLedger,
        report: Callable[[dict[str, Any], float], None],
    ) -> None:
        self.problem, self.model, self.strategy = problem, model, strategy
        self.rescaler, self.quantizer, self.protocol = rescaler, quantizer, protocol
        self.evaluator, self.ledger, self.report = evaluator, ledger, report
        self.optimizer = make_optimizer(model, protocol)
        self.outcome = Outcome(reached_target=None if protocol.target is None else False)
        self._looks_without_gain = 0

    def run(self) -> Outcome:
        """Train until the budget is spent or early stopping says so.

        Raises:
            BenchError: the loss is not a number any more, or nothing of the budget was left to train with.
        """
        if self.rescaler is not None:
            with self.ledger.account("preprocess"):
                self.rescaler.attach(self.model, self.optimizer, self.problem)
        self.model.train()
        if self._is_over():
            raise BenchError(
                f"preparation alone took {self.ledger.scored_seconds():.3g} s of the budget of "
                f"{self.protocol.seconds:g} s, so nothing was trained; give more seconds"
            )
        while not self._is_over():
            progress = Progress(self.outcome.epochs, self._spent())
            with self.ledger.account("train"):
                loss = self._epoch(progress)
            self.outcome.epochs += 1
            if self.outcome.epochs % self.protocol.evaluate_every == 0 or self._spent() >= 1:
                self._look(float(loss))
        return self.outcome

    def _epoch(self, progress: Progress) -> torch.Tensor:
        """One epoch; the mean loss of its steps, left on the device so that no step waits for it."""
        losses = []
        for step in self.strategy.steps(self.problem, progress):
            losses.append(self._step(step, progress))
            if self._seconds_are_spent():
                break
        if not losses:
            raise BenchError(f"the strategy made no step in epoch {progress.epoch + 1}; it must yield at least one")
        return torch.stack(losses).mean()

    def _step(self, step: Step, progress: Progress) -> torch.Tensor:
        if self.rescaler is not None:
            self.rescaler.before_forward(progress)
        self.optimizer.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.problem.device)
        for term in step:
            loss = term.weight * self.problem.loss(self.model(term.view), term.view)
            loss.backward()
            total += loss.detach()
            self.outcome.node_visits += term.view.num_nodes
            self.outcome.edge_visits += term.view.num_edges
        if self.rescaler is not None:
            self.rescaler.before_update(progress)
        if self.protocol.clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.protocol.clip)
        self.optimizer.step()
        self.outcome.steps += 1
        return total

    def _look(self, loss: float) -> None:
        """Evaluate on validation and keep the predictions if this epoch is the best so far."""
        outcome = self.outcome
        if not math.isfinite(loss):
            raise BenchError(f"the training loss is {loss} in epoch {outcome.epochs}; the method has diverged")
        with self.ledger.account("evaluate"):
            model = self.model if self.quantizer is None else self.quantizer.pack(self.model, self.problem)
            metric, predictions = self.evaluator.evaluate(model, self.problem)
        self._looks_without_gain += 1
        if metric > outcome.validation_metric:
            outcome.validation_metric, outcome.selected_epoch = metric, outcome.epochs
            outcome.predictions, self._looks_without_gain = predictions, 0
        if self.protocol.target is not None and metric >= self.protocol.target:
            outcome.reached_target = True
        point = {
            "epoch": outcome.epochs,
            "step": outcome.steps,
            "scored_seconds": self.ledger.scored_seconds(),
            "train_loss": loss,
            "validation_metric": metric,
            "node_visits": outcome.node_visits,
            "edge_visits": outcome.edge_visits,
        }
        outcome.curve.append(point)
        self.report(point, self._spent())

    def _spent(self) -> float:
        """Share of the budget that is spent, at most 1."""
        shares = [0.0]
        if self.protocol.epochs is not None:
            shares.append(self.outcome.epochs / self.protocol.epochs)
        if self.protocol.seconds is not None:
            shares.append(self.ledger.scored_seconds() / self.protocol.seconds)
        return min(max(shares), 1.0)

    def _seconds_are_spent(self) -> bool:
        return self.protocol.seconds is not None and self.ledger.scored_seconds() >= self.protocol.seconds

    def _is_over(self) -> bool:
        patience = self.protocol.patience
        return self._spent() >= 1 or (patience is not None and self._looks_without_gain >= patience)


def make_optimizer(model: nn.Module, protocol: Protocol) -> Optimizer:
    """torch's optimizer of the protocol's name over all parameters of a model."""
    optimizer = getattr(torch.optim, OPTIMIZERS[protocol.optimizer])
    return optimizer(model.parameters(), lr=protocol.learning_rate, weight_decay=protocol.weight_decay)
