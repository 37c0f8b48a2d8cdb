"""What an optimizer remembers follows its parameters, so that its next step is the rescaled network's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from methods.errors import MethodError
from methods.rescaling.moments import Moments, rescale_moments
from methods.rescaling.rescale import rescale

EPS = 1e-40
OPTIMIZERS: dict[str, Callable[[list[Parameter]], Optimizer]] = {
    "adam": lambda p: torch.optim.Adam(p, eps=EPS),
    "amsgrad": lambda p: torch.optim.Adam(p, eps=EPS, amsgrad=True),
    "adamw": lambda p: torch.optim.AdamW(p, eps=EPS, weight_decay=0.0),
    "nadam": lambda p: torch.optim.NAdam(p, eps=EPS),
    "radam": lambda p: torch.optim.RAdam(p, eps=EPS),
    "adamax": lambda p: torch.optim.Adamax(p, eps=EPS),
    "adagrad": lambda p: torch.optim.Adagrad(p, eps=EPS),
    "adadelta": lambda p: torch.optim.Adadelta(p, eps=EPS),
    "rmsprop": lambda p: torch.optim.RMSprop(p, eps=EPS),
    "rmsprop momentum": lambda p: torch.optim.RMSprop(p, eps=EPS, momentum=0.9),
    "rmsprop centered": lambda p: torch.optim.RMSprop(p, eps=EPS, momentum=0.9, centered=True),
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "sgd momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.5),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "asgd": lambda p: torch.optim.ASGD(p, t0=0.0),
    "rprop": lambda p: torch.optim.Rprop(p),
}
FACTOR = torch.tensor([[8.0], [0.1], [1.0]], dtype=torch.float64) / torch.tensor([1.0, 5.0], dtype=torch.float64)


def gradients(count: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(3, 2, generator=generator, dtype=torch.float64) for _ in range(count)]


def trained(make: Callable[[list[Parameter]], Optimizer], history: list[Tensor]) -> tuple[Parameter, Optimizer]:
    parameter = Parameter(torch.ones(3, 2, dtype=torch.float64))
    optimizer = make([parameter])
    for gradient in history:
        parameter.grad = gradient.clone()
        optimizer.step()
    return parameter, optimizer


def step(parameter: Parameter, optimizer: Optimizer, gradient: Tensor) -> Tensor:
    """By how much the next step moves a parameter."""
    parameter.data.zero_()  # so that no digit of the step is lost in a sum
    parameter.grad = gradient.clone()
    optimizer.step()
    return parameter.detach().clone()


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("steps", [1, 3, 9])  # RAdam divides by the size of gradients from the sixth on
def test_the_next_step_is_that_of_a_network_that_always_was_the_rescaled_one(name: str, steps: int) -> None:
    *history, last = gradients(steps + 1)
    ours, optimizer = trained(OPTIMIZERS[name], history)
    rescale_moments(optimizer, {ours: FACTOR}, "transform")
    theirs, always = trained(OPTIMIZERS[name], [gradient / FACTOR for gradient in history])
    moved, expected = step(ours, optimizer, last / FACTOR), step(theirs, always, last / FACTOR)
    torch.testing.assert_close(moved, expected, rtol=1e-6, atol=0)
    assert float(moved.abs().max()) > 0
    if steps > 1 and name not in ("sgd", "rprop", "asgd"):
        left, forgetful = trained(OPTIMIZERS[name], history)
        assert not torch.allclose(step(left, forgetful, last / FACTOR), expected, rtol=1e-3, atol=0)


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "asgd"])
def test_transformed_state_is_that_of_transformed_gradients(name: str) -> None:
    history = gradients(4)
    ours, optimizer = trained(OPTIMIZERS[name], history)
    rescale_moments(optimizer, {ours: FACTOR}, "transform")
    theirs, always = trained(OPTIMIZERS[name], [gradient / FACTOR for gradient in history])
    assert set(optimizer.state[ours]) == set(always.state[theirs])
    for entry, value in optimizer.state[ours].items():
        torch.testing.assert_close(value, always.state[theirs][entry], rtol=1e-9, atol=0)


def test_an_average_of_parameters_is_multiplied_as_they_are() -> None:
    parameter, optimizer = trained(OPTIMIZERS["asgd"], gradients(5))
    average = optimizer.state[parameter]["ax"].clone()
    assert not torch.equal(average, parameter.detach())
    rescale_moments(optimizer, {parameter: FACTOR}, "transform")
    assert torch.equal(optimizer.state[parameter]["ax"], average * FACTOR)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_leave_and_reset(name: str) -> None:
    *history, last = gradients(4)
    ours, optimizer = trained(OPTIMIZERS[name], history)
    before = {entry: value.clone() for entry, value in optimizer.state[ours].items() if isinstance(value, Tensor)}
    rescale_moments(optimizer, {ours: FACTOR}, "leave")
    assert all(torch.equal(optimizer.state[ours][entry], value) for entry, value in before.items())
    rescale_moments(optimizer, {ours: FACTOR}, "reset")
    fresh, beginner = trained(OPTIMIZERS[name], [])
    assert torch.equal(step(ours, optimizer, last), step(fresh, beginner, last))


def test_only_parameters_that_were_multiplied_are_touched() -> None:
    first, second = (Parameter(torch.ones(2)) for _ in range(2))
    optimizer = torch.optim.Adam([first, second])
    for parameter in (first, second):
        parameter.grad = torch.ones(2)
    optimizer.step()
    rescale_moments(optimizer, {first: torch.tensor([2.0, 4.0])}, "transform")
    assert torch.allclose(optimizer.state[first]["exp_avg"], 0.1 / torch.tensor([2.0, 4.0]))
    assert torch.allclose(optimizer.state[second]["exp_avg"], torch.tensor(0.1))
    rescale_moments(optimizer, {first: torch.ones(2)}, "reset")
    assert not optimizer.state[first]
    assert optimizer.state[second]["step"] == 1


@pytest.mark.parametrize("policy", ["leave", "transform", "reset"])
def test_an_optimizer_without_memory_yet_is_fine(policy: Moments) -> None:
    parameter = Parameter(torch.ones(3, 2))
    rescale_moments(torch.optim.Adam([parameter]), {parameter: FACTOR.float()}, policy)
    rescale_moments(torch.optim.Adagrad([parameter]), {parameter: FACTOR.float()}, policy)


class Hoarder(torch.optim.SGD):
    """Keeps something that nobody knows, of the parameter's shape or of another."""

    def __init__(self, parameters: Any, shape: tuple[int, ...]) -> None:
        super().__init__(parameters, lr=0.1, momentum=0.9)
        self.shape = shape

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        super().step()
        for parameter in self.param_groups[0]["params"]:
            self.state[parameter]["hoard"] = torch.ones(self.shape)


