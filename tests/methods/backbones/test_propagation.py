"""What holds for every backbone that predicts and then propagates: APPNP, EMP and SMP."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from methods.adjacency import Adjacency
from methods.backbones.appnp import APPNP
from methods.backbones.emp import EMP
from methods.backbones.propagation import Propagation
from methods.backbones.smp import SMP
from methods.graph import GraphView
from methods.parameters import canonical
from methods.smoothness import dirichlet_energy
from methods.spec import Spec

CASES: dict[str, tuple[type[Propagation], dict[str, Any]]] = {
    "appnp": (APPNP, {}),
    "emp": (EMP, {}),
    "emp-l1": (EMP, {"norm": "l1", "lambda1": 0.3}),
    "smp": (SMP, {}),
    "smp-adjacency": (SMP, {"correction": "adjacency", "multiplier_step": 1e-4}),
    "smp-projected": (SMP, {"correction": "projected", "threshold": 1e-3}),
}
EVERY = pytest.mark.parametrize("case", CASES)


def make(case: str, out_features: int = 3, **parameters) -> Propagation:
    torch.manual_seed(1)
    backbone, settings = CASES[case]
    return backbone(6, out_features, **{"hidden": 8, **settings, **parameters})


def view_of(x: Tensor, adjacency: Adjacency) -> GraphView:
    labels = torch.zeros(len(x), dtype=torch.int64)
    return GraphView(x, adjacency, labels, labels == 0)


def permuted(adjacency: Adjacency, order: Tensor) -> Adjacency:
    """Node i of the result is node order[i]."""
    number = torch.argsort(order)
    return Adjacency.from_edges(
        number[adjacency.indices.long()], number[adjacency.row_of_entry()], adjacency.rows, symmetric=True
    )


def test_parameters_of_the_base_come_first() -> None:
    spec = Spec("smp", {"correction": "adjacency", "steps": 4, "step_size": 0.05, "layers": 3})
    assert str(canonical(spec, SMP)) == "smp(layers=3,steps=4,step_size=0.05,correction=adjacency)"


def test_the_start_is_a_perceptron() -> None:
    model = make("appnp", layers=3).eval()
    assert [tuple(linear.weight.shape) for linear in model.linears] == [(8, 6), (8, 8), (3, 8)]
    x = torch.randn(5, 6)
    first, second, third = model.linears
    torch.testing.assert_close(model.predictions(x), third(second(first(x).relu()).relu()))
    assert len(make("appnp", layers=1).linears) == 1


@EVERY
def test_the_outputs_are_the_last_state(case: str, graph: Adjacency) -> None:
    model, x = make(case, steps=4).eval(), torch.randn(24, 6)
    states = [state.outputs for state in model.states(model.predictions(x), graph)]
    assert len(states) == 5
    assert torch.equal(states[0], model.predictions(x))
    assert torch.equal(states[-1], model.node_outputs(x, graph))


@EVERY
def test_the_trace(case: str, graph: Adjacency) -> None:
    model, x = make(case, steps=4), torch.randn(24, 6)
    model.eval()
    trace = model.propagation_trace(view_of(x, graph))
    assert not any(values.requires_grad for values in trace.values())
    energies = [dirichlet_energy(state.outputs, graph) for state in model.states(model.predictions(x), graph)]
    torch.testing.assert_close(trace["dirichlet_energy"], torch.stack(energies))
    assert float(trace["dirichlet_energy"][-1]) < float(trace["dirichlet_energy"][0])
    lengths = {name: len(values) for name, values in trace.items() if name != "dirichlet_energy"}
    multiplier = {} if case == "smp-projected" else {"multiplier": 5}
    assert lengths == ({"constraint": 4, **multiplier} if case.startswith("smp") else {})


@EVERY
def test_the_order_of_the_nodes_does_not_matter(case: str, graph: Adjacency) -> None:
    model, start, order = make(case), torch.randn(24, 3, dtype=torch.float64), torch.randperm(24)
    *_, here = model.states(start, graph)
    *_, there = model.states(start[order], permuted(graph, order))
    torch.testing.assert_close(there.outputs, here.outputs[order], atol=1e-6, rtol=1e-6)


@EVERY
def test_isolated_nodes_keep_their_predictions(case: str, graph: Adjacency) -> None:
    model, start = make(case), torch.randn(24, 3)
    *_, last = model.states(start, graph)
    torch.testing.assert_close(last.outputs[20:], start[20:])
    assert float((last.outputs[:20] - start[:20]).abs().max()) > 0.1


@EVERY
def test_a_single_node(case: str) -> None:
    alone = Adjacency(torch.zeros(2, dtype=torch.int64), torch.empty(0, dtype=torch.int64), 1, symmetric=True)
    model, x = make(case).eval(), torch.randn(1, 6)
    out = model.node_outputs(x, alone)
    torch.testing.assert_close(out, model.predictions(x))
    out.sum().backward()
    assert all(bool(parameter.grad.isfinite().all()) for parameter in model.parameters())


@EVERY
def test_all_gradients_are_exact(case: str) -> None:
    ring = torch.arange(5)
    sources, targets = torch.cat([ring, torch.tensor([0, 2])]), torch.cat([(ring + 1) % 5, torch.tensor([2, 0])])
    pairs = torch.cat([targets * 5 + sources, sources * 5 + targets]).unique()
    graph = Adjacency.from_edges(pairs % 5, pairs // 5, 5, symmetric=True)
    model = make(case, steps=3)
    start = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(4), requires_grad=True)
    assert torch.autograd.gradcheck(lambda h: [state.outputs for state in model.states(h, graph)][-1], (start,))


@EVERY
def test_gradients_on_a_directed_graph(case: str, uneven: Adjacency) -> None:
    model = make(case, steps=2)
    start = torch.randn(60, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(4), requires_grad=True)
    weights = torch.randn(60, 1, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda h: ([state.outputs for state in model.states(h, uneven)][-1] * weights).sum(), (start,)
    )


@EVERY
def test_nothing_is_heard_from_beyond_the_hops(case: str) -> None:
    ring = torch.arange(12)
    line = Adjacency.from_edges(torch.cat([ring[:-1], ring[1:]]), torch.cat([ring[1:], ring[:-1]]), 12, symmetric=True)
    scalars_stand_still = {"multiplier_step": 0.0, "threshold": 1e6} if case.startswith("smp") else {}
    model = make(case, out_features=1, steps=2, **scalars_stand_still)
    start = (0.1 * torch.randn(12, 1, dtype=torch.float64)).requires_grad_()
    *_, last = model.states(start, line)
    (heard,) = torch.autograd.grad(last.outputs[0, 0], start)
    assert heard.flatten().nonzero().max() == model.hops


@EVERY
@pytest.mark.parametrize("steps", [2, 8, 64])
def test_deep_networks_stay_finite(case: str, steps: int, graph: Adjacency) -> None:
    model = make(case, steps=steps, dropout=0.2)
    out = model.node_outputs(torch.randn(24, 6), graph)
    assert bool(out.isfinite().all())
    out.square().sum().backward()
    assert all(bool(parameter.grad.isfinite().all()) for parameter in model.parameters())
    assert float(model.linears[0].weight.grad.abs().max()) > 0


@EVERY
def test_hidden_units_may_be_rescaled(case: str, graph: Adjacency) -> None:
    model, x = make(case, layers=3).eval(), torch.randn(24, 6)
    before = model.node_outputs(x, graph)
    with torch.no_grad():
        for units in model.invariance().units:
            factors = 0.5 + torch.rand(units.size)
            for parameter in (*units.incoming, *units.biases):
                parameter.mul_(factors.view(-1, *[1] * (parameter.dim() - 1)))
            for parameter in units.outgoing:
                parameter.div_(factors)
    torch.testing.assert_close(model.node_outputs(x, graph), before, atol=1e-5, rtol=1e-4)
    assert sum(isinstance(module, nn.Linear) for module in model.modules()) == len(model.invariance().layers) == 3
