"""Epochs that several processes share: together they make the steps of one, with the work of drawing divided."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from methods.graph import GraphView
from methods.method import Method
from methods.problem import Problem, Share

DIVIDED = [
    "neighbor_sampling(batch_size=7)",
    "labor(batch_size=7)",
    "random_nodes(parts=5)",
    "cluster_gcn(parts=5,parts_per_step=1)",
    "sgc(batch_size=7)",
    "sign(batch_size=7)",
]


def shared(problem: Problem, process: int, processes: int) -> Problem:
    """The problem as a process gets it after `prepare`, which has drawn the same numbers in all."""
    own = torch.Generator().manual_seed(100 + process)
    return replace(problem, generator=own, share=Share(process, processes, problem.generator))


def epochs(strategy_spec: str, random_graph, pose, epoch, processes: int) -> list[list[list[GraphView]]]:
    """Views by epoch and process, two epochs."""
    by_process = []
    for process in range(processes):
        strategy, problem = Method.parse(f"gcn+{strategy_spec}").build("strategy"), pose(random_graph)
        problem = strategy.prepare(problem)
        part = shared(problem, process, processes)
        by_process.append([epoch(strategy, part) for _ in range(2)])
    return [list(views) for views in zip(*by_process, strict=True)]


@pytest.mark.parametrize("spec", DIVIDED)
def test_processes_see_every_training_node_once_an_epoch(random_graph, pose, epoch, spec: str) -> None:
    first, second = epochs(spec, random_graph, pose, epoch, processes=2)
    for by_process in (first, second):
        trained = [view.nodes[view.train_mask].tolist() for views in by_process for view in views]
        assert sorted(node for nodes in trained for node in nodes) == list(range(40))
        counts = [len(views) for views in by_process]
        assert counts[0] - counts[1] in (0, 1)
        assert min(counts) >= 2
    # another order in every epoch, the same in all processes
    assert first[0][0].nodes.tolist() != second[0][0].nodes.tolist()


def test_processes_draw_neighbours_by_random_numbers_of_their_own(random_graph, pose, epoch) -> None:
    spec = "neighbor_sampling(batch_size=40,neighbors=2)"
    problems = [pose(random_graph, seed=0) for _ in range(2)]
    drawn = []
    for process, problem in enumerate(problems):
        strategy = Method.parse(f"gcn+{spec}").build("strategy")
        strategy.prepare(problem)
        # each alone with one batch of all nodes in the same order
        part = replace(shared(problem, process, 1), share=Share(0, 1, problem.generator))
        [view] = epoch(strategy, part)
        drawn.append(view)
    assert drawn[0].nodes[:40].tolist() == drawn[1].nodes[:40].tolist()
    assert drawn[0].adjacency.indices.tolist() != drawn[1].adjacency.indices.tolist()


def test_independent_draws_are_divided_by_number(random_graph, pose, epoch) -> None:
    spec = "graph_saint(sampler=node,size=8)"
    [[alone], _] = epochs(spec, random_graph, pose, epoch, processes=1)
    by_process, _ = epochs(spec, random_graph, pose, epoch, processes=3)
    assert sum(len(views) for views in by_process) == len(alone) > 3
    assert by_process[0][0].nodes.tolist() != by_process[1][0].nodes.tolist()


@pytest.mark.parametrize("spec", ["full_batch", "coarse_to_fine", "sub_to_full", "multiscale_gradient", "sgc", "sign"])
def test_epochs_that_are_no_row_of_mini_batches_are_not_divided(spec: str) -> None:
    assert Method.parse(f"gcn+{spec}").build("strategy").divides is False


@pytest.mark.parametrize("spec", [*DIVIDED, "graph_saint"])
def test_epochs_of_mini_batches_are_divided(spec: str) -> None:
    assert Method.parse(f"gcn+{spec}").build("strategy").divides is True


def test_a_process_alone_takes_all_and_orders_by_its_own_numbers(random_graph, pose) -> None:
    problem = pose(random_graph)
    items = [1, 2, 3]
    assert problem.own(items) is items
    assert problem.order is problem.generator
    part = shared(problem, 1, 2)
    assert list(part.own(range(5))) == [1, 3]
    assert part.order is problem.generator is not part.generator
