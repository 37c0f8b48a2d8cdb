"""What networks declare about their hidden units, apart from any particular backbone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from methods.adjacency import Adjacency
from methods.backbones.backbone import Backbone
from methods.backbones.embedding import Embedded
from methods.backbones.mlp import MLP
from methods.errors import MethodError
from methods.invariance import Invariance, Layer, Units, between, chain, invariance_of


def layer(outputs: int, inputs: int, attention: bool = False) -> Layer:
    scores = (nn.Parameter(torch.zeros(1, outputs)),) if attention else ()
    return Layer((nn.Parameter(torch.zeros(outputs, inputs)),), scores, (nn.Parameter(torch.zeros(outputs)),))


def test_a_chain_has_units_between_neighbours_and_none_behind_the_last() -> None:
    layers = [layer(4, 7, attention=True), layer(6, 4, attention=True), layer(2, 6, attention=True)]
    first, second = chain(layers)
    for units, maker, reader, size in ((first, *layers[:2], 4), (second, *layers[1:], 6)):
        assert units.size == size
        assert units.incoming is maker.weights
        assert units.outgoing is reader.weights
        assert units.attention is maker.attention
        assert units.biases is maker.biases
    assert chain(layers[:1]) == ()


@pytest.mark.parametrize("norm", [nn.BatchNorm1d(4), nn.LayerNorm(4)])
def test_behind_a_norm_its_gain_and_shift_make_the_units(norm: nn.Module) -> None:
    maker, reader = layer(4, 7, attention=True), layer(2, 4)
    units = between(maker, reader.weights, norm)
    assert units == Units(4, (norm.weight,), reader.weights, biases=(norm.bias,))
    assert between(maker, reader.weights, nn.Identity()) == between(maker, reader.weights)


def test_parameters_are_listed_once_and_only_those_that_rescaling_touches() -> None:
    before, tied, after = layer(4, 7, attention=True), nn.Parameter(torch.zeros(4, 4)), layer(2, 4, attention=True)
    units = Units(4, (*before.weights, tied), (tied, *after.weights), before.attention, before.biases)
    listed = list(Invariance((before, after), (units,)).parameters())
    expected = [*before.weights, tied, *after.weights, *before.attention, *before.biases]
    assert [id(parameter) for parameter in listed] == [id(parameter) for parameter in expected]


class Silent(Backbone):
    """A backbone that declares nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(100, 2)

    def node_outputs(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        return self.linear(x)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (Silent(), "Silent"),
        (nn.Linear(2, 2), "Linear"),
        (Embedded((3, 4), Silent()), "Silent"),
        (Embedded((3, 4), nn.Linear(100, 2)), "Linear"),
        (MLP(4, 2, layers=1), "MLP"),
    ],
)
def test_a_network_without_hidden_units_is_refused_by_its_name(model: nn.Module, name: str) -> None:
    with pytest.raises(MethodError, match=rf"dr_x cannot be used: {name} declares no hidden units that may be resc"):
        invariance_of(model, "dr_x")


def test_the_embedding_in_front_of_a_backbone_is_its_input() -> None:
    network = MLP(100, 2, layers=2, hidden=4)
    found = invariance_of(Embedded((3, 4), network), "dr_x")
    assert found == network.invariance()
    assert all(parameter.shape[-1] != 7 for parameter in found.parameters()), "the table is not among them"
