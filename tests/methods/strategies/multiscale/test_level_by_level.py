"""Coarse-to-fine and sub-to-full in the training loop (specification 9.2), and what they do with bad input."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch

from bench.clock import TimeLedger
from bench.protocol import Protocol
from bench.training import Outcome, Trainer
from methods.adjacency import Adjacency
from methods.errors import MethodError, SpecError
from methods.method import Method
from methods.problem import Problem, Progress
from methods.strategies.full_batch import FullBatch
from methods.strategies.multiscale.coarse_to_fine import CoarseToFine
from methods.strategies.multiscale.level_by_level import LevelByLevel
from methods.strategies.multiscale.sub_to_full import SubToFull
from methods.strategy import Step, Strategy, Term

GCN = "gcn(layers=2,hidden=8,norm=batch)"


class Silent:
    """An evaluator that predicts with the model as it is, or does not even look at it."""

    def __init__(self, looks: bool = True) -> None:
        self.looks = looks

    def evaluate(self, model: torch.nn.Module, problem: Problem) -> tuple[float, dict[str, Any]]:
        if self.looks:
            model.eval()
            with torch.inference_mode():
                model(problem.graph)
            model.train()
        return 0.0, {}


class Noted(Strategy):
    """A strategy whose terms are written down, with the weights before and after each step."""

    model: torch.nn.Module

    def __init__(self, inner: Strategy) -> None:
        self.inner, self.terms = inner, list[Term]()
        self.before: list[torch.Tensor] = []
        self.after: list[torch.Tensor] = []

    def prepare(self, problem: Problem) -> Problem:
        return self.inner.prepare(problem)

    def steps(self, problem: Problem, progress: Progress) -> Iterable[Step]:
        for step in self.inner.steps(problem, progress):
            self.terms += step
            self.before.append(self._weights())
            yield step
            self.after.append(self._weights())

    def settle(self, model: torch.nn.Module, problem: Problem) -> None:
        self.inner.settle(model, problem)

    def _weights(self) -> torch.Tensor:
        return torch.cat([parameter.detach().flatten() for parameter in self.model.parameters()])


def train(
    strategy: Strategy, problem: Problem, backbone: str = GCN, looks: bool = True, **settings: Any
) -> tuple[torch.nn.Module, Outcome]:
    torch.manual_seed(0)
    problem = strategy.prepare(problem)
    model = Method.parse(backbone).build_backbone(problem)
    if isinstance(strategy, Noted):
        strategy.model = model
    protocol = Protocol(**{"epochs": 7, **settings})
    trainer = Trainer(problem, model, strategy, None, None, protocol, Silent(looks), TimeLedger(), lambda *_: None)  # type: ignore[arg-type]
    return model, trainer.run()


def same(left: torch.nn.Module, right: torch.nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(left.state_dict().values(), right.state_dict().values(), strict=True))


@pytest.fixture
def one(graphs) -> Problem:
    return graphs.posed(graphs.view_of(graphs.random_adjacency(200, 800, True, 0)))


@pytest.fixture
def many(graphs) -> Problem:
    parts = [graphs.random_adjacency(20 + size, 60, size % 2 == 0, size) for size in range(11)]
    return graphs.posed(graphs.union_of(*parts))


@pytest.mark.parametrize("make", [CoarseToFine, SubToFull])
@pytest.mark.parametrize("data", ["one", "many"])
def test_one_level_is_full_batch_bit_for_bit(make, data: str, request) -> None:
    problem = request.getfixturevalue(data)
    batch = {"graphs_per_step": 4}
    fresh = replace(problem, generator=torch.Generator().manual_seed(0))
    ours, outcome = train(make(levels=1, **batch), problem)
    theirs, expected = train(FullBatch(**batch), fresh)
    assert same(ours, theirs)
    assert [point["train_loss"] for point in outcome.curve] == [point["train_loss"] for point in expected.curve]


@pytest.mark.parametrize("levels", [3, 4])
def test_each_level_takes_its_share_of_the_steps(one: Problem, levels: int) -> None:
    epochs = 3 * (2**levels - 1)
    _, outcome = train(CoarseToFine(levels=levels), one, epochs=epochs, evaluate_every=100)
    schedule = [(segment["scales"], segment["steps"]) for segment in outcome.schedule]
    assert schedule == [([level], 3 * 2**level) for level in reversed(range(levels))]


def test_work_follows_the_formula(graphs) -> None:
    problem = graphs.posed(graphs.view_of(graphs.random_adjacency(800, 8000, True, 0)))
    seen = views(CoarseToFine(levels=3), problem, [epoch / 140 for epoch in range(140)])
    nodes, edges = 20 * problem.graph.num_nodes, 20 * problem.graph.num_edges
    # (4.1) with rho = 2: 2^l 2^-l of the node work and 2^l 4^-l of the edge work at each level, 20 fine epochs
    assert sum(term.view.num_nodes for term in seen) == pytest.approx(3 * nodes, rel=0.02)
    assert sum(term.view.num_edges for term in seen) == pytest.approx((1 + 1 / 2 + 1 / 4) * edges, rel=0.02)


def test_weights_pass_from_level_to_level_and_level_0_is_the_graph_itself(one: Problem) -> None:
    strategy = Noted(CoarseToFine(levels=3))
    train(strategy, one, epochs=7)
    assert [term.scale for term in strategy.terms] == [2, 2, 2, 2, 1, 1, 0]
    assert strategy.terms[-1].view is one.graph
    assert [term.view.num_nodes for term in strategy.terms] == [50] * 4 + [100] * 2 + [200]
    for left, right in zip(strategy.after[:-1], strategy.before[1:], strict=True):
        assert torch.equal(left, right)
    assert all(not torch.equal(*pair) for pair in zip(strategy.before, strategy.after, strict=True))


@pytest.mark.parametrize("data", ["one", "many"])
@pytest.mark.parametrize("make", [CoarseToFine, SubToFull])
def test_evaluation_leaves_no_trace_in_the_weights(make, data: str, request) -> None:
    problem = request.getfixturevalue(data)
    results = []
    for looks, every in ((True, 1), (False, 1), (False, 7)):
        fresh = replace(problem, generator=torch.Generator().manual_seed(0))
        model, _ = train(make(levels=3, graphs_per_step=4), fresh, GCN, looks, evaluate_every=every)
        results.append(dict(model.named_parameters()))
    for name, value in results[0].items():
        assert torch.equal(value, results[1][name]) and torch.equal(value, results[2][name])


VARIANTS = [
    "coarse_to_fine",
    "coarse_to_fine(pooling=top_k)",
    "coarse_to_fine(pooling=hybrid)",
    "coarse_to_fine(pooling=heavy_edge)",
    "coarse_to_fine(power=2)",
    "coarse_to_fine(max_neighbors=2,pooling=top_k)",
    "sub_to_full",
    "sub_to_full(subgraphs=random)",
    "sub_to_full(power=3,max_neighbors=1)",
    "coarse_to_fine(profile=release)",
    "coarse_to_fine(profile=release,pooling=top_k)",
    "coarse_to_fine(power=2,profile=release,pooling=hybrid)",
    "sub_to_full(profile=release)",
]


@pytest.mark.parametrize("data", ["one", "many"])
@pytest.mark.parametrize("text", VARIANTS)
def test_every_variant_trains_without_touching_the_problem(text: str, data: str, request) -> None:
    problem: Problem = request.getfixturevalue(data)
    strategy = Method.parse(f"gcn+{text}").build("strategy")
    graph = problem.graph
    before = [graph.x.clone(), graph.y.clone(), graph.train_mask.clone(), graph.adjacency.indices.clone()]
    strategy.graphs_per_step = 4
    noted = Noted(strategy)
    model, outcome = train(noted, problem)
    assert all(torch.isfinite(value).all() for value in model.state_dict().values())
    assert all(torch.isfinite(torch.tensor(point["train_loss"])) for point in outcome.curve)
    after = [graph.x, graph.y, graph.train_mask, graph.adjacency.indices]
    assert all(torch.equal(left, right) for left, right in zip(before, after, strict=True))
    assert {term.scale for term in noted.terms} == {0, 1, 2}
    # labels are rows of the graph's own, or of the most frequent of a cluster: never beyond the classes
    assert {int(label) for term in noted.terms for label in term.view.y[term.view.train_mask]} <= {0, 1, 2}
    facts = strategy.facts()
    assert facts["profile"] == strategy.profile and facts["skipped"] == 0
    assert [level["level"] for level in facts["levels"]] == [1, 2]


def test_the_global_generator_is_left_alone(one: Problem) -> None:
    strategy = SubToFull(max_neighbors=2)
    torch.manual_seed(3)
    before = torch.get_rng_state()
    problem = strategy.prepare(one)
    for fraction in (0.0, 0.7, 0.9):
        list(strategy.steps(problem, Progress(0, fraction)))
    assert torch.equal(torch.get_rng_state(), before)


def views(strategy: LevelByLevel, problem: Problem, fractions: list[float]) -> list[Term]:
    problem = strategy.prepare(problem)
    return [
        term
        for epoch, fraction in enumerate(fractions)
        for step in strategy.steps(problem, Progress(epoch, fraction))
        for term in step
    ]


def test_fresh_draws_every_few_steps_and_fixed_ones_for_good(one: Problem) -> None:
    seen = views(CoarseToFine(levels=2, resample_every=3), one, [0.0] * 7)
    changes = [left.view is not right.view for left, right in pairwise(seen)]
    assert changes == [False, False, True, False, False, True]
    for pooling in ("top_k", "heavy_edge"):
        fixed = CoarseToFine(levels=2, pooling=pooling)
        seen = views(fixed, one, [0.0] * 4)
        assert len({id(term.view.adjacency) for term in seen}) == 1


def test_the_hybrid_starts_with_random_nodes_at_every_level(one: Problem) -> None:
    connected = [
        term.view.adjacency.degrees().count_nonzero() == term.view.num_nodes
        for term in views(CoarseToFine(pooling="hybrid", levels=4, ratio=3.0), one, [0.0] * 3 + [0.6] * 3)
    ]
    assert connected == [False, True, False] * 2


def test_fractions_of_steps_add_up(one: Problem) -> None:
    strategy = CoarseToFine(steps_per_epoch=2.8, levels=3)
    problem = strategy.prepare(one)
    counts = [len(list(strategy.steps(problem, Progress(epoch, epoch / 20)))) for epoch in range(20)]
    assert sum(counts) == 56 and set(counts) == {2, 3}


def test_the_whole_graph_is_never_seen_above_the_finest_level(one: Problem) -> None:
    strategy = Noted(SubToFull(finest=1))
    train(strategy, one, epochs=6)
    assert [term.scale for term in strategy.terms] == [2] * 4 + [1] * 2
    assert max(term.view.num_nodes for term in strategy.terms) == 100


def test_the_finest_level_in_parts_covers_every_node_once_and_every_label_alike(one: Problem) -> None:
    strategy = CoarseToFine(levels=2, fine_parts=3)
    strategy.prepare(one)
    [step] = strategy.steps(one, Progress(9, 0.9))
    assert [term.scale for term in step] == [0, 0, 0]
    nodes = torch.cat([term.view.nodes for term in step])
    assert nodes.sort().values.tolist() == list(range(one.graph.num_nodes))
    labels = [int(term.view.train_mask.sum()) for term in step]
    assert [term.weight for term in step] == pytest.approx([count / sum(labels) for count in labels])
    kept = sum(term.view.num_edges for term in step)
    assert strategy.facts()["edge_cut"] == pytest.approx(1 - kept / one.graph.num_edges)
    # one part without the edges between the parts is the loss of an edgeless model of the whole graph
    torch.manual_seed(0)
    model = Method.parse("mlp(layers=2,hidden=8,dropout=0.0)").build_backbone(one)
    total = sum(term.weight * one.loss(model(term.view), term.view) for term in step)
    torch.testing.assert_close(total, one.loss(model(one.graph), one.graph))


def test_unions_are_coarsened_graph_by_graph_in_a_shuffled_pass(many: Problem) -> None:
    seen = views(SubToFull(levels=2, graphs_per_step=4), many, [0.0])
    graph = many.graph
    assert graph.graph_ptr is not None
    assert [term.view.num_graphs for term in seen] == [4, 4, 3]
    nodes = torch.cat([term.view.nodes for term in seen if term.view.nodes is not None])
    sizes = graph.graph_ptr[1:] - graph.graph_ptr[:-1]
    assert torch.equal(torch.bincount(graph.graph_of_node()[nodes]), sizes // 2)
    assert nodes.unique().numel() == nodes.numel()


def test_the_released_code_switches_to_evaluation_after_a_level_s_first_epoch(one: Problem) -> None:
    seen = views(CoarseToFine(levels=3, profile="release"), one, [0.0, 0.2, 0.6, 0.7, 0.9, 0.95])
    assert [term.mode for term in seen] == ["train", "evaluate"] * 3
    assert {term.mode for term in views(CoarseToFine(levels=2), one, [0.0, 0.1, 0.9, 0.95])} == {"train"}


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("power", [1, 2])
def test_the_released_code_adds_both_directions(graphs, symmetric: bool, power: int) -> None:
    stored = graphs.random_adjacency(30, 60, symmetric, 0)
    problem = graphs.posed(graphs.view_of(stored))
    strategy = CoarseToFine(levels=2, power=power, profile="release")
    prepared = strategy.prepare(problem)
    both = graphs.dense(stored) + graphs.dense(stored).T
    assert torch.equal(graphs.dense(prepared.graph.adjacency), both)
    ((term,),) = strategy.steps(prepared, Progress(0, 0.0))
    walks = (torch.matrix_power(graphs.dense(stored), power) > 0).double()[term.view.nodes][:, term.view.nodes]
    assert torch.equal(graphs.dense(term.view.adjacency), walks + walks.T)


def test_the_released_code_never_draws_trailing_isolated_nodes(graphs) -> None:
    path = graphs.path_of(10)
    longer = Adjacency(torch.cat([path.indptr, path.indptr[-1:].repeat(6)]), path.indices, 16, symmetric=True)
    seen = views(CoarseToFine(levels=2, profile="release"), graphs.posed(graphs.view_of(longer)), [0.0] * 30)
    assert {term.view.num_nodes for term in seen} == {5}
    assert max(int(term.view.nodes.max()) for term in seen) < 10


def test_the_released_code_pools_a_union_as_one_graph(many: Problem) -> None:
    seen = views(CoarseToFine(levels=2, graphs_per_step=11, profile="release"), many, [0.0])
    assert seen[0].view.num_nodes == many.graph.num_nodes // 2
    subgraph = views(SubToFull(levels=2, graphs_per_step=11, profile="release"), many, [0.0])
    assert (torch.bincount(subgraph[0].view.graph_of_node()) > 0).sum() == 1


def one_label(graph, graphs):
    mask = torch.zeros(graph.num_nodes, dtype=torch.bool)
    mask[5] = True
    return graphs.posed(replace(graph, train_mask=mask, y=torch.where(mask, 1, -1)))


def test_draws_without_a_training_label_are_repeated_and_counted(graphs) -> None:
    problem = one_label(graphs.view_of(graphs.random_adjacency(40, 100, True, 0)), graphs)
    strategy = CoarseToFine(levels=3)
    seen = views(strategy, problem, [0.0] * 40)
    assert all(term.view.train_mask.any() for term in seen)
    # a quarter of the nodes: three draws in four miss the one labelled node
    assert 60 < strategy.facts()["redraws"] < 200


def test_the_released_code_keeps_draws_without_a_training_label(graphs) -> None:
    problem = one_label(graphs.view_of(graphs.random_adjacency(40, 100, True, 0)), graphs)
    strategy = CoarseToFine(levels=3, profile="release")
    assert not all(term.view.train_mask.any() for term in views(strategy, problem, [0.0] * 40))
    assert strategy.facts()["redraws"] == 0


def test_a_level_that_never_has_a_training_label_is_said(graphs) -> None:
    star = torch.zeros(400, dtype=torch.int64), torch.arange(1, 401)
    adjacency = Adjacency.from_edges(torch.cat(star), torch.cat(star[::-1]), 401, symmetric=True)
    problem = one_label(graphs.view_of(adjacency), graphs)
    with pytest.raises(MethodError, match="51 coarse graphs of level 8 in a row had no training label; use fewer"):
        views(CoarseToFine(levels=9, ratio=1.9), problem, [0.0])
    # the largest degrees first, then the smallest ids: node 5 is out at level 7, at every draw
    with pytest.raises(MethodError, match="1 coarse graphs of level 7 in a row had no training label"):
        views(CoarseToFine(levels=9, ratio=1.9, pooling="top_k"), problem, [0.0])


def test_batches_that_a_fixed_pooling_leaves_without_labels_are_skipped_and_counted(graphs) -> None:
    parts = [graphs.path_of(8) for _ in range(4)]
    graph = graphs.union_of(*parts)
    mask = torch.zeros(32, dtype=torch.bool)
    mask[[1, 8, 16, 24]] = True  # inner nodes of a path have the higher degree: only the first graph keeps its label
    problem = graphs.posed(replace(graph, train_mask=mask, y=torch.where(mask, 1, -1)))
    strategy = CoarseToFine(levels=2, pooling="top_k", graphs_per_step=1)
    assert len(views(strategy, problem, [0.0])) == 1
    assert strategy.facts()["skipped"] == 3


@pytest.mark.parametrize("make", [CoarseToFine, SubToFull])
def test_more_levels_than_the_graph_bears(graphs, make) -> None:
    problem = graphs.posed(graphs.view_of(graphs.path_of(12)))
    make(levels=3).prepare(problem)
    message = r"levels=4 with ratio=2 leaves fewer than 2 of 12 nodes at the coarsest level; use levels=3 or fewer"
    with pytest.raises(MethodError, match=message):
        make(levels=4).prepare(problem)
    with pytest.raises(MethodError, match="fewer than 2 of 1 nodes"):
        make(levels=2).prepare(graphs.posed(graphs.view_of(graphs.path_of(1))))


def test_a_graph_of_isolated_nodes(graphs) -> None:
    nothing = torch.empty(0, dtype=torch.int64)
    problem = graphs.posed(graphs.view_of(Adjacency.from_edges(nothing, nothing, 40, symmetric=True)))
    for strategy in (CoarseToFine(), SubToFull(), CoarseToFine(pooling="top_k", power=2)):
        model, _ = train(strategy, problem)
        assert all(torch.isfinite(value).all() for value in model.state_dict().values())
    with pytest.raises(MethodError, match="no edge to contract"):
        CoarseToFine(pooling="heavy_edge").prepare(problem)
    with pytest.raises(MethodError, match="fewer than 2 of 0 nodes"):
        CoarseToFine(profile="release").prepare(problem)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("coarse_to_fine(ratio=1.0)", r"coarse_to_fine\(ratio=1.0\) is not possible; must be above 1"),
        ("coarse_to_fine(power=0)", r"power=0\) is not possible; must be at least 1"),
        ("sub_to_full(levels=0)", r"levels=0\) is not possible; must be at least 1"),
        ("sub_to_full(steps_per_epoch=0.5)", r"steps_per_epoch=0.5\) is not possible; must be at least 1"),
        ("sub_to_full(subgraphs=metis)", "choose from: ego, clusters, random"),
    ],
)
def test_impossible_parameters(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Method.parse(f"gcn+{text}")


def test_combinations_that_make_no_sense(one: Problem, many: Problem) -> None:
    with pytest.raises(SpecError, match="finest=3 leaves nothing of levels=3"):
        CoarseToFine(finest=3)
    with pytest.raises(SpecError, match="pooling=heavy_edge keeps all edges"):
        CoarseToFine(pooling="heavy_edge", power=2)
    with pytest.raises(MethodError, match="steps_per_epoch=2 and resample_every=1 are for one graph"):
        CoarseToFine(steps_per_epoch=2.0).prepare(many)
    with pytest.raises(MethodError, match="fine_parts=2 is for one graph"):
        CoarseToFine(fine_parts=2).prepare(many)
    with pytest.raises(MethodError, match="subgraphs=clusters cuts one graph"):
        SubToFull(subgraphs="clusters").prepare(many)
    with pytest.raises(SpecError, match="subgraphs=clusters is not in the release"):
        SubToFull(subgraphs="clusters", profile="release")
    with pytest.raises(MethodError, match="heavy_edge averages features, but here they are codes"):
        CoarseToFine(pooling="heavy_edge").prepare(replace(one, categories=(3, 3, 3, 3, 3)))


def test_methods_print_and_parse_with_the_shared_parameters_first() -> None:
    text = "gcn+coarse_to_fine(levels=4,max_neighbors=3,profile=release,pooling=top_k)"
    assert Method.parse(text).name == text
    assert Method.parse("gcn+sub_to_full(subgraphs=ego,levels=3,max_neighbors=none)").name == "gcn+sub_to_full"