@pytest.mark.parametrize("shape", [(16, 8), (16, 1)])
def test_what_an_unknown_optimizer_keeps_is_not_guessed_and_nothing_is_changed(
    build: Callable[..., Any], shape: tuple[int, ...]
) -> None:
    case = build("mlp(layers=2,hidden=16,dropout=0.0)")
    optimizer = Hoarder(case.model.parameters(), shape)
    case.train(optimizer, steps=2)
    before, memory = case.values(), [optimizer.state[p]["momentum_buffer"].clone() for p in case.model.parameters()]
    with pytest.raises(MethodError, match="transform does not know what Hoarder keeps as 'hoard'; use moments=leave"):
        rescale(case.invariance, case.lambdas(), optimizer, "transform")
    after = [optimizer.state[parameter]["momentum_buffer"] for parameter in case.model.parameters()]
    assert all(torch.equal(old, new) for old, new in zip((*before, *memory), (*case.values(), *after), strict=True))
    rescale(case.invariance, case.lambdas(), optimizer, "leave")


@pytest.mark.parametrize("policy", ["leave", "transform", "reset"])
def test_adam_on_a_network(build: Callable[..., Any], paper: str, policy: Moments) -> None:
    """Specification 9, check 17: with `transform` each parameter moves as far as it would have moved."""
    moves = []
    for rescaled in (False, True):
        case = build(paper)
        optimizer = torch.optim.Adam(case.model.parameters(), lr=0.01, eps=EPS)
        case.train(optimizer, steps=5)
        case.backward()
        if rescaled:
            rescale(case.invariance, case.lambdas(), optimizer, policy)
        before = case.values()
        optimizer.step()
        moves.append([now - old for now, old in zip(case.values(), before, strict=True)])
    error = max(float((one - other).abs().max()) for one, other in zip(*moves, strict=True))
    assert error < 1e-6 * 0.01 if policy == "transform" else error > 1e-4
