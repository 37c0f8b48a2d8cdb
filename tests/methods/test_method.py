"""Composition: one backbone, one strategy, at most one rescaler and one quantizer."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from methods.adjacency import Adjacency
from methods.backbones.embedding import Embedded
from methods.errors import SpecError
from methods.graph import GraphView
from methods.method import Method
from methods.problem import Problem
from methods.spec import Spec
from methods.strategies.full_batch import FullBatch

CHOICES = {
    "layers": st.integers(1, 9),
    "hidden": st.sampled_from([8, 64, 256]),
    "dropout": st.floats(0, 0.99),
    "norm": st.sampled_from(["none", "batch", "layer"]),
    "residual": st.booleans(),
}


@given(st.fixed_dictionaries({}, optional=CHOICES), st.sampled_from(["gcn", "sage", "gat", "mlp"]), st.booleans())
def test_names_parse_back_to_themselves(parameters: dict, backbone: str, named: bool) -> None:
    method = Method.parse(str(Spec(backbone, parameters)) + ("+full_batch" if named else ""))
    assert Method.parse(method.name) == method
    assert Method.parse(method.name).name == method.name


def test_spelling_does_not_matter() -> None:
    # 3 layers of 256 are the defaults
    spellings = ["gcn", "gcn+full_batch", "full_batch+gcn(layers=3)", "gcn(hidden=256,layers=3)+full_batch()"]
    assert {Method.parse(text).name for text in spellings} == {"gcn+full_batch"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("full_batch", "names no backbone; write for example gcn.full_batch"),
        ("gcn+sage", "two parts of the kind backbone: gcn and sage"),
        ("gnc", "did you mean .*'gcn'"),
        ("gcn(depth=2)", "gcn has no parameter 'depth'"),
        ("gcn(layers=0)", "must be at least 1"),
    ],
)
def test_impossible_methods_are_named(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Method.parse(text)


def test_the_reference_keeps_the_backbone_and_trains_it_with_full_batches() -> None:
    method = Method(Spec("gcn", {"layers": 2}), Spec("full_batch", {"graphs_per_step": 4}), quantizer=Spec("qlr"))
    assert method.reference.name == "gcn(layers=2)+full_batch"
    assert (method.track, method.reference.track) == ("low_bit", "training")
    assert method.reference.reference == method.reference


def test_defaults_of_a_preset_do_not_override_what_was_written() -> None:
    method = Method.parse("gcn(layers=5)", {"layers": 2, "hidden": 64})
    assert method.name == "gcn(layers=5,hidden=64)+full_batch"
    with pytest.raises(SpecError, match="has no parameter 'heads'"):
        Method.parse("gcn", {"heads": 2})


def problem(categories: tuple[int, ...] | None) -> Problem:
    adjacency = Adjacency.from_edges(torch.tensor([0]), torch.tensor([1]), 2)
    x = torch.tensor([[1.0, 0.0], [2.0, 3.0]])
    view = GraphView(x, adjacency, torch.tensor([0, 1]), torch.ones(2, dtype=torch.bool))
    return Problem(view, "multiclass", 2, torch.Generator(), categories)


def test_parts_are_built_with_their_parameters() -> None:
    method = Method.parse("mlp(layers=2,hidden=8)+full_batch(graphs_per_step=7)")
    model = method.build_backbone(problem(None))
    assert [tuple(parameter.shape) for parameter in model.parameters()] == [(8, 2), (8,), (2, 8), (2,)]
    strategy = method.build("strategy")
    assert isinstance(strategy, FullBatch) and strategy.graphs_per_step == 7
    assert method.build("rescaler") is None and method.build("quantizer") is None


def test_integer_codes_get_the_sum_of_one_embedding_a_column() -> None:
    posed = problem((3, 4))
    model = Method.parse("mlp(layers=1)").build_backbone(posed)
    assert isinstance(model, Embedded) and model.table.weight.shape == (7, 100)
    # node 1 has code 2 in the first column and 3 in the second, whose codes start at row 3
    embedded = model.table.weight[2] + model.table.weight[3 + 3]
    layer = model.network.body.convolutions[0].map
    torch.testing.assert_close(model(posed.graph)[1], layer(embedded))
