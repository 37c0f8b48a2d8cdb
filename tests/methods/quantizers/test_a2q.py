"""Steps and widths of nodes: values, local gradients, memory, and graphs that were not trained on."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from methods.method import Method
from methods.problem import Problem
from methods.quantizers.a2q import A2Q, BANK, ChannelStepSite, NodeSite


def site_of(x: torch.Tensor, steps: list[float], widths: list[float], quantizer: A2Q | None = None) -> NodeSite:
    site = NodeSite(x, 4, quantizer or A2Q())
    site.step.data = torch.tensor(steps, dtype=x.dtype)
    site.width.data = torch.tensor(widths, dtype=x.dtype)
    return site


def test_rows_have_their_own_grids() -> None:
    x = torch.tensor([[-0.9, 0.4, 5.0], [-0.9, 0.4, 5.0]])
    # 3 bits and a sign reach 3 steps, 2 bits and a sign 1 step; floor(|x| / step + 1/2)
    site = site_of(x, [1.0, 0.5], [2.6, -2.2])
    torch.testing.assert_close(site.eval()(x), torch.tensor([[-1.0, 0.0, 3.0], [-0.5, 0.5, 0.5]]))
    assert site.stored_bits() == 2.5
    assert site.grid() is None


def test_rows_without_a_sign_have_a_bit_more() -> None:
    x = torch.tensor([[0.2, 9.0]])
    site = site_of(x, [1.0], [2.0]).eval()
    assert site(x).tolist() == [[0, 3]]
    assert site(torch.tensor([[-2.0, 2.0]])).tolist() == [[0, 2]], "there is no code for what is negative"


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_a_row_has_no_more_values_than_codes(draws, count: int) -> None:
    x = draws().float()
    values = site_of(x, [0.05] * 40, [float(count)] * 40).eval()(x)
    assert max(row.unique().numel() for row in values) <= 2**count


def test_gradients_are_those_of_the_row_s_own_error(draws) -> None:
    x = draws().requires_grad_()
    site = site_of(x.detach(), [0.3] * 40, [3.0] * 40)
    values = site(x)
    values.backward(draws(1))
    largest, place = 3, x.detach() / 0.3
    inside = (place.abs() + 0.5).floor() <= largest
    error, sign = (values.detach() - x.detach()).sign(), x.detach().sign()
    code = sign * (place.abs() + 0.5).floor().clamp(max=largest)
    of_step = torch.where(inside, code - place, sign * largest)
    of_width = torch.where(inside, 0.0, sign * (largest + 1) * math.log(2) * 0.3)
    torch.testing.assert_close(x.grad, draws(1) * inside)
    torch.testing.assert_close(site.step.grad, (error * of_step).mean(1))
    torch.testing.assert_close(site.width.grad, (error * of_width).mean(1))
    assert bool(site.width.grad.any()) and 0 < int((~inside).sum()) < inside.numel()


def test_the_local_gradient_lessens_the_error_of_rows(draws) -> None:
    x = draws().float()
    site = NodeSite(x, 4, A2Q())
    optimizer = torch.optim.Adam(site.parameters(), lr=0.01)

    def error() -> float:
        return float((site(x) - x).detach().abs().mean())

    before = error()
    for _ in range(60):
        optimizer.zero_grad()
        site(x.clone().requires_grad_()).sum().backward()
        optimizer.step()
    assert error() < 0.95 * before


def test_weights_have_a_step_for_each_output(draws) -> None:
    x = draws().requires_grad_()
    site, gradient = ChannelStepSite(x, 4), draws(1)
    start = 2 * x.detach().abs().mean(1, keepdim=True) / 7**0.5
    torch.testing.assert_close(site.channel_step.detach(), start)
    site.channel_step.data.fill_(0.2)
    values = site(x)
    place = x.detach() / 0.2
    codes = place.round().clamp(-8, 7)
    torch.testing.assert_close(values.detach(), 0.2 * codes)
    values.backward(gradient)
    inside = (place >= -8) & (place <= 7)
    slopes = torch.where(inside, codes - place, codes)
    torch.testing.assert_close(x.grad, gradient * inside)
    expected = (gradient * slopes).sum(1, keepdim=True) / math.sqrt(5 * 7)
    torch.testing.assert_close(site.channel_step.grad, expected)


def wrapped(problem: Problem, spec: str = "gcn(layers=2,hidden=8,dropout=0.0)+a2q"):
    torch.manual_seed(0)
    method = Method.parse(spec)
    quantizer = method.build("quantizer")
    return quantizer, quantizer.apply(method.build_backbone(problem), problem)


def test_what_is_read_is_rounded_and_features_only_where_asked(posed: Problem) -> None:
    # 6 features are fewer than 8 units, so the first layer sums first
    weights = {"linear0.weight": 4, "linear1.weight": 4}
    nodes = {"aggregate0.operand": 4, "linear1.input": 4, "aggregate1.operand": 4}
    assert wrapped(posed)[1].bits() == {**weights, **nodes}
    all_read = wrapped(posed, "gcn(layers=2,hidden=8)+a2q(features=true)")[1].bits()
    assert all_read == {**weights, **nodes, "linear0.input": 4}


def test_memory_above_the_target_pulls_widths_down(posed: Problem) -> None:
    _, free = wrapped(posed, "gcn(layers=2,hidden=8,dropout=0.0)+a2q(memory_weight=0.0)")
    quantizer, model = wrapped(posed, "gcn(layers=2,hidden=8,dropout=0.0)+a2q(target_bits=1.0)")
    for each in (free, model):
        posed.loss(each.train()(posed.graph), posed.graph).backward()
    # 30 nodes of 6, 8 and 3 numbers at 4 bits, of which 1 is wanted
    excess = 30 * (6 + 8 + 3) * 3 / 8192
    for name, columns in (("aggregate0_operand", 6), ("linear1_input", 8), ("aggregate1_operand", 3)):
        pulled = model.sites[name].width.grad - free.sites[name].width.grad
        expected = torch.full((30,), 2 * 2.5 * excess * columns / 8192)
        torch.testing.assert_close(pulled, expected, rtol=1e-3, atol=1e-7)
    assert float(quantizer.penalty(model.sites).detach()) == pytest.approx(2.5 * excess**2, rel=1e-5)
    below, _ = wrapped(posed, "gcn(layers=2,hidden=8)+a2q(target_bits=4.5)")
    assert float(below.penalty(below._quantized.sites).detach()) == 0


def test_widths_fall_to_the_target(posed: Problem) -> None:
    quantizer, model = wrapped(posed, "gcn(layers=2,hidden=8,dropout=0.0)+a2q(target_bits=2.0,memory_weight=1000.0)")
    optimizer = torch.optim.Adam(
        [{k: v for k, v in group.items() if v is not None} for group in model.parameter_groups()]
    )
    for _ in range(60):
        optimizer.zero_grad()
        posed.loss(model.train()(posed.graph), posed.graph).backward()
        optimizer.step()
    widths = [bits for name, bits in model.bits().items() if not name.endswith("weight")]
    assert sum(widths) / 3 < 3
    facts = quantizer.facts()
    assert facts["simulated"] and facts["bits"]["linear.weight"] == [4]


def test_parts_of_the_trained_graph_use_its_nodes(posed: Problem) -> None:
    _, model = wrapped(posed, "mlp(layers=1)+a2q(features=true)")
    site = model.sites["linear0_input"]
    site.step.data = torch.linspace(0.05, 1.0, 30)
    chosen = torch.tensor([7, 2, 19])
    with torch.no_grad():
        part = model.eval()(posed.graph.induced(chosen))
        torch.testing.assert_close(part, model(posed.graph)[chosen])


def test_other_graphs_take_the_nearest_reach(posed: Problem) -> None:
    quantizer = A2Q()
    x = torch.randn(3, 4)
    site = site_of(x, [0.5, 0.1, 2.0], [3.0, 3.0, 3.0], quantizer).eval()  # 4 steps: they reach 2, 0.4 and 8
    other = torch.tensor([[0.1, 0.0], [1.1, -1.3], [-7.0, 0.0], [90.0, 1.0]])
    with torch.no_grad():
        found = site.trained_rows(other, site.step, site.width)
    assert found.tolist() == [1, 0, 2, 2]


def test_sets_of_graphs_learn_a_bank(posed: Problem) -> None:
    quantizer = A2Q(features=True)
    quantizer.is_set = True
    x = torch.randn(3 * BANK, 4)
    site = NodeSite(x, 4, quantizer)
    assert site.width.numel() == BANK
    site(x.requires_grad_()).sum().backward()
    assert site.step.grad.shape == (BANK,)
    quantizer.begins(replace(posed.graph, level="graph", graph_ptr=torch.tensor([0, 30])))
    assert quantizer.is_set


@pytest.mark.parametrize("x", [torch.zeros(3, 2), torch.empty(0, 2)])
def test_tensors_that_say_nothing(x: torch.Tensor) -> None:
    site = NodeSite(x, 4, A2Q())
    assert torch.equal(site(x), x)
    assert site.stored_bits() == 4
