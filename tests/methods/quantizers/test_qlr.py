"""Learned ranges: both gradients, the search for the first factor, and what the released code does instead."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.method import Method
from methods.problem import Problem
from methods.quantizers.bt import BT, BTStar
from methods.quantizers.qlr import QLR, LearnedRanges, LearnedRangeSite

BITS = [2, 4, 8]
KINDS = [QLR, BT, BTStar]


def site_of(x: Tensor, bits: int, kind: type[LearnedRanges] = QLR, alpha: float | None = None, **flags: Any):
    site = kind(**flags).make_site(x, bits, "input")
    assert isinstance(site, LearnedRangeSite)
    if alpha is not None:
        site.alpha.data.fill_(alpha)
    return site.eval()


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_pass_inside_the_range_and_nowhere_else(kind, bits: int) -> None:
    site = site_of(torch.tensor([[-1.0, 2.0]], dtype=torch.float64), bits, kind, alpha=0.8)
    low, high = (float(end) for end in site.affine().ends())
    grid = torch.linspace(-2, 3, 501, dtype=torch.float64).unsqueeze(1).requires_grad_()
    gradient = torch.linspace(1, 2, 501, dtype=torch.float64).unsqueeze(1)
    site(grid).backward(gradient)
    inside = (grid >= low) & (grid <= high)
    assert 0 < int(inside.sum()) < 501
    assert torch.equal(grid.grad, gradient * inside)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("kind", [QLR, BT])
@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_rounding_twice_is_rounding_once(draws, kind, bits: int, alpha: float) -> None:
    site = site_of(draws(), bits, kind, alpha)
    once = site(draws())
    assert torch.equal(site(once), once)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("alpha", [0.3, 0.7, 1.0])
def test_the_gradient_of_alpha_is_that_of_the_surrogate(draws, kind, bits: int, alpha: float) -> None:
    """Central differences with the rounding residual, the clipping pattern and the zero held fixed."""
    x, gradient = draws(), draws(1)
    site = site_of(x, bits, kind, alpha)
    values = site(x)
    values.backward(gradient)
    step, zero = site.affine().step, site.affine().zero
    codes = values.detach() / step + zero
    inside = site.affine().nearest_and_inside(x)[1].bool()
    residual = codes - (x / step + zero)

    def surrogate(factor: float) -> float:
        moved = step * factor / alpha
        value = torch.where(inside, x + moved * residual, moved * (codes - zero))
        return float((gradient * value).sum())

    by_differences = (surrogate(alpha + 1e-6) - surrogate(alpha - 1e-6)) / 2e-6
    assert float(site.alpha.grad) == pytest.approx(by_differences, rel=1e-6)
    assert abs(by_differences) > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_an_alpha_above_one_makes_no_range_beyond_the_tensor(draws, kind) -> None:
    ends = [[float(end) for end in site_of(draws(), 4, kind, alpha).affine().ends()] for alpha in (1.0, 1.3)]
    assert ends[0] == ends[1]


def test_levels_that_dropout_scaled_in_training_stay_apart_in_prediction() -> None:
    levels = torch.tensor([[0.0], [1.0], [2.0]])
    site = site_of(2 * levels, 2, alpha=1.02)
    # steps of 4/3: the last level lies exactly between two codes, and on a wider range would be that of its neighbour
    assert len(site(levels).unique()) == 3


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_first_alpha_is_the_best_of_the_grid(draws, kind, bits: int) -> None:
    for seed in range(4):
        x = draws(seed) ** (seed + 1)  # heavier and heavier tails, so smaller and smaller factors
        site = site_of(x, bits, kind)
        found = site.alpha.item()
        count = 10 if bits == 2 else 50
        errors = {}
        for place in range(1, count + 1):
            site.alpha.data.fill_(place / count)
            errors[place / count] = (site(x) - x).abs().mean().item()
        best = min(errors, key=errors.__getitem__)
        bump = best < (0.5 if kind is BTStar else 0.1)
        assert found == pytest.approx(best + 0.1 * bump)


def test_a_tiny_first_alpha_is_raised() -> None:
    x = torch.linspace(0, 0.02, 2000).unsqueeze(1)
    x[0] = 1.0  # one outlier, so 0.02 has the smallest error
    assert float(site_of(x, 4).alpha) == pytest.approx(0.12)


def test_alpha_is_searched_again_where_asked() -> None:
    narrow = torch.tensor([[0.9, 1.0], [1.0, 1.1]])
    site = QLR(search_every=2).make_site(narrow, 4, "input").train()
    first = float(site.alpha)
    site.alpha.data.fill_(0.33)
    site(narrow)
    assert float(site.alpha) == pytest.approx(0.33)
    site(narrow)
    assert float(site.alpha) == first


def test_an_alpha_below_zero_does_not_break_the_grid(draws) -> None:
    site = site_of(draws(), 2, alpha=-0.5)
    x = draws().requires_grad_()
    site(x).sum().backward()
    assert bool(torch.isfinite(x.grad).all()) and bool(torch.isfinite(site.alpha.grad))


FIVE_NODES = torch.tensor([[-1.0], [-0.2], [0.3], [1.0], [2.5]])
"""With 2 bits and alpha 1: step 3.5 / 3, zero round(0.857) = 1, ends -7/6 and 14/6, codes 0, 1, 1, 2, 3."""


@pytest.mark.parametrize(
    ("gate", "passes"),
    [
        ("input", [1, 1, 1, 1, 0]),  # 2.5 > 14/6
        ("output", [0, 1, 1, 1, 1]),  # -7/6 < -1, so the whole lowest level is blocked
    ],
)
def test_the_gate_of_the_release_looks_at_rounded_values(gate: str, passes: list[int]) -> None:
    site = site_of(FIVE_NODES, 2, alpha=1.0, gate=gate)
    x = FIVE_NODES.clone().requires_grad_()
    out = site(x)
    torch.testing.assert_close(out.flatten(), torch.tensor([-7 / 6, 0, 0, 7 / 6, 14 / 6]))
    out.sum().backward()
    assert x.grad.flatten().tolist() == passes
    # inside: Q - x = -1/6, 0.2, -0.3, 1/6; above: Q = 14/6
    assert float(site.alpha.grad) == pytest.approx(-1 / 6 + 0.2 - 0.3 + 1 / 6 + 14 / 6, rel=1e-5)


def test_pact_learns_from_what_is_clipped_alone() -> None:
    site = site_of(FIVE_NODES, 2, alpha=1.0, range_grad="clipped")
    site(FIVE_NODES.clone().requires_grad_()).sum().backward()
    assert float(site.alpha.grad) == pytest.approx(14 / 6, rel=1e-5), "one value lies above the end at 14/6"


def test_without_range_gradients_only_weight_decay_moves_alpha() -> None:
    site = site_of(FIVE_NODES, 2, alpha=1.0, range_grad="none")
    optimizer = torch.optim.Adam(site.parameters(), lr=1e-4, weight_decay=1e-5)
    site(FIVE_NODES.clone().requires_grad_()).sum().backward()
    assert float(site.alpha.grad) == 0
    optimizer.step()
    assert float(site.alpha) == pytest.approx(1 - 1e-4, abs=1e-5)


def rounded(values: list[float], alpha: float) -> list[float]:
    """Two bits, entry by entry."""
    low, high = min(0.0, alpha * min(values)), max(0.0, alpha * max(values))
    step = (high - low) / 3
    zero = min(max(round(-low / step), 0), 3)
    return [(min(max(round(value / step + zero), 0), 3) - zero) * step for value in values]


def test_the_released_sum_on_five_nodes() -> None:
    """Every message of a path 0-1-2-3-4 is rounded, then its sums, then these once more; one alpha for all steps."""
    path = torch.arange(4)
    adjacency = Adjacency.from_edges(torch.cat([path, path + 1]), torch.cat([path + 1, path]), 5, symmetric=True)
    method = Method.parse("appnp(layers=1,steps=2,dropout=0.0,alpha=0.5)+qlr(bits=2,weight_bits=32,aggregation=edge)")
    released = Method.parse(f"{method}".replace("edge", "edge,range_grad=none,gate=output,share_alpha=true"))
    problem = posed_on(adjacency)
    torch.manual_seed(0)
    network = released.build_backbone(problem)
    torch.nn.init.ones_(network.linears[0].weight)
    torch.nn.init.zeros_(network.linears[0].bias)
    model = released.build("quantizer").apply(network, problem)
    sites = model.sites
    for role in ("message", "result", "update"):
        assert sites[f"aggregate0_{role}"].alpha is sites[f"aggregate1_{role}"].alpha
    assert sites["aggregate0_message"].alpha is not sites["aggregate0_result"].alpha
    alphas = {name: float(site.alpha.detach()) for name, site in sites.items()}

    start = rounded(FIVE_NODES.flatten().tolist(), alphas["linear0_input"])
    start = state = rounded(start, alphas["linear0_output"])
    degrees = [2, 3, 3, 3, 2]
    for step in range(2):
        pairs = [(source, target) for target in range(5) for source in range(5) if abs(source - target) <= 1]
        messages = [state[source] / (degrees[source] * degrees[target]) ** 0.5 for source, target in pairs]
        sums = [0.0] * 5
        for (_, target), message in zip(pairs, rounded(messages, alphas[f"aggregate{step}_message"]), strict=True):
            sums[target] += message
        sums = rounded(rounded(sums, alphas[f"aggregate{step}_result"]), alphas[f"aggregate{step}_update"])
        state = [0.5 * total + 0.5 * own for total, own in zip(sums, start, strict=True)]
    torch.testing.assert_close(model.train()(problem.graph).flatten(), torch.tensor(state))


def posed_on(adjacency: Adjacency) -> Problem:
    from methods.graph import GraphView

    labels = torch.zeros(5, dtype=torch.int64)
    return Problem(GraphView(FIVE_NODES, adjacency, labels, labels == 0), "binary", 1, torch.Generator())
