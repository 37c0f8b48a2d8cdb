"""Predictions block by block are those of the whole graph."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from bench import block_prediction
from bench.datasets import registry
from bench.datasets.graph_data import GraphData
from bench.stored_problem import pose_on_disk
from bench.trial import pose
from methods.errors import MethodError
from methods.method import Method

CPU = torch.device("cpu")
SMALL = "layers=3,hidden=12"


@pytest.fixture(scope="module")
def data(cache: Path) -> GraphData:
    return registry.load("csbm(nodes=1500,degree=7.0,features=6,classes=3)", cache_dir=cache).sealed(1)


@pytest.fixture(params=["small blocks", "a hub is its own block", "one block"])
def blocks_of_any_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    entries, rows = {"small blocks": (100, 64), "a hub is its own block": (30, 500), "one block": (2**20, 2**14)}[
        request.param
    ]
    monkeypatch.setattr(block_prediction, "BLOCK_ENTRIES", entries)
    monkeypatch.setattr(block_prediction, "_ROWS_AT_ONCE", rows)
    return iter(())


def outputs(name: str, data: GraphData) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Outputs at validation and test nodes, on the whole graph and by blocks."""
    whole, _ = pose(data, 0, CPU)
    stored, evaluator = pose_on_disk(data, 0, CPU)
    torch.manual_seed(0)
    model = Method.parse(name).build_backbone(stored)
    with torch.no_grad():
        for parameter in model.parameters():  # what begins as zeros or ones must count as well
            parameter += 0.1 * torch.randn_like(parameter)
        model(whole.graph)  # batch norms see data
    model.eval()
    assert evaluator.blocks is not None
    with torch.inference_mode():
        expected = model(whole.graph).numpy()
        found = evaluator.blocks.predict(model, lambda logits: logits.numpy())
    split = data.splits[0]
    return {"valid": expected[split.valid], "test": expected[split.test]}, found


@pytest.mark.parametrize(
    "name",
    [
        f"gcn({SMALL})",
        f"gcn({SMALL},norm=batch,residual=true,head=linear)",
        f"gcn({SMALL},block=feed_forward,norm=layer)",
        "gcn(layers=1)",
        f"sage({SMALL},norm=batch)",
        f"sage({SMALL},block=feed_forward,norm=batch)",
        f"gat({SMALL},heads=3,residual=true)",
        f"gat({SMALL},heads=3,block=feed_forward)",
        f"gatv2({SMALL},heads=3)",
        f"gin({SMALL},learn_epsilon=true,norm=batch)",
        f"mlp({SMALL},norm=batch)",
    ],
)
def test_they_equal_those_of_the_whole_graph(data: GraphData, name: str) -> None:
    expected, found = outputs(name, data)
    for part, values in expected.items():
        np.testing.assert_allclose(found[part], values, rtol=2e-5, atol=2e-5)


@pytest.mark.usefixtures("blocks_of_any_size")
def test_they_do_not_depend_on_the_blocks(data: GraphData) -> None:
    expected, found = outputs(f"gcn({SMALL})", data)
    np.testing.assert_allclose(found["test"], expected["test"], rtol=2e-5, atol=2e-5)
    assert found["valid"].shape == expected["valid"].shape


def test_only_what_a_later_layer_reads_is_computed(data: GraphData) -> None:
    _, evaluator = pose_on_disk(data, 0, CPU)
    predictor = evaluator.blocks
    assert predictor is not None
    asked = np.unique(np.concatenate([data.splits[0].valid, data.splits[0].test]))
    neighbours = [data.indices[data.indptr[node] : data.indptr[node + 1]] for node in asked]
    expected = np.unique(np.concatenate([asked, *neighbours]))
    [last_but_one] = predictor._needed(1, hops=1)
    assert np.array_equal(torch.cat(list(predictor._marked(last_but_one))).numpy(), expected)
    [alone] = predictor._needed(1, hops=0)
    assert np.array_equal(torch.cat(list(predictor._marked(alone))).numpy(), asked)


@pytest.mark.parametrize("name", ["appnp", "gcnii", "smp", "emp"])
def test_other_networks_are_refused_by_name(data: GraphData, name: str) -> None:
    stored, _ = pose_on_disk(data, 0, CPU)
    model = Method.parse(name).build_backbone(stored)
    with pytest.raises(MethodError, match=f"(?i)^{name} cannot predict a graph that stays on disk.*take gcn, sage"):
        block_prediction.stages_of(model)
