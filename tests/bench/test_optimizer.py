"""The optimizer of a trial: whose parameters, at which rates, and how these fall."""

from __future__ import annotations

import copy
import subprocess
import sys
import textwrap
from typing import Any

import pytest
import torch
from torch import nn

from bench.errors import UsageError
from bench.optimizer import decay, make_optimizer
from bench.protocol import OPTIMIZERS, Protocol


class Grouped(nn.Module):
    """A layer, and a learned range with a rate of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.range = nn.Linear(2, 2), nn.Parameter(torch.ones(()))

    def parameter_groups(self) -> list[dict[str, Any]]:
        return [
            {"params": list(self.layer.parameters()), "lr": None, "weight_decay": None},
            {"params": [self.range], "lr": 1e-4, "weight_decay": 0.0},
        ]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_all_parameters_have_the_protocols_settings(name: str) -> None:
    model = nn.Linear(3, 2)
    optimizer = make_optimizer(model, Protocol(optimizer=name, learning_rate=0.02, weight_decay=0.03))
    (group,) = optimizer.param_groups
    assert isinstance(optimizer, getattr(torch.optim, OPTIMIZERS[name]))
    assert (group["lr"], group["weight_decay"]) == (0.02, 0.03)
    assert [id(parameter) for parameter in group["params"]] == [id(parameter) for parameter in model.parameters()]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_those_of_torch(name: str) -> None:
    torch.manual_seed(0)
    ours, x = nn.Linear(3, 2), torch.randn(5, 3)
    theirs = copy.deepcopy(ours)
    protocol = Protocol(optimizer=name, learning_rate=0.02, weight_decay=0.03)
    reference = getattr(torch.optim, OPTIMIZERS[name])(theirs.parameters(), lr=0.02, weight_decay=0.03)
    for model, optimizer in ((ours, make_optimizer(ours, protocol)), (theirs, reference)):
        for _ in range(3):
            optimizer.zero_grad()
            model(x).square().sum().backward()
            optimizer.step()
    assert all(torch.equal(*pair) for pair in zip(ours.parameters(), theirs.parameters(), strict=True))
    assert not any(parameter.grad_fn for parameter in ours.parameters())


def test_a_step_does_not_import_torchs_compiler() -> None:
    code = """
        import sys, torch
        from bench.optimizer import make_optimizer
        from bench.protocol import Protocol
        model = torch.nn.Linear(3, 2)
        optimizer = make_optimizer(model, Protocol())
        model(torch.ones(1, 3)).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        print("torch._dynamo" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_model_may_give_some_parameters_settings_of_their_own() -> None:
    model = Grouped()
    first, second = make_optimizer(model, Protocol(learning_rate=0.02, weight_decay=0.03)).param_groups
    assert (first["lr"], first["weight_decay"]) == (0.02, 0.03)
    assert (second["lr"], second["weight_decay"]) == (1e-4, 0.0)
    assert second["params"][0] is model.range


def test_the_learning_rate_falls_after_every_so_many_epochs_but_not_where_it_is_the_methods_own() -> None:
    protocol = Protocol(learning_rate=1.0, decay=0.5, decay_every=10)
    optimizer = make_optimizer(Grouped(), protocol)
    rates = []
    for epochs in range(1, 31):
        decay(optimizer, protocol, epochs)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == [1.0] * 9 + [0.5] * 10 + [0.25] * 10 + [0.125]
    assert optimizer.param_groups[1]["lr"] == 1e-4


def test_without_decay_the_learning_rate_stays() -> None:
    protocol = Protocol(learning_rate=0.3)
    optimizer = make_optimizer(nn.Linear(2, 2), protocol)
    for epochs in range(1, 101):
        decay(optimizer, protocol, epochs)
    assert optimizer.param_groups[0]["lr"] == 0.3


@pytest.mark.parametrize("settings", [{"decay": 0.0}, {"decay": -1.0}, {"decay_every": 0}, {"decay_every": 1.5}])
def test_impossible_decays_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(settings))):
        Protocol(**settings)
