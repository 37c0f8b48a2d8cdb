"""What every rescaler promises: between steps the function stays, and it says what it multiplied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from bench.conformance.case import Case, Promise, difference, outputs, shaken, sized
from bench.conformance.check import FailedError, NotApplicableError
from bench.optimizer import make_optimizer
from bench.protocol import Protocol
from methods.errors import MethodError
from methods.method import Method
from methods.plugin import names
from methods.problem import Problem, Progress

TOLERANCE = 1e-5
GRADIENT_TOLERANCE = 1e-4
EPOCHS = 12
"""More than the ten epochs after which rescalers act again by default."""


class Called(NamedTuple):
    """One call of a hook.

    Attributes:
        where: the backbone, and the epoch from 1.
        moved: difference of the outputs after it and before; 0 where no parameter changed.
        before, after: each parameter and its gradient, by name; gradients are None where there are none.
        factors: what it returned, by the parameter's name.
    """

    hook: str
    where: str
    moved: float
    before: dict[str, tuple[Tensor, Tensor | None]]
    after: dict[str, tuple[Tensor, Tensor | None]]
    factors: dict[str, Tensor]


def keeps_the_function(case: Case) -> str:
    """Where a backbone declares exact hidden units, hooks move no output and return what they multiplied by."""
    networks, rescalings, largest = set[str](), 0, 0.0
    for call in _calls(case):
        networks.add(call.where.partition(" ")[0])
        if not call.moved <= TOLERANCE:
            raise FailedError(
                f"{call.hook} changes the outputs of {call.where} by {call.moved:.1e} (allowed: {TOLERANCE:g}); "
                "multiply whole units by methods.rescaling.rescale.rescale"
            )
        _require_honest_factors(call)
        rescalings, largest = rescalings + bool(call.factors), max(largest, call.moved)
    if not networks:
        raise NotApplicableError("it refuses every backbone that declares exact hidden units")
    if not rescalings:
        raise NotApplicableError(f"it multiplied nothing in {EPOCHS} epochs; check it with parameters that let it act")
    return (
        f"{rescalings} rescalings of {', '.join(sorted(networks))} move outputs by at most {largest:.1e}, and "
        "parameters and gradients follow the factors returned"
    )


def _require_honest_factors(call: Called) -> None:
    """New parameters are the old ones times the factors, new gradients the old ones divided by them."""
    for name, (before, gradient_before) in call.before.items():
        factor = call.factors.get(name, torch.ones(()))
        after, gradient_after = call.after[name]
        if not difference(before * factor, after) <= TOLERANCE:
            raise FailedError(
                f"{call.hook} changes {name} of {call.where} by other factors than it returns; "
                "return what methods.rescaling.rescale.rescale returns"
            )
        if gradient_before is None or gradient_after is None:
            continue
        expected = gradient_before / factor
        if not float((gradient_after - expected).norm()) <= GRADIENT_TOLERANCE * float(expected.norm()) + 1e-12:
            raise FailedError(
                f"{call.hook} leaves a wrong gradient of {name} of {call.where}; "
                "the gradient of s theta is that of theta divided by s"
            )


def _calls(case: Case) -> Iterator[Called]:
    """Train each network that declares exact units for some epochs, and yield every call of a hook."""
    problem = case.problem()
    for name in names("backbone"):
        method = Method.parse(f"{sized(name, dropout=0.0)}+{case.target.spec}")
        torch.manual_seed(0)
        model = shaken(method.build_backbone(problem))
        declare = getattr(model, "invariance", None)
        declared = None if declare is None else declare()
        if declared is None or not declared.units or not declared.exact:
            continue
        try:
            yield from _trained(method, model, problem)
        except MethodError:
            continue


def _trained(method: Method, model: nn.Module, problem: Problem) -> Iterator[Called]:
    optimizer, rescaler = make_optimizer(model, Protocol()), method.build("rescaler")
    rescaler.attach(model, optimizer, problem)

    def state() -> dict[str, tuple[Tensor, Tensor | None]]:
        return {
            name: (each.detach().clone(), None if each.grad is None else each.grad.clone())
            for name, each in model.named_parameters()
        }

    def called(hook: str, epoch: int) -> Called:
        before, out = state(), outputs(model, problem.graph)
        factors = getattr(rescaler, hook)(Progress(epoch, epoch / EPOCHS)) or {}
        named = {name: factors[each].clone() for name, each in model.named_parameters() if each in factors}
        after = state()
        same = all(torch.equal(before[name][0], after[name][0]) for name in before)
        moved = 0.0 if same else difference(out, outputs(model, problem.graph))
        return Called(hook, f"{method.backbone.name} in epoch {epoch + 1}", moved, before, after, named)

    for epoch in range(EPOCHS):
        yield called("before_forward", epoch)
        optimizer.zero_grad(set_to_none=True)
        problem.loss(model(problem.graph), problem.graph).backward()
        yield called("before_update", epoch)
        optimizer.step()


PROMISES: dict[str, Promise] = {"function kept": keeps_the_function}
