"""Smoothness-aware message propagation: its limits, its Lagrangian and its constraint."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.backbones.appnp import APPNP
from methods.backbones.backbone import State
from methods.backbones.smp import INITIAL_SLACK, SMP
from methods.errors import SpecError
from methods.incidence import incidence

RandomGraph = Callable[[int], Adjacency]
UNCONSTRAINED = {"multiplier": 0.0, "multiplier_step": 0.0}


def states(start: Tensor, adjacency: Adjacency, **parameters) -> list[State]:
    return list(SMP(3, start.shape[1], **parameters).states(start, adjacency))


def random_start(seed: int = 0, width: int = 3) -> Tensor:
    return torch.randn(24, width, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def dense_operator(adjacency: Adjacency) -> Tensor:
    return adjacency.normalized("symmetric", self_loops=True).sparse_tensor().to_dense().double()


def by_edges(change: Tensor, adjacency: Adjacency) -> Tensor:
    """T: half of the sum over directed edges of squared differences of D_u / sqrt(d_u)."""
    scaled = change / (adjacency.degrees().double() + 1).sqrt().unsqueeze(1)
    targets, sources = adjacency.row_of_entry(), adjacency.indices.long()
    return (scaled[targets] - scaled[sources]).square().sum() / 2


def objective(h: Tensor, start: Tensor, laplacian: Tensor, smoothness: float) -> Tensor:
    return (h - start).square().sum() / 2 + smoothness / 2 * (h * (laplacian @ h)).sum()


def test_the_authors_update_by_hand() -> None:
    """A ring of five nodes, so all degrees with self-loops are 3 and A_hat is a mean of three; E = 15."""
    ring = torch.arange(5)
    sources, targets = torch.cat([ring, (ring + 1) % 5]), torch.cat([(ring + 1) % 5, ring])
    graph = Adjacency.from_edges(sources, targets, 5, symmetric=True)
    start = torch.tensor([[30.0], [0], [0], [0], [0]], dtype=torch.float64)
    seen = states(start, graph, steps=2, correction="adjacency", normalize_multiplier=False)
    close = {"atol": 1e-5, "rtol": 0.0}  # A_hat is kept in float32

    # A_hat H0 = (10, 10, 0, 0, 10); H~ = (12, 9, 0, 0, 9); D = (-18, 9, 0, 0, 9); A_hat D = (0, -3, 3, 3, -3)
    first = torch.tensor([12, 9 - 0.0006, 0.0006, 0.0006, 9 - 0.0006], dtype=torch.float64)
    torch.testing.assert_close(seen[1].outputs.flatten(), first, **close)
    # edges 0-1 and 4-0 give 27^2 / 3 each, 1-2 and 3-4 give 9^2 / 3 each: T = 540, and delta E = 1.5
    assert float(seen[1].scalars["constraint"]) == pytest.approx(538.5, abs=1e-4)
    multiplier = 1e-3 + 1e-5 * (1.5 - (1e-3 * (1 + 2e-8)) ** 2 - 540)
    assert float(seen[1].scalars["multiplier"]) == pytest.approx(multiplier, abs=1e-9)

    # H~ = (11.99964, 6.3, 2.70018, 2.70018, 6.3); A_hat D = (-1.79972, -0.00006, 0.89992, 0.89992, -0.00006)
    second = torch.tensor([11.99964, 6.3, 2.70018, 2.70018, 6.3], dtype=torch.float64)
    spread = torch.tensor([-1.79972, -0.00006, 0.89992, 0.89992, -0.00006], dtype=torch.float64)
    torch.testing.assert_close(seen[2].outputs.flatten(), second + 0.2 * multiplier * spread, **close)


def test_without_a_multiplier_it_is_appnp(graph: Adjacency) -> None:
    for dtype, tolerance in ((torch.float64, 0.0), (torch.float32, 1e-6)):
        start = random_start().to(dtype)
        ours = states(start, graph, step_size=0.1, smoothness=9.0, **UNCONSTRAINED)
        theirs = list(APPNP(3, 3, alpha=0.1).states(start, graph))
        for mine, other in zip(ours, theirs, strict=True):
            assert float((mine.outputs - other.outputs).abs().max()) <= tolerance


def test_a_constraint_that_always_holds_changes_nothing(graph: Adjacency) -> None:
    start = random_start()
    held = states(start, graph, correction="projected", threshold=1e6)
    torch.testing.assert_close(held[-1].outputs, states(start, graph, **UNCONSTRAINED)[-1].outputs)


@pytest.mark.parametrize("seed", range(6))
def test_the_objective_falls_to_its_minimum(seed: int, random_graph: RandomGraph) -> None:
    graph, start, smoothness = random_graph(seed), random_start(seed), (1.0, 9.0, 30.0)[seed % 3]
    operator = dense_operator(graph)
    laplacian = torch.eye(24, dtype=torch.float64) - operator
    minimum = torch.linalg.solve((1 + smoothness) * torch.eye(24, dtype=torch.float64) - smoothness * operator, start)
    for step_size in (0.3 / (1 + smoothness), None, 1.99 / (1 + 2 * smoothness)):
        seen = states(start, graph, smoothness=smoothness, step_size=step_size, steps=1000, **UNCONSTRAINED)
        values = torch.stack([objective(state.outputs, start, laplacian, smoothness) for state in seen])
        assert bool((values.diff() <= 1e-9 * values[0]).all())
        torch.testing.assert_close(seen[-1].outputs, minimum, atol=1e-4, rtol=0)
    seen = states(start, graph, smoothness=smoothness, correction="projected", threshold=1e-3, steps=100)
    values = torch.stack([objective(state.outputs, start, laplacian, smoothness) for state in seen])
    assert bool((values.diff() <= 1e-9 * values[0]).all()), "a shortened step descends as well"


@pytest.mark.parametrize("step_size", [0.1, 0.04])
def test_steps_are_those_of_the_multiplier_method(step_size: float, graph: Adjacency) -> None:
    """Descent in H and s and ascent in lambda on lambda g, with derivatives by automatic differentiation."""
    threshold, multiplier_step, slack_step, entries = 0.02, 5e-3, 300.0, graph.entries + 24
    start = random_start()
    laplacian = torch.eye(24, dtype=torch.float64) - dense_operator(graph)
    seen = states(
        start,
        graph,
        steps=6,
        step_size=step_size,
        threshold=threshold,
        multiplier_step=multiplier_step,
        slack_step=slack_step,
        normalize_multiplier=False,
    )
    state, slack, multiplier = (torch.as_tensor(value, dtype=torch.float64) for value in (start, INITIAL_SLACK, 1e-3))
    for number in range(1, 7):
        state = state.detach().requires_grad_()
        (slope,) = torch.autograd.grad(objective(state, start, laplacian, 9.0), state)
        moved, slack = (state - step_size * slope).detach().requires_grad_(), slack.detach().requires_grad_()
        change = moved - state.detach()
        rest = threshold * entries - (change * (laplacian @ change)).sum()
        of_state, of_slack = torch.autograd.grad(multiplier * (rest - slack.square()), (moved, slack))
        state, slack = moved - step_size * of_state, slack - slack_step * of_slack
        multiplier = (multiplier + multiplier_step * (rest - slack.square())).detach()
        torch.testing.assert_close(seen[number].outputs, state.detach())
        torch.testing.assert_close(seen[number].scalars["multiplier"], multiplier)
        torch.testing.assert_close(seen[number].scalars["constraint"], -rest.detach())
    assert abs(float(multiplier)) > 0.005, "the multiplier matters in this test"
    assert abs(float(slack.detach())) > 2 * INITIAL_SLACK, "and so does the slack"


def test_the_constraint_counts_squared_differences_along_edges(random_graph: RandomGraph) -> None:
    for seed in range(5):
        graph, start = random_graph(seed), random_start(seed)
        before, after = states(start, graph, steps=1, threshold=0.5, **UNCONSTRAINED)
        change = after.outputs - before.outputs
        total = float(after.scalars["constraint"]) + 0.5 * (graph.entries + 24)
        assert total == pytest.approx(float(by_edges(change, graph)), rel=1e-6)
        assert total == pytest.approx(float(aggregate(incidence(graph), change).square().sum()), rel=1e-6)


def test_projected_steps_keep_the_constraint(random_graph: RandomGraph) -> None:
    for seed in range(5):
        graph, threshold = random_graph(seed), (1e-5, 1e-3)[seed % 2]
        seen = states(random_start(seed), graph, correction="projected", threshold=threshold, steps=20)
        budget = threshold * (graph.entries + 24)
        changes = [after.outputs - before.outputs for before, after in pairwise(seen)]
        spent = [float(by_edges(change, graph)) for change in changes]
        assert max(spent) <= budget * (1 + 1e-6)
        assert float(seen[1].scalars["constraint"]) > 0, "the first step has to be shortened"
        assert spent[0] == pytest.approx(budget, rel=1e-5)


def test_the_laplacian_correction_helps_against_a_violated_constraint(random_graph: RandomGraph) -> None:
    for seed in range(5):
        graph, start = random_graph(seed), random_start(seed)
        plain = states(start, graph, steps=1, **UNCONSTRAINED)[1]
        corrected = states(start, graph, steps=1, threshold=1e-4, multiplier=-0.1)[1]
        assert float(corrected.scalars["constraint"]) > 0
        before, after = (float(by_edges(state.outputs - start, graph)) for state in (plain, corrected))
        assert after < before


def test_the_multiplier_does_not_grow_with_the_graph(graph: Adjacency) -> None:
    copies, start = 30, random_start()
    shift = 24 * torch.arange(copies).repeat_interleave(graph.entries)
    sources, targets = graph.indices.long().repeat(copies) + shift, graph.row_of_entry().repeat(copies) + shift
    many = Adjacency.from_edges(sources, targets, 24 * copies, symmetric=True)
    one, more = (
        [float(state.scalars["multiplier"]) for state in states(h, adjacency, multiplier_step=1e-6)]
        for h, adjacency in ((start, graph), (start.repeat(copies, 1), many))
    )
    assert more == pytest.approx(one, abs=1e-6)
    assert min(one) < 0


def test_the_multiplier_is_bounded_where_it_is_normalized(graph: Adjacency) -> None:
    start = 100 * random_start()
    multipliers = [float(state.scalars["multiplier"]) for state in states(start, graph)]
    assert min(multipliers) == -0.5
    free = [float(state.scalars["multiplier"]) for state in states(start, graph, normalize_multiplier=False)]
    assert min(free) < -0.5


class RoundedSums(TorchFunctionMode):
    """What a quantizer does to sums, very coarsely, and how many there are."""

    def __init__(self) -> None:
        super().__init__()
        self.sums = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is not aggregate:
            return func(*args, **(kwargs or {}))
        self.sums += 1
        return (4 * aggregate(*args)).round() / 4


@pytest.mark.parametrize(("correction", "sums"), [("laplacian", 2), ("adjacency", 2), ("projected", 1)])
def test_a_quantizer_rounds_the_products_and_not_the_constraint(correction: str, sums: int, graph: Adjacency) -> None:
    start, operator = random_start(), dense_operator(graph)
    with RoundedSums() as rounding:
        _, after = states(start, graph, steps=1, threshold=1e-3, multiplier=-0.2, correction=correction)
    assert rounding.sums == sums
    moved = 0.9 * (4 * (operator @ start)).round() / 4 + 0.1 * start
    change = moved - start
    spread = (4 * (operator @ change)).round() / 4
    difference, budget = by_edges(change, graph), 1e-3 * (graph.entries + 24)
    assert float(after.scalars["constraint"]) == pytest.approx(float(difference - budget), rel=1e-5)
    assert float(((change - spread) * change).sum()) != pytest.approx(float(difference), rel=1e-3)
    expected = {
        "laplacian": moved - 0.04 * (change - spread),
        "adjacency": moved - 0.04 * spread,
        "projected": start + change * (budget / difference).sqrt(),
    }
    torch.testing.assert_close(after.outputs, expected[correction], atol=1e-6, rtol=1e-6)


def test_frozen_multipliers_are_those_of_the_last_pass_in_training(graph: Adjacency) -> None:
    model = SMP(3, 3, steps=4, freeze_multiplier=True, threshold=1e-3)
    start, other = random_start(0), random_start(1)
    free = states(start, graph, steps=4, threshold=1e-3)
    first = list(model.eval().states(start, graph))
    assert torch.equal(first[-1].outputs, free[-1].outputs), "before training there is nothing to freeze"
    *_, trained = model.train().states(start, graph)
    assert torch.equal(trained.outputs, free[-1].outputs)
    used = [float(state.scalars["multiplier"]) for state in free[:-1]]
    assert model.multipliers.tolist() == pytest.approx(used)
    model.eval()
    frozen = [list(model.states(h, graph))[-1] for h in (start, other, start + other)]
    torch.testing.assert_close(frozen[0].outputs, free[-1].outputs, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(frozen[0].outputs + frozen[1].outputs, frozen[2].outputs)  # a fixed recurrence is linear
    assert frozen[0].scalars == {}
    assert "multipliers" in model.state_dict()


def test_steps_without_a_multiplier_have_none_to_freeze() -> None:
    with pytest.raises(SpecError, match="has no multiplier"):
        SMP(3, 3, correction="projected", freeze_multiplier=True)
    assert "multipliers" not in SMP(3, 3).state_dict()
