"""Backbones that break one promise each, and ours."""

from __future__ import annotations

import pytest

from bench.conformance.backbones import PROMISES

SOURCE = """
@register("backbone", "mine")
class Mine(Backbone):
    \"\"\"Mine.\"\"\"

    def __init__(self, in_features, out_features, *, hidden: int = 16):
        super().__init__()
        self.first, self.second = nn.Linear(in_features, hidden), nn.Linear(hidden, out_features)

    def node_outputs(self, x, adjacency):
        return self.second(torch.tanh(self.first(x)))
"""


FORWARD = "def node_outputs(self, x, adjacency):\n        return "


@pytest.mark.parametrize(
    ("body", "promise", "sentence"),
    [
        (
            f"{FORWARD}self.second(self.first(x)) + torch.arange(len(x)).view(-1, 1)",
            "order of nodes",
            "numbering the nodes anew changes their outputs by ",
        ),
        (
            f"{FORWARD}self.second(self.first(x) / adjacency.degrees().view(-1, 1))",
            "isolated nodes",
            "a graph with isolated nodes gives NaN or infinite numbers",
        ),
        (
            "def forward(self, view):\n        return self.node_outputs(view.x, view.adjacency)",
            "unions of graphs",
            "a union of two graphs gives outputs of shape (120, 3) for nodes and (120, 3) for graphs",
        ),
        (
            f"{FORWARD}self.second(torch.zeros(len(x), 16))",
            "gradients",
            "first.weight, first.bias gets no gradient",
        ),
        (
            "def invariance(self):\n        layers = Layer((self.first.weight,)), Layer((self.second.weight,))\n"
            "        return Invariance(layers, (Units(16, (self.first.weight,), (self.second.weight,)),))",
            "invariance",
            "rescaling its 16 declared units changes the outputs by ",
        ),
    ],
    ids=["order", "isolated", "unions", "gradients", "invariance"],
)
def test_what_is_broken_is_found(write, look, body: str, promise: str, sentence: str) -> None:
    [target] = write(f"{SOURCE}\n    {body}\n")
    check = look(PROMISES[promise], target)
    assert (check.status, check.sentence[: len(sentence)]) == ("failed", sentence)
    others = [look(PROMISES[name], target) for name in ("layers", "invariance") if name != promise]
    assert all(other.status != "failed" for other in others)


def test_depth_is_looked_at_where_it_can_be_chosen(write, look) -> None:
    [target] = write(SOURCE)
    assert look(PROMISES["layers"], target).status == "not applicable"
    assert look(PROMISES["layers"], "gcn(layers=3)").sentence == "layers=1, 2, 5 all give one output a label"


@pytest.mark.parametrize("name", ["gcn", "gat", "mlp", "appnp", "gcn(activation=tanh)"])
def test_ours_keep_all_promises(look, name: str) -> None:
    for promise in PROMISES.values():
        check = look(promise, name)
        assert check.status == "passed", check.sentence


def test_graphs_that_see_each_other_are_told_of(write, look) -> None:
    [target] = write(f"{SOURCE}\n    {FORWARD}self.second(self.first(x - x.mean(0)))\n")
    check = look(PROMISES["unions of graphs"], target)
    assert check.status == "passed"
    assert "their graphs see each other" in check.sentence
