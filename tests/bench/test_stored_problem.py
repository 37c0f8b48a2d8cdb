"""A graph on disk: the same training, no array of all its nodes, no hidden label, and clear refusals."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from bench.clock import TimeLedger
from bench.datasets import registry
from bench.datasets.graph_data import GraphData
from bench.errors import BenchError
from bench.executors.local import LocalExecutor
from bench.meters import resident
from bench.protocol import Protocol
from bench.stored_problem import check_on_disk, pose_on_disk
from bench.training import Outcome, Trainer
from bench.trial import pose
from db.records import Status
from methods import disk_array
from methods.disk_array import DiskArray
from methods.errors import MethodError, SpecError
from methods.method import Method

CPU = torch.device("cpu")
NODES = 3000
BACKBONE = "sage(layers=2,hidden=16)"
SAMPLED = "neighbor_sampling(batch_size=100,neighbors=4"


@pytest.fixture(scope="module")
def data(cache: Path) -> GraphData:
    return registry.load(f"csbm(nodes={NODES},degree=8.0,features=8,classes=3)", cache_dir=cache).sealed(0)


def trained(data: GraphData, strategy: str, epochs: int = 3) -> tuple[Outcome, dict[str, Any]]:
    method = Method.parse(f"{BACKBONE}+{strategy}")
    made = method.build("strategy")
    problem, evaluator = (pose_on_disk if made.graph == "disk" else pose)(data, 5, CPU)
    torch.manual_seed(5)
    problem = made.prepare(problem)
    model = method.build_backbone(problem)
    problem = replace(problem, hops=model.hops)
    protocol = Protocol(epochs=epochs, dynamics_every=1)
    parts = (problem, model, made, None, None, protocol, evaluator, TimeLedger(), lambda point, spent: None)
    return Trainer(*parts).run(), made.facts()


@pytest.mark.parametrize("strategy", [SAMPLED, "labor(batch_size=100,neighbors=4"])
def test_training_is_the_same_as_with_the_graph_in_memory(data: GraphData, strategy: str) -> None:
    (there, facts), (here, also) = trained(data, f"{strategy})"), trained(data, f"{strategy},graph=disk)")
    for one, other in zip(there.curve, here.curve, strict=True):
        assert one["train_loss"] == other["train_loss"]
        assert one["validation_metric"] == pytest.approx(other["validation_metric"], abs=2 / NODES)
        assert (one["node_visits"], one["edge_visits"]) == (other["node_visits"], other["edge_visits"])
    assert (there.predictions["test"] == here.predictions["test"]).mean() > 0.999
    assert {**facts, "sampler": None} == {**also, "sampler": None}
    # states are those of a whole graph, weights are there without one
    assert {"dirichlet_energy"} >= {item["quantity"] for item in there.dynamics} - {
        item["quantity"] for item in here.dynamics
    }
    assert here.dynamics


class NoTableOfNodes(TorchDispatchMode):
    """Fails on the first tensor that has a row for each node."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for item in made if isinstance(made, tuple | list) else [made]:
            if isinstance(item, torch.Tensor) and item.numel() >= NODES and item.shape[0] >= NODES:
                raise AssertionError(f"{func} made a tensor of shape {list(item.shape)}")
        return made


