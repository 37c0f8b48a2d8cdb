"""Multiscale gradients: batches, cost, phases (specification 9.3, 9.6.2) and their law on Q-Tips (9.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
import torch

from bench.clock import TimeLedger
from bench.protocol import Protocol
from bench.training import Outcome, Trainer, set_mode
from methods.errors import MethodError
from methods.method import Method
from methods.problem import Problem, Progress
from methods.strategies.full_batch import FullBatch
from methods.strategies.multiscale.multiscale_gradient import MultiscaleGradient, part_sizes
from methods.strategy import Step, Strategy

START = Progress(0, 0.0)


class Silent:
    def evaluate(self, model: torch.nn.Module, problem: Problem) -> tuple[float, dict[str, Any]]:
        return 0.0, {}


def train(
    strategy: Strategy, problem: Problem, epochs: int, backbone: str = "gcn(layers=2,hidden=8,norm=batch)"
) -> tuple[torch.nn.Module, Outcome]:
    torch.manual_seed(0)
    problem = strategy.prepare(problem)
    model = Method.parse(backbone).build_backbone(problem).to(problem.graph.x.dtype)
    trainer = Trainer(
        problem, model, strategy, None, None, Protocol(epochs=epochs), Silent(), TimeLedger(), lambda *_: None
    )  # type: ignore[arg-type]
    return model, trainer.run()


def first_epoch(strategy: Strategy, problem: Problem) -> list[Step]:
    return list(strategy.steps(strategy.prepare(problem), START))


@pytest.fixture
def one(graphs) -> Problem:
    return graphs.posed(graphs.view_of(graphs.random_adjacency(200, 800, True, 0)))


@pytest.fixture
def many(graphs) -> Callable[[int], Problem]:
    return lambda count: graphs.posed(
        graphs.union_of(*(graphs.random_adjacency(16 + size, 60, True, size) for size in range(count)))
    )


@pytest.mark.parametrize(("levels", "sizes"), [(1, [4]), (2, [4, 8]), (3, [4, 8, 16])])
@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("pooling", ["random", "subgraph"])
def test_a_step_uses_each_graph_of_its_batch_once(many, levels: int, sizes: list[int], nested: bool, pooling) -> None:
    problem = many(sum(sizes) + 3)
    problem.graph.train_mask[:] = True
    strategy = MultiscaleGradient(levels=levels, nested=nested, pooling=pooling)
    (step,) = first_epoch(strategy, problem)
    positive = [term for term in step if term.weight > 0]
    assert [term.view.num_graphs for term in positive] == sizes
    assert [(term.weight, term.scale) for term in step] == [
        pair for level in range(levels - 1) for pair in ((1.0, level), (-1.0, level + 1))
    ] + [(1.0, levels - 1)]
    owner = problem.graph.graph_of_node()
    used = torch.cat([owner[term.view.nodes].unique() for term in positive])
    assert used.unique().numel() == used.numel() == sum(sizes)
    for fine, coarse in zip(step[:-1:2], step[1::2], strict=True):
        assert torch.equal(owner[fine.view.nodes].unique(), owner[coarse.view.nodes].unique())
        assert bool(torch.isin(coarse.view.nodes, fine.view.nodes).all()) or not nested


def test_the_released_code_sums_absolute_values_of_independent_pairs(many) -> None:
    problem = many(3)
    problem.graph.train_mask[:] = True
    [step] = first_epoch(MultiscaleGradient(levels=2, smallest_batch=1, profile="release"), problem)
    assert [(term.weight, term.absolute) for term in step] == [(1.0, 0), (-1.0, 0), (1.0, None)]
    [three] = first_epoch(MultiscaleGradient(levels=3, smallest_batch=1, profile="release"), many(7))
    assert [term.absolute for term in three] == [0, 0, 1, 1, None]
    fine, coarse = three[2].view, three[3].view
    assert not bool(torch.isin(coarse.nodes, fine.nodes).all())


def test_the_released_code_runs_on_sets_of_graphs_only(one: Problem) -> None:
    with pytest.raises(MethodError, match="no multiscale gradients on one graph"):
        MultiscaleGradient(profile="release").prepare(one)


def test_incomplete_batches_are_left_out_unless_there_is_no_other(many) -> None:
    assert len(first_epoch(MultiscaleGradient(levels=2, smallest_batch=2), many(20))) == 3
    (step,) = first_epoch(MultiscaleGradient(levels=2, smallest_batch=50), many(20))
    assert [term.view.num_graphs for term in step] == [6, 6, 14]
    with pytest.raises(MethodError, match="levels=3 needs as many training graphs, but there are 2; use fewer levels"):
        MultiscaleGradient().prepare(many(2))


@pytest.mark.parametrize(("graphs_", "levels"), [(28, 3), (3, 3), (4, 3), (6, 4), (20, 5), (5, 1)])
def test_part_sizes(graphs_: int, levels: int) -> None:
    sizes = part_sizes(graphs_, levels)
    assert sum(sizes) == graphs_ and min(sizes) >= 1 and len(sizes) == levels
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("levels", [2, 3])
def test_work_follows_the_formula(tips: Problem, levels: int) -> None:
    strategy = MultiscaleGradient(levels=levels, smallest_batch=2)
    prepared, nodes, edges, graphs = strategy.prepare(tips), 0, 0, 0
    for epoch in range(8):
        for step in strategy.steps(prepared, Progress(epoch, 0.0)):
            nodes += sum(term.view.num_nodes for term in step)
            edges += sum(term.view.num_edges for term in step)
            graphs += 2 * (2**levels - 1)

    def kappa(gamma: float) -> float:
        pairs = sum(2**level * (gamma**-level + gamma ** -(level + 1)) for level in range(levels - 1))
        return (pairs + 2 ** (levels - 1) * gamma ** -(levels - 1)) / (2**levels - 1)

    fine = graphs / tips.graph.num_graphs
    assert nodes == pytest.approx(kappa(2) * fine * tips.graph.num_nodes, rel=0.03)
    assert edges == pytest.approx(kappa(4) * fine * tips.graph.num_edges, rel=0.03)


def test_the_completion_phase_is_ordinary_training(many) -> None:
    strategy = MultiscaleGradient(levels=2, smallest_batch=2, completion=0.25)
    _, outcome = train(strategy, many(20), epochs=8)
    # 3 complete batches of 6 in each of 6 epochs, then all 20 graphs in 4 batches
    assert [(segment["scales"], segment["steps"]) for segment in outcome.schedule] == [([0, 1], 18), ([0], 8)]


@pytest.mark.parametrize("data", ["one", "many"])
def test_one_level_is_full_batch_bit_for_bit(one: Problem, many, data: str) -> None:
    problem = one if data == "one" else many(21)
    fresh = replace(problem, generator=torch.Generator().manual_seed(0))
    model, _ = train(MultiscaleGradient(levels=1, smallest_batch=7, completion=0.5), problem, 4)
    expected, _ = train(FullBatch(graphs_per_step=7), fresh, 4)
    for left, right in zip(model.state_dict().values(), expected.state_dict().values(), strict=True):
        assert torch.equal(left, right)


def test_on_one_graph_differences_last_and_end_before_the_completion(one: Problem) -> None:
    strategy = MultiscaleGradient(levels=3, refresh_every=6, completion=0.5)
    _, outcome = train(strategy, one, epochs=20)
    # half the budget is spent at epoch 10, but the second correction counts until epoch 12
    expected = [([0, 1, 2], 1), ([2], 5), ([0, 1, 2], 1), ([2], 5), ([0], 8)]
    assert [(segment["scales"], segment["steps"]) for segment in outcome.schedule] == expected
    (first,) = first_epoch(MultiscaleGradient(levels=3, refresh_every=6), one)
    assert [(term.weight, term.scale, term.lasts) for term in first] == [
        (1.0, 0, 6), (-1.0, 1, 6), (1.0, 1, 6), (-1.0, 2, 6), (1.0, 2, 1),
    ]  # fmt: skip


def test_only_finest_views_move_running_statistics(many) -> None:
    problem, strategy = many(12), MultiscaleGradient(levels=2)
    (step,) = first_epoch(strategy, problem)
    torch.manual_seed(0)
    model = Method.parse("gcn(layers=2,hidden=8,norm=batch,dropout=0.0)").build_backbone(problem)
    buffers = []
    for terms in (step[:1], step):
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm1d):
                module.reset_running_stats()
        for term in terms:
            set_mode(model, term.mode)
            model(term.view)
        buffers.append([buffer.clone() for buffer in model.buffers()])
    assert all(torch.equal(left, right) for left, right in zip(*buffers, strict=True))


def test_facts_and_levels_that_do_not_fit(one: Problem) -> None:
    strategy = MultiscaleGradient(refresh_every=2)
    train(strategy, one, epochs=8)
    levels = {entry["level"]: (entry["draws"], entry["nodes"]) for entry in strategy.facts()["levels"]}
    # in 4 epochs two corrections and four coarsest terms
    assert levels == {1: (4, 100.0), 2: (6, 50.0)} and strategy.facts()["profile"] == "corrected"
    with pytest.raises(MethodError, match="levels=9 with ratio=2 leaves fewer than 2 of 200 nodes"):
        MultiscaleGradient(levels=9).prepare(one)


def test_one_graph_is_recorded_as_an_extension_of_the_paper(one: Problem, many) -> None:
    for problem, extension in ((one, True), (many(9), False)):
        strategy = MultiscaleGradient(levels=2, smallest_batch=1)
        strategy.prepare(problem)
        assert strategy.facts()["extension"] is extension


@pytest.fixture(scope="module")
def trained(tips: Problem) -> torch.nn.Module:
    """Three layers of GCN after 60 steps of Adam on some of the graphs, float64."""
    torch.manual_seed(0)
    model = Method.parse("gcn(layers=3,hidden=16,dropout=0.0)").build_backbone(tips).double()
    optimizer, batch = torch.optim.Adam(model.parameters(), lr=0.01), tips.graph.graphs(torch.arange(12))
    for _ in range(60):
        optimizer.zero_grad()
        tips.loss(model(batch), batch).backward()
        optimizer.step()
    return model


def gradient(model: torch.nn.Module, loss: torch.Tensor) -> torch.Tensor:
    return torch.cat([part.flatten() for part in torch.autograd.grad(loss, list(model.parameters()))])


def errors(draws: Iterable[torch.Tensor], truth: torch.Tensor) -> float:
    """Distance of the mean from the truth in standard errors of the mean, both as norms of vectors."""
    values = torch.stack(list(draws)).detach()
    return float((values.mean(0) - truth).norm() / (values.var(0).sum() / len(values)).sqrt())


def test_the_signed_sum_is_unbiased_and_absolute_values_are_not(tips: Problem, trained: torch.nn.Module) -> None:
    truth = gradient(trained, tips.loss(trained(tips.graph), tips.graph))
    strategy = MultiscaleGradient(levels=3, smallest_batch=2)
    prepared = strategy.prepare(replace(tips, generator=torch.Generator().manual_seed(0)))
    signed, absolute, coarse = [], [], []
    for epoch in range(28):
        for step in strategy.steps(prepared, Progress(epoch, 0.0)):
            losses = [tips.loss(trained(term.view), term.view) for term in step]
            gradients = [gradient(trained, loss) for loss in losses]
            pairs = [(losses[at] - losses[at + 1], gradients[at] - gradients[at + 1]) for at in (0, 2)]
            signed.append(sum(difference for _, difference in pairs) + gradients[4])
            absolute.append(sum(loss.sign() * difference for loss, difference in pairs) + gradients[4])
            coarse.append(gradients[4])
    assert len(signed) == 112
    assert errors(signed, truth) < 3
    assert errors(absolute, truth) > 3
    assert errors(coarse, truth) > 3


def test_differences_vary_much_less_than_gradients(tips: Problem, trained: torch.nn.Module) -> None:
    strategy = MultiscaleGradient(levels=3)
    strategy.prepare(replace(tips, generator=torch.Generator().manual_seed(0)))

    def variance(draw: Callable[[torch.Tensor], torch.Tensor]) -> float:
        return float(torch.stack([draw(torch.tensor([graph])) for graph in range(48)]).var(0).sum())

    def of_level(graph: torch.Tensor, level: int) -> torch.Tensor:
        (view,) = strategy.coarsener.views(graph, (level,))
        return gradient(trained, tips.loss(trained(view), view))

    def of_difference(graph: torch.Tensor, level: int) -> torch.Tensor:
        fine, coarse = strategy.coarsener.views(graph, (level, level + 1))
        return gradient(trained, tips.loss(trained(fine), fine) - tips.loss(trained(coarse), coarse))

    whole = variance(lambda graph: of_level(graph, 0))
    assert whole > 5 * variance(lambda graph: of_difference(graph, 0))
    assert whole > 5 * variance(lambda graph: of_difference(graph, 1))


def test_steps_without_a_finest_view_leave_its_statistics_to_settle(one: Problem) -> None:
    strategy = MultiscaleGradient(refresh_every=2)
    problem = strategy.prepare(one)
    torch.manual_seed(0)
    model = Method.parse("gcn(layers=2,hidden=8,norm=batch)").build_backbone(problem).train()
    changed = []
    for epoch in range(4):
        list(strategy.steps(problem, Progress(epoch, 0.0)))
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm1d):
                module.reset_running_stats()
        before = [buffer.clone() for buffer in model.buffers()]
        strategy.settle(model, problem)
        changed.append(any(not torch.equal(*pair) for pair in zip(before, model.buffers(), strict=True)))
    assert changed == [False, True, False, True]
