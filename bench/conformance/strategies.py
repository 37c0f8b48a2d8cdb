"""What every strategy promises: whole predictions, an untouched problem, honest sums of terms."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby, islice

import torch
from torch import Tensor, nn

from bench.conformance.case import Case, Promise, sized
from bench.conformance.check import FailedError, NotApplicableError
from bench.conformance.posed import build, trainer
from bench.trial import prepared
from methods.graph import GraphView
from methods.problem import Problem, Progress
from methods.strategy import Step, Strategy, Term

TOLERANCE = 1e-5
STEPS = 40
"""At most so many steps of an epoch are looked at."""


def evaluates_on_the_full_graph(case: Case) -> str:
    """`prepare` may replace features and edges, for all nodes; the problem given is only read."""
    problem = replace(case.problem(), hops=2)
    before = _copied(problem.graph)
    strategy = case.method.build("strategy")
    made = prepared(strategy, problem)
    for epoch in range(3):
        list(islice(strategy.steps(made, Progress(epoch, epoch / 3)), STEPS))
    changed = [name for name, tensor in _tensors(problem.graph).items() if not torch.equal(tensor, before[name])]
    if changed:
        raise FailedError(f"it wrote to {', '.join(changed)} of the problem's graph; work on copies")
    graph = made.graph
    if graph.num_nodes != case.data.nodes:
        raise FailedError(
            f"prepare returns a problem of {graph.num_nodes} nodes for a graph of {case.data.nodes}; predictions are "
            "made for all nodes in their order, so leave nodes out in steps and not in prepare"
        )
    if not torch.equal(graph.y, before["y"]) or not torch.equal(graph.train_mask, before["train_mask"]):
        raise FailedError(
            "prepare changes the labels or the training mask; return the ones given, and change views instead"
        )
    if (made.task, made.out_features, graph.level) != (problem.task, problem.out_features, problem.graph.level):
        raise FailedError("prepare changes the task; only features and edges may be replaced")
    replaced = graph.x is not problem.graph.x or graph.adjacency is not problem.graph.adjacency
    own = ", with its own features or edges" if replaced else ""
    return f"predictions are made for all {graph.num_nodes} nodes{own}; the problem stays as it was"


def settles(case: Case) -> str:
    """`settle` must leave parameters, gradients and all random numbers as they are."""
    if type(case.method.build("strategy")).settle is Strategy.settle:
        raise NotApplicableError("it has no settle")
    parts = build(case.method, case.data)
    trainer(parts, epochs=2).run()
    graph = parts.problem.graph
    parts.problem.loss(parts.model(graph), graph).backward()

    def state() -> dict[str, Tensor]:
        found = {"the random numbers of torch": torch.get_rng_state()}
        found["the random numbers of the problem"] = parts.problem.generator.get_state()
        for name, parameter in parts.model.named_parameters():
            found[name] = parameter.detach().clone()
            if parameter.grad is not None:
                found[f"the gradient of {name}"] = parameter.grad.clone()
        return found

    before = state()
    parts.strategy.settle(parts.model, parts.problem)
    after = state()
    changed = [name for name in before if name not in after or not torch.equal(before[name], after[name])]
    if changed:
        raise FailedError(
            f"settle changes {', '.join(changed[:3])}; it may only bring what predictions need up to date"
        )
    return "settle leaves parameters, gradients and random numbers as they are"


def sums_its_terms(case: Case) -> str:
    """The gradient that the optimizer gets is the signed sum of those of the terms, computed here one by one."""
    method = replace(case.method, backbone=sized(case.method.backbone, dropout=0.0))
    parts = build(method, case.data)
    if not torch.equal(*(parts.model.train()(parts.problem.graph) for _ in range(2))):
        raise NotApplicableError(
            f"{method.backbone.name} draws random numbers, so its gradients cannot be computed twice"
        )
    observed = _Observed(parts.strategy, parts.model)
    # a learning rate of almost 0, so that gradients that last for several steps belong to the same parameters
    work = trainer(parts._replace(strategy=observed), epochs=4, evaluate_every=4, optimizer="sgd", learning_rate=1e-30)
    work.optimizer.register_step_pre_hook(lambda *_: observed.compare())
    work.run()
    largest = float(torch.tensor(observed.differences).max())
    if not largest <= TOLERANCE:
        raise FailedError(
            f"a gradient differs from the signed sum of its terms by {largest:.1e} of their sizes; "
            "a view must stay the same once it is in a term"
        )
    return (
        f"the gradients of {observed.made} steps are the signed sums of their {observed.summed} terms "
        f"(largest difference {largest:.1e})"
    )


class _Observed(Strategy):
    """A strategy whose every step is computed a second time.

    Attributes:
        made, summed: steps and terms so far.
        differences: of the two gradients of each step, over the sum of the sizes of the terms' gradients.
    """

    def __init__(self, inner: Strategy, model: nn.Module) -> None:
        self.inner, self.model, self.budget = inner, model, inner.budget
        self.made = self.summed = 0
        self.differences: list[float] = []
        self._lasting: list[tuple[int, Tensor]] = []
        self._expected, self._size = torch.zeros(()), 0.0

    def steps(self, problem: Problem, progress: Progress) -> Iterable[Step]:
        for step in islice(self.inner.steps(problem, progress), STEPS):
            self._expect(problem, step)
            yield step

    def compare(self) -> None:
        """Called when the optimizer is about to use the gradient of the step at hand."""
        gradients = [torch.zeros_like(each) if each.grad is None else each.grad for each in self.model.parameters()]
        distance = float((nn.utils.parameters_to_vector(gradients) - self._expected).norm())
        self.differences.append(distance / self._size if self._size else distance)

    def _expect(self, problem: Problem, step: Step) -> None:
        kept = [gradient for _, gradient in self._lasting]
        self._lasting = [(left - 1, gradient) for left, gradient in self._lasting if left > 1]
        for absolute, group in groupby(step, key=lambda term: term.absolute):
            terms = list(group)
            losses, gradients = zip(*(self._of(problem, term) for term in terms), strict=True)
            sign = 1.0 if absolute is None else math.copysign(1.0, sum(losses))
            kept += [sign * gradient for gradient in gradients]
            self._lasting += [
                (term.lasts - 1, gradient) for term, gradient in zip(terms, gradients, strict=True) if term.lasts > 1
            ]
        self._expected = torch.stack(kept).sum(0)
        self._size = sum(float(gradient.norm()) for gradient in kept)
        self.made, self.summed = self.made + 1, self.summed + len(step)

    def _of(self, problem: Problem, term: Term) -> tuple[float, Tensor]:
        """A term's weighted loss and its gradient, all parameters in one vector."""
        if not math.isfinite(term.weight):
            raise FailedError(f"a term has the weight {term.weight}; weights must be finite")
        loss = term.weight * problem.loss(self.model(term.view), term.view)
        parameters = list(self.model.parameters())
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        filled = [
            torch.zeros_like(parameter) if gradient is None else gradient
            for parameter, gradient in zip(parameters, gradients, strict=True)
        ]
        return float(loss.detach()), nn.utils.parameters_to_vector(filled)


def _tensors(graph: GraphView) -> dict[str, Tensor]:
    adjacency = graph.adjacency
    parts = {"x": graph.x, "y": graph.y, "train_mask": graph.train_mask}
    return {**parts, "indptr": adjacency.indptr, "indices": adjacency.indices}


def _copied(graph: GraphView) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in _tensors(graph).items()}


PROMISES: dict[str, Promise] = {
    "full graph": evaluates_on_the_full_graph,
    "settle": settles,
    "signed step": sums_its_terms,
}
