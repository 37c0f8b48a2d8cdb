"""The only training loop of the project. Strategies say what a step sees; everything else happens here."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from bench.clock import TimeLedger
from bench.dynamics import DynamicsRecorder
from bench.errors import BenchError
from bench.evaluation import Evaluator, bytes_of
from bench.optimizer import decay, make_optimizer
from bench.protocol import Protocol
from bench.team import Group, Team
from methods.problem import Problem, Progress
from methods.quantizer import Quantizer
from methods.rescaler import Factors, Rescaler
from methods.strategy import Mode, Step, Strategy, Term


@dataclass
class Outcome:
    """What training leaves behind.

    Attributes:
        curve: one row an evaluation, with the fields of `db.records.CurvePoint`.
        predictions: of the epoch that validation selected.
        steps: updates; visits are those of all processes.
        one_node_steps: steps of this process that were left out, see `methods.strategy.Strategy.steps`.
        selected_epoch: the epoch that is best by the protocol's `select_by`, counted from 1; the earliest of equals.
        validation_metric: the dataset's metric in that epoch, whatever selected it.
        reached_target: None without a target.
        schedule: what the steps saw, one segment as long as the scales of the views stay the same:
            {"scales", "epoch", "scored_seconds" (where it began), "steps", "node_visits", "edge_visits"}.
        model_bytes: of the model that made the predictions.
        quantizer: what the quantizer said of that model; widths may be learned, so that they differ between epochs.
        dynamics: one item a quantity, as `bench.dynamics.DynamicsRecorder.results` gives them.
    """

    curve: list[dict[str, Any]] = field(default_factory=list)
    predictions: dict[str, NDArray] = field(default_factory=dict)
    selected_epoch: int = 0
    validation_metric: float = -math.inf
    epochs: int = 0
    steps: int = 0
    one_node_steps: int = 0
    node_visits: int = 0
    edge_visits: int = 0
    reached_target: bool | None = None
    schedule: list[dict[str, Any]] = field(default_factory=list)
    model_bytes: int | None = None
    quantizer: dict[str, Any] | None = None
    dynamics: list[dict[str, Any]] = field(default_factory=list)


class Trainer:
    """Trains one model by one protocol and records its curve.

    Args:
        report: called after each evaluation with the curve point and the share of the budget spent.
        evaluating: makes the context that evaluation and the sampling of dynamics run in; the trial keeps it out of the
            peak memory.
        team: the processes that train together. Each has a trainer; only that of the first evaluates and reports.
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
        evaluating: Callable[[], AbstractContextManager[Any]] = nullcontext,
        team: Team | None = None,
    ) -> None:
        self.problem, self.model, self.strategy = problem, model, strategy
        self.rescaler, self.quantizer, self.protocol = rescaler, quantizer, protocol
        self.evaluator, self.ledger, self.report, self.evaluating = evaluator, ledger, report, evaluating
        self.team = team or Team()
        self.optimizer = make_optimizer(model, protocol)
        self.outcome = Outcome(reached_target=None if protocol.target is None else False)
        every = None if self.team.rank else protocol.dynamics_every
        self.dynamics = None if every is None else DynamicsRecorder(model, every, problem.graph)
        self._best, self._looks_without_gain = -math.inf, 0
        self._lasting: list[_Gradient] = []
        self._mode: Mode | None = None
        self._has_batch_norms = any(isinstance(module, _BatchNorm) for module in model.modules())
        self._parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]

    def run(self) -> Outcome:
        """Train until the budget is spent or early stopping says so.

        Raises:
            BenchError: the loss is not a number any more, or nothing of the budget was left to train with.
        """
        if self.rescaler is not None:
            with self.ledger.account("preprocess"):
                self.rescaler.attach(self.model, self.optimizer, self.problem)
        if self._agreed(self._is_over()):
            raise BenchError(
                f"preparation alone took {self.ledger.scored_seconds():.3g} s of the budget of "
                f"{self.protocol.seconds:g} s, so nothing was trained; give more seconds"
            )
        while not self._agreed(self._is_over()):
            progress = Progress(self.outcome.epochs, self._agreed(self._spent()))
            with self.ledger.account("train"):
                loss = self._epoch(progress)
            self.outcome.epochs += 1
            decay(self.optimizer, self.protocol, self.outcome.epochs)
            if self._agreed(self.outcome.epochs % self.protocol.evaluate_every == 0 or self._spent() >= 1):
                self._look(float(loss))
        if self.dynamics is not None:
            with self.ledger.account("evaluate"):
                self.outcome.dynamics = self.dynamics.results()
        return self.outcome

    def _epoch(self, progress: Progress) -> torch.Tensor:
        """One epoch; the mean loss of its steps, left on the device so that no step waits for it."""
        losses, steps = list[torch.Tensor](), 0
        possible = self._possible(self.strategy.steps(self.problem, progress))
        for group in self.team.groups(possible, self._seconds_are_spent):
            self._note(group)
            loss = self._step(group, progress, first=not steps)
            losses += [] if group.step is None else [loss]
            steps += group.steps
        if not steps:
            raise BenchError(self._why_no_step(progress.epoch + 1))
        return self.team.mean(losses, steps)

    def _possible(self, steps: Iterable[Step]) -> Iterator[Step]:
        """The steps that can be taken: one node has no variance, which is what batch norms divide by."""
        for step in steps:
            if self._has_batch_norms and any(term.mode != "evaluate" and term.view.num_nodes < 2 for term in step):
                self.outcome.one_node_steps += 1
            else:
                yield step

    def _why_no_step(self, epoch: int) -> str:
        if not self.outcome.one_node_steps:
            return f"the strategy made no step in epoch {epoch}; it must yield at least one"
        return (
            f"epoch {epoch} has no step that batch norms can be trained on, because those with a single node are left "
            f"out ({self.outcome.one_node_steps} so far); take more nodes a step or a network without batch norms"
        )

    def _note(self, group: Group) -> None:
        """Count an update's work, and begin a new segment of the schedule where the scales change."""
        outcome = self.outcome
        if group.step is not None:
            scales = sorted({term.scale for term in group.step})
            if not outcome.schedule or outcome.schedule[-1]["scales"] != scales:
                began = {"scales": scales, "epoch": outcome.epochs, "scored_seconds": self.ledger.scored_seconds()}
                outcome.schedule.append({**began, "steps": 0, "node_visits": 0, "edge_visits": 0})
        outcome.steps, outcome.node_visits = outcome.steps + 1, outcome.node_visits + group.nodes
        outcome.edge_visits += group.edges
        segment = outcome.schedule[-1]
        for name, count in (("steps", 1), ("node_visits", group.nodes), ("edge_visits", group.edges)):
            segment[name] += count

    def _step(self, group: Group, progress: Progress, first: bool) -> torch.Tensor:
        if self.rescaler is not None:
            self._keep_up(self.rescaler.before_forward(progress))
        self.optimizer.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.problem.device)
        for lasting in self._lasting:
            lasting.add()
        self._lasting = [lasting for lasting in self._lasting if lasting.steps_left]
        for absolute, terms in groupby(group.step or [], key=lambda term: term.absolute):
            if absolute is None:
                for term in terms:
                    total += self._accumulate(term)
            else:
                total += self._accumulate_absolute(terms)
        self.team.average(self._parameters, group.steps)
        if self.rescaler is not None:
            self._keep_up(self.rescaler.before_update(progress))
        if self.protocol.clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.protocol.clip)
        if first and self.dynamics is not None and self.dynamics.wants(progress.epoch):
            with self.ledger.account("evaluate"), self.evaluating():
                self.dynamics.record(progress.epoch)
        self.optimizer.step()
        return total

    def _keep_up(self, factors: Factors | None) -> None:
        """Bring gradients that later steps add to parameters that a rescaler has multiplied."""
        if factors:
            for lasting in self._lasting:
                lasting.rescale(factors)

    def _accumulate(self, term: Term) -> torch.Tensor:
        """Add the gradient of one term; its weighted loss."""
        loss = self._loss(term)
        if term.lasts == 1:
            loss.backward()
        else:
            lasting = _Gradient(self._parameters, loss, term.lasts)
            lasting.add()
            self._lasting.append(lasting)
        return loss.detach()

    def _accumulate_absolute(self, terms: Iterable[Term]) -> torch.Tensor:
        """Add the gradient of the absolute value of a sum of terms; that value."""
        total, gradients = torch.zeros((), device=self.problem.device), []
        for term in terms:
            loss = self._loss(term)
            gradients.append(_Gradient(self._parameters, loss))
            total += loss.detach()
        for gradient in gradients:
            gradient.add(total.sign())
        return total.abs()

    def _loss(self, term: Term) -> torch.Tensor:
        if term.mode != self._mode:  # not at every step: walking the modules costs as much as a step on a small graph
            set_mode(self.model, term.mode)
            self._mode = term.mode
        return term.weight * self.problem.loss(self.model(term.view), term.view)

    def _look(self, loss: float) -> None:
        """Evaluate on validation and keep the predictions if this epoch is the best so far."""
        outcome = self.outcome
        if not math.isfinite(loss):
            raise BenchError(f"the training loss is {loss} in epoch {outcome.epochs}; the method has diverged")
        with self.ledger.account("train"):
            self.strategy.settle(self.model, self.problem)
        with self.ledger.account("evaluate"), self.evaluating():
            self.team.equalize(self.model)
            if self.team.rank:
                return
            model = self.model if self.quantizer is None else self.quantizer.pack(self.model, self.problem)
            metric, predictions = self.evaluator.evaluate(model, self.problem)
            by_metric = self.protocol.select_by == "metric"
            selecting = metric if by_metric else self.evaluator.balanced_accuracy(predictions)
        self._looks_without_gain += 1
        if selecting > self._best:
            self._best = selecting
            outcome.validation_metric, outcome.selected_epoch = metric, outcome.epochs
            outcome.predictions, self._looks_without_gain = predictions, 0
            outcome.model_bytes = bytes_of(model)
            outcome.quantizer = None if self.quantizer is None else self.quantizer.facts()
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

    def _agreed(self, value: float) -> float:
        """What the first process says; the exchange is training."""
        if self.team.size == 1:
            return value
        with self.ledger.account("train"):
            return self.team.agreed(value)

    def _spent(self) -> float:
        """Share of the budget that is spent, at most 1."""
        shares = [0.0]
        if self.protocol.epochs is not None:
            shares.append(self.outcome.epochs / self.protocol.epochs)
        if self.protocol.seconds is not None:
            shares.append(self.ledger.scored_seconds() / self.protocol.seconds)
        return min(max(shares) / self.strategy.budget, 1.0)

    def _seconds_are_spent(self) -> bool:
        seconds = self.protocol.seconds
        return seconds is not None and self.ledger.scored_seconds() >= seconds * self.strategy.budget

    def _is_over(self) -> bool:
        patience = self.protocol.patience
        return self._spent() >= 1 or (patience is not None and self._looks_without_gain >= patience)


class _Gradient:
    """A gradient that is kept apart, because it is added in several steps or with a sign that is not known yet."""

    def __init__(self, parameters: Sequence[nn.Parameter], loss: torch.Tensor, steps: int = 1) -> None:
        self.parameters = parameters
        self.gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        self.steps_left = steps

    def add(self, factor: float | torch.Tensor = 1.0) -> None:
        for parameter, gradient in zip(self.parameters, self.gradients, strict=True):
            if gradient is not None:
                parameter.grad = factor * gradient if parameter.grad is None else parameter.grad + factor * gradient
        self.steps_left -= 1

    def rescale(self, factors: Factors) -> None:
        """Follow parameters that were multiplied: the gradient of s theta is that of theta divided by s."""
        self.gradients = tuple(
            gradient if gradient is None or parameter not in factors else gradient / factors[parameter]
            for parameter, gradient in zip(self.parameters, self.gradients, strict=True)
        )


def set_mode(model: nn.Module, mode: Mode) -> None:
    """Bring a model into the mode of a term; see `methods.strategy.Term`."""
    model.train(mode != "evaluate")
    for module in model.modules():
        if isinstance(module, _BatchNorm) and module.running_mean is not None:
            module.track_running_stats = mode != "keep_statistics"