def test_no_step_makes_a_table_of_all_nodes(data: GraphData) -> None:
    method = Method.parse("sage(layers=2,hidden=8)+neighbor_sampling(batch_size=10,neighbors=2,graph=disk)")
    problem, _ = pose_on_disk(data, 0, CPU)
    strategy = method.build("strategy")
    model = method.build_backbone(problem)
    with NoTableOfNodes():
        problem = replace(strategy.prepare(problem), hops=2)
        views = list(strategy.views(problem))
        problem.loss(model(views[0]), views[0]).backward()
    assert len(views) == -(-len(data.splits[0].train) // 10)
    assert max(view.num_nodes for view in views) < NODES


def test_views_hold_training_labels_of_their_seeds_only(data: GraphData) -> None:
    problem, evaluator = pose_on_disk(data, 0, CPU)
    everything = problem.whole.on(torch.arange(NODES), problem.graph.adjacency)
    there, in_memory = pose(data, 0, CPU)
    assert torch.equal(everything.y, there.graph.y) and torch.equal(everything.train_mask, there.graph.train_mask)
    assert torch.equal(everything.x, there.graph.x)
    assert torch.equal(
        problem.stored.train[torch.arange(len(problem.stored.train))], there.graph.train_mask.nonzero()[:, 0]
    )
    assert np.array_equal(evaluator.valid_labels, in_memory.valid_labels)
    assert (problem.graph.num_nodes, problem.graph.x.shape[1]) == (0, 8)


def test_a_trial_runs_on_disk(harness, tmp_path: Path) -> None:
    name = "gcn(layers=2,hidden=8)+neighbor_sampling(batch_size=40,neighbors=3,graph=disk)"
    report, _ = harness.run(harness.plan(name), tmp_path / "trials.duckdb", jobs=2)
    [row] = [record for record in report.records if record.method == name]
    assert row.status is Status.FINISHED and row.test_metric > 0.4 and row.peak_memory_bytes > 0
    assert row.environment["strategy"]["sampler"] == "torch"


def test_strategies_that_need_the_whole_graph_say_which_do_not() -> None:
    for name in ("full_batch", "sgc", "cluster_gcn"):
        with pytest.raises(
            SpecError, match=rf"{name} has no parameter 'graph'; what has it: .*labor and neighbor_sampling"
        ):
            Method.parse(f"gcn+{name}(graph=disk)")


@pytest.mark.parametrize("part", ["qlr(bits=4)", "dr_rg"])
def test_parts_that_look_at_the_whole_graph_are_refused(data: GraphData, part: str) -> None:
    problem, _ = pose_on_disk(data, 0, CPU)
    method = Method.parse(f"{BACKBONE}+{SAMPLED},graph=disk)+{part}")
    with pytest.raises(MethodError, match="looks at the whole graph, which stays on disk; leave it out, or graph=disk"):
        check_on_disk(method, method.build_backbone(problem))


def test_a_network_that_needs_all_its_layers_is_refused(data: GraphData) -> None:
    problem, _ = pose_on_disk(data, 0, CPU)
    method = Method.parse(f"appnp+{SAMPLED},graph=disk)")
    with pytest.raises(MethodError, match="APPNP cannot predict a graph that stays on disk"):
        check_on_disk(method, method.build_backbone(problem))


def test_data_that_cannot_stay_on_disk_is_refused(data: GraphData) -> None:
    with pytest.raises(BenchError, match="is not read from a prepared copy"):
        pose_on_disk(replace(data, x=np.array(data.x)), 0, CPU)
    with pytest.raises(BenchError, match="is a set of graphs, which cannot stay on disk; leave out graph=disk"):
        pose_on_disk(replace(data, graph_ptr=np.array([0, 10, NODES])), 0, CPU)


@pytest.fixture
def measured() -> Iterator[None]:
    if not Path("/proc/self/clear_refs").exists() or not resident.reset_high_water_mark():
        pytest.skip("this system does not reset the high-water mark of the resident set (/proc/self/clear_refs)")
    yield


@pytest.mark.usefixtures("measured")
def test_pages_that_were_read_are_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    floats, page = 2**24, 1024  # 64 MiB, a float of every page
    np.save(tmp_path / "x.npy", np.ones(floats, np.float32))
    monkeypatch.setattr(disk_array, "WINDOW_BYTES", 2**20)
    stored = DiskArray.of(np.load(tmp_path / "x.npy", mmap_mode="r"))
    rows = torch.arange(0, floats, page)[torch.randperm(floats // page)]
    stored[rows[:9]]
    resident.give_back_free_memory()
    resident.reset_high_water_mark()
    before = resident.current_bytes()
    assert before is not None
    assert stored[rows].sum() == len(rows)
    assert resident.high_water_mark_bytes() - before < 2**24


@pytest.fixture
def large(tmp_path: Path) -> Iterator[dict[int, dict[str, Any]]]:
    """Trials by the nodes of their graph, whose features are larger than what of a file is resident at a time."""
    protocol = Protocol(epochs=1, seconds=1.0, dynamics_every=None, threads=1)
    documents = {
        nodes: {
            "dataset": f"csbm(nodes={nodes},degree=4.0,features=256)", "data_dir": None, "cache_dir": str(tmp_path),
            "split": 0, "seed": 0, "repeat": 0, "protocol": protocol.settings(), "device": "cpu",
        }
        for nodes in (20_000, 200_000)
    }  # fmt: skip
    for document in documents.values():
        registry.load(document["dataset"], cache_dir=tmp_path)
    assert min(documents) * 256 * 4 > disk_array.WINDOW_BYTES
    yield documents
    shutil.rmtree(tmp_path / "datasets")  # pytest would keep a quarter of a gigabyte


@pytest.mark.slow
@pytest.mark.usefixtures("measured")
def test_ten_times_the_nodes_take_no_more_memory_on_disk_and_far_more_in_memory(
    large: dict[int, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # with these, what an evaluation frees goes back to the system, and is not there when training goes on
    thresholds = (f"glibc.malloc.{name}_threshold={2**17}" for name in ("mmap", "trim"))
    monkeypatch.setenv("GLIBC_TUNABLES", ":".join(thresholds))
    grown = {}
    for place in ("disk", "device"):
        method = f"sage(layers=2,hidden=16)+neighbor_sampling(batch_size=32,neighbors=3,graph={place})"
        documents = [{**document, "method": method} for document in large.values()]
        ended = LocalExecutor(tmp_path / place, jobs=2, timeout=60.0).run(documents, lambda index, event: None)
        peaks = {item.index: item.result["peak_memory_bytes"] for item in ended}
        grown[place] = peaks[1] / peaks[0]
    assert grown["disk"] < 1.3 and grown["device"] > 2, grown
