"""What backbones show of their layers: states, and the energies along them."""

from __future__ import annotations

import pytest
import torch

from methods.adjacency import Adjacency
from methods.backbones.embedding import Embedded
from methods.backbones.gcn import GCN
from methods.backbones.gcnii import GCNII
from methods.backbones.sage import SAGE
from methods.graph import GraphView
from methods.smoothness import dirichlet_energy


def view_of(x: torch.Tensor, adjacency: Adjacency) -> GraphView:
    labels = torch.zeros(len(x), dtype=torch.int64)
    return GraphView(x, adjacency, labels, labels == 0)


def test_energies_of_a_gcn_by_hand(graph: Adjacency) -> None:
    x = torch.randn(24, 6)
    model = GCN(6, 3, layers=3, hidden=8, residual=True, norm="layer").eval()
    body, energies, state = model.body, [dirichlet_energy(x, graph)], x
    for layer in range(2):
        update = body.convolutions[layer](state, graph) + body.residuals[layer](state)
        state = body.norms[layer](update).relu()
        energies.append(dirichlet_energy(state, graph))
    energies.append(dirichlet_energy(model(view_of(x, graph)), graph))
    torch.testing.assert_close(model.propagation_trace(view_of(x, graph)), {"dirichlet_energy": torch.stack(energies)})


def test_energies_of_gcnii_begin_behind_the_encoder(graph: Adjacency) -> None:
    x, model = torch.randn(24, 6), GCNII(6, 3, layers=2, hidden=8).eval()
    states = list(model.layer_states(x, graph))
    torch.testing.assert_close(states[0].outputs, model.encoder(x).relu())
    torch.testing.assert_close(model.decoder(states[-1].outputs), model.node_outputs(x, graph))
    assert len(states) == 3 == len(model.propagation_trace(view_of(x, graph))["dirichlet_energy"])


@pytest.mark.parametrize("style", [{}, {"head": "linear"}, {"block": "feed_forward"}])
def test_the_last_state_makes_the_outputs(style: dict, graph: Adjacency) -> None:
    x, model = torch.randn(24, 6), GCN(6, 3, layers=2, hidden=8, **style).eval()
    *_, last = model.layer_states(x, graph)
    assert torch.equal(model.body.outputs(last.outputs), model.node_outputs(x, graph))


def test_embedded_codes_are_what_enters_the_first_layer(graph: Adjacency) -> None:
    codes = torch.randint(3, (24, 2)).float()
    model = Embedded((3, 3), GCN(100, 3, layers=1)).eval()
    [start, _] = model.propagation_trace(view_of(codes, graph))["dirichlet_energy"].tolist()
    rows = model.table.weight[codes[:, 0].long()] + model.table.weight[3 + codes[:, 1].long()]
    assert start == pytest.approx(float(dirichlet_energy(rows.detach(), graph)), rel=1e-5)


def test_who_shows_no_states_leaves_no_trace(graph: Adjacency) -> None:
    assert SAGE(6, 3, layers=2, hidden=8).propagation_trace(view_of(torch.randn(24, 6), graph)) == {}
