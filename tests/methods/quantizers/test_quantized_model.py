"""The wrapper: which tensors are rounded where, and what it leaves alone."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch

from methods.aggregate import aggregate
from methods.errors import MethodError, SpecError
from methods.invariance import invariance_of
from methods.method import Method
from methods.problem import Problem
from methods.quantizers.packed_model import PackedModel
from methods.quantizers.quantized_model import QuantizedModel
from methods.quantizers.site import RangeSite
from methods.rescaler import Rescaler


def wrapped(spec: str, problem: Problem) -> QuantizedModel:
    torch.manual_seed(0)
    method = Method.parse(spec)
    return method.build("quantizer").apply(method.build_backbone(problem), problem)


@pytest.mark.parametrize(
    ("spec", "calls"),
    [
        ("mlp(layers=2,hidden=8)+minmax", {"linear0", "linear1"}),
        ("gcn(layers=2,hidden=8)+minmax", {"linear0", "linear1", "aggregate0", "aggregate1"}),
        ("sage(layers=1)+minmax", {"linear0", "linear1", "aggregate0"}),
        ("appnp(hidden=8,steps=3)+minmax", {"linear0", "linear1", "aggregate0", "aggregate1", "aggregate2"}),
        # differences along edges and what a constraint measures are no sums over neighbours
        ("emp(hidden=8,steps=2)+minmax", {"linear0", "linear1", "aggregate0", "aggregate1"}),
        ("smp(hidden=8,steps=1)+minmax", {"linear0", "linear1", "aggregate0", "aggregate1"}),
        ("smp(hidden=8,steps=1,correction=projected)+minmax", {"linear0", "linear1", "aggregate0"}),
        # products with folded attention vectors are scores, which stay as they are
        ("gat(layers=1)+minmax", {"linear0", "attend0"}),
        ("gatv2(layers=1)+minmax", {"linear0", "linear1", "attend0"}),
    ],
)
def test_sites_are_numbered_in_the_order_of_calls(posed: Problem, spec: str, calls: set[str]) -> None:
    model = wrapped(spec, posed)
    roles = {
        "linear": ("input", "weight", "output"),
        "aggregate": ("operand", "result"),
        "attend": ("operand", "result"),
    }
    expected = {f"{call}.{role}" for call in calls for role in roles[call.rstrip("0123456789")]}
    assert set(model.grids()) == expected == set(model.bits())


def test_edges_have_a_message_and_are_rounded_three_times(posed: Problem) -> None:
    model = wrapped("gcn(layers=1)+minmax(aggregation=edge)", posed)
    assert {name for name in model.grids() if name.startswith("aggregate")} == {
        "aggregate0.message",
        "aggregate0.result",
        "aggregate0.update",
    }


def test_a_layer_by_hand(posed: Problem) -> None:
    """Nodes are scaled by D^-1/2 before they are rounded, and sums afterwards."""
    model = wrapped("gcn(layers=1)+minmax(bits=4)", posed).eval()
    convolution = model.network.body.convolutions[0]

    def rounded(name: str, x: torch.Tensor) -> torch.Tensor:
        grid = model.grids()[name]
        return grid.dequantize(grid.quantize(x))

    x, weight = rounded("linear0.input", posed.graph.x), rounded("linear0.weight", convolution.weight.detach())
    product = rounded("linear0.output", x @ weight.T)
    pattern = posed.graph.adjacency.normalized("none", self_loops=True)
    root = pattern.degrees().float().rsqrt().unsqueeze(1)
    total = rounded("aggregate0.result", root * aggregate(pattern, rounded("aggregate0.operand", root * product)))
    torch.testing.assert_close(model(posed.graph), total + convolution.bias)


@pytest.mark.parametrize("aggregation", ["node", "edge"])
@pytest.mark.parametrize("name", ["gcn", "sage", "gin", "gat", "gatv2", "appnp", "gcnii"])
def test_eight_bits_are_close_to_full_precision(posed: Problem, name: str, aggregation: str) -> None:
    model = wrapped(f"{name}(layers=2,hidden=16,dropout=0.0)+minmax(aggregation={aggregation})", posed).eval()
    exact = model.network(posed.graph)
    distance = (model(posed.graph) - exact).norm() / exact.norm()
    assert 0 < distance.item() < 0.1


@pytest.mark.parametrize("name", ["minmax", "lsq", "degree_quant", "qlr", "bt", "bt_star"])
@pytest.mark.parametrize("aggregation", ["node", "edge"])
def test_32_bits_change_nothing(posed: Problem, name: str, aggregation: str) -> None:
    model = wrapped(f"gcn(layers=2,hidden=16)+{name}(bits=32,aggregation={aggregation})", posed)
    assert len(model.sites) == 0
    torch.manual_seed(1)
    rounded = model.train()(posed.graph)
    torch.manual_seed(1)
    assert torch.equal(rounded, model.network(posed.graph)) or name == "degree_quant"
    assert torch.equal(model.eval()(posed.graph), model.network(posed.graph))


def test_bits_of_weights_activations_and_ends(posed: Problem) -> None:
    model = wrapped("gcn(layers=3,hidden=8)+minmax(bits=2,weight_bits=4,activation_bits=32,end_bits=8)", posed)
    of_end = {f"linear{number}.{role}": 8 for number in (0, 2) for role in ("input", "weight", "output")}
    assert model.bits() == {**of_end, "linear1.weight": 4}


def test_bits_of_sums(posed: Problem) -> None:
    sums = {f"aggregate{number}.{role}": 2 for number in (0, 1) for role in ("operand", "result")}
    products = {f"linear{number}.{role}": 8 for number in (0, 1) for role in ("input", "output")}
    model = wrapped("gcn(layers=2,hidden=8)+minmax(bits=8,weight_bits=4,sum_bits=2)", posed)
    assert model.bits() == {**sums, **products, "linear0.weight": 4, "linear1.weight": 4}
    alone = wrapped("gcn(layers=2,hidden=8)+minmax(bits=32,sum_bits=4)", posed)
    assert alone.bits() == dict.fromkeys(sums, 4)
    attention = wrapped("gat(layers=1,hidden=8)+minmax(sum_bits=2)", posed).bits()
    assert (attention["attend0.operand"], attention["attend0.result"], attention["linear0.input"]) == (2, 2, 8)


def test_edge_sums_of_codes_are_the_imitated_ones(posed: Problem) -> None:
    """Acceptance check 15 for rounded messages: integer sums give the same codes after the next rounding."""
    for bits in (2, 4, 8):
        model = wrapped(f"appnp(layers=1,steps=1)+minmax(bits={bits},aggregation=edge)", posed).double().eval()
        grids = model.grids()
        adjacency = posed.graph.adjacency.normalized("symmetric", self_loops=True)
        x = torch.randn(30, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(bits))
        messages = adjacency.weights().double().unsqueeze(1) * x[adjacency.indices.long()]
        grid = grids["aggregate0.message"]
        codes = grid.quantize(messages).long()
        rows = adjacency.row_of_entry()
        sums = torch.zeros(30, 3, dtype=torch.int64).index_add(0, rows, codes)
        exact = grid.step * (sums - int(grid.zero_point) * adjacency.degrees().unsqueeze(1)).double()
        imitated = torch.zeros(30, 3, dtype=torch.float64).index_add(
            0, rows, model.sites["aggregate0_message"](messages).detach()
        )
        result = grids["aggregate0.result"]
        assert torch.equal(result.quantize(exact), result.quantize(imitated))


@pytest.mark.parametrize("spec", ["minmax(bits=3)", "qlr(bits=1)", "lsq(weight_bits=16)", "exact(bits=1)"])
def test_bits_that_nothing_has_are_refused(spec: str) -> None:
    with pytest.raises(SpecError, match=r"is not possible; choose from: .*2, 4, 8, 32"):
        Method.parse(f"gcn+{spec}")


def test_wrapping_leaves_random_numbers_statistics_and_modes_alone(posed: Problem) -> None:
    method = Method.parse("gcn(layers=2,hidden=8,norm=batch)+qlr(bits=2)")
    network = method.build_backbone(posed)
    before, state = copy.deepcopy(network.state_dict()), torch.get_rng_state()
    model = method.build("quantizer").apply(network, posed)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(module.training for module in model.modules())
    assert network.body.norms[0].track_running_stats


def test_evaluation_changes_nothing_and_training_moves_ranges(posed: Problem) -> None:
    model = wrapped("gcn(layers=2,hidden=8)+minmax(bits=4)", posed)
    other = replace(posed.graph, x=3 * posed.graph.x)
    before = model.grids()
    model.eval()(other)
    assert model.grids() == before
    model.train()(other)
    assert model.grids()["linear0.input"].step == pytest.approx(3 * before["linear0.input"].step)


def test_a_state_dict_holds_the_ranges(posed: Problem) -> None:
    model = wrapped("gcn(layers=2,hidden=8)+lsq(bits=4)", posed)
    model.train()(replace(posed.graph, x=3 * posed.graph.x))
    twin = wrapped("gcn(layers=2,hidden=8)+lsq(bits=4)", posed)
    twin.load_state_dict(model.state_dict())
    assert torch.equal(twin.eval()(posed.graph), model.eval()(posed.graph))


def test_ranges_have_a_group_of_their_own(posed: Problem) -> None:
    groups = wrapped("gcn(layers=2,hidden=8)+qlr(range_learning_rate=0.5)", posed).parameter_groups()
    assert [(group["lr"], group["weight_decay"]) for group in groups] == [(None, None), (0.5, 0.0)]
    model = wrapped("gcn(layers=2,hidden=8)+qlr", posed)
    parts = [{id(parameter) for parameter in group["params"]} for group in model.parameter_groups()]
    assert not parts[0] & parts[1]
    assert parts[0] | parts[1] == {id(parameter) for parameter in model.parameters()}
    assert len(parts[1]) == 10
    assert len(wrapped("gcn(layers=2,hidden=8)+minmax", posed).parameter_groups()) == 1


def test_hops_and_invariance_are_those_of_the_network(posed: Problem) -> None:
    model = wrapped("gcn(layers=2,hidden=8)+minmax", posed)
    assert model.hops == 2
    declared = invariance_of(model, "a test")
    assert not declared.exact
    assert declared.layers[0].weights[0] is model.network.body.convolutions[0].weight
    Rescaler().attach(model, torch.optim.SGD(model.parameters(), lr=0.1), posed)


def test_networks_with_integer_codes(posed: Problem) -> None:
    codes = torch.randint(3, (30, 2), generator=torch.Generator().manual_seed(0)).float()
    problem = replace(posed, graph=replace(posed.graph, x=codes), categories=(3, 3))
    model = wrapped("gcn(layers=2,hidden=8)+qlr(bits=4)", problem)
    problem.loss(model(problem.graph), problem.graph).backward()
    assert model.network.table.weight.grad is not None


def test_sets_of_graphs(posed: Problem) -> None:
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    pointers = torch.tensor([0, 5, 10, 15, 20, 29, 30])
    ring = torch.arange(28)
    adjacency = type(posed.graph.adjacency).from_edges(ring[:4], ring[1:5], 30)
    graph = replace(
        posed.graph, level="graph", y=labels, train_mask=labels >= 0, graph_ptr=pointers, adjacency=adjacency
    )
    problem = replace(posed, graph=graph)
    model = wrapped("gin(layers=2,hidden=8)+degree_quant(bits=4)", problem)
    chosen = graph.graphs(torch.tensor([5, 2]))  # one graph has no edges
    problem.loss(model(chosen), chosen).backward()
    assert model.eval()(graph).shape == (6, 3)


def test_features_that_are_no_numbers_are_named(posed: Problem) -> None:
    x = posed.graph.x.clone()
    x[3, 1] = float("nan")
    with pytest.raises(MethodError, match=r"linear0.input holds NaN or infinite numbers before training"):
        wrapped("mlp+minmax", replace(posed, graph=replace(posed.graph, x=x)))


def test_a_network_that_makes_other_calls_is_named(posed: Problem) -> None:
    model = wrapped("appnp(hidden=8,steps=2)+minmax", posed)
    model.network.steps = 3
    with pytest.raises(MethodError, match=r"aggregate2.operand has no grid"):
        model(posed.graph)


def test_post_training_quantization_touches_only_the_model_that_predicts(posed: Problem, train) -> None:
    method = Method.parse("gcn(layers=2,hidden=8)+qlr(bits=8,post_training=true)")
    quantizer, network = method.build("quantizer"), method.build_backbone(posed)
    model = quantizer.apply(network, posed)
    assert model is network
    train(model, posed, 3)
    packed = quantizer.pack(model, posed)
    assert isinstance(packed, PackedModel) and not quantizer.simulated
    exact = network.eval()(posed.graph)
    assert 0 < ((packed.eval()(posed.graph) - exact).norm() / exact.norm()).item() < 0.1
    assert quantizer.facts()["sites"] == 10


@pytest.mark.parametrize(("backbone", "simulated"), [("gcn(layers=2,hidden=8)", False), ("gat(layers=2)", True)])
def test_facts_say_what_is_simulated(posed: Problem, backbone: str, simulated: bool) -> None:
    method = Method.parse(f"{backbone}+qlr(bits=2,weight_bits=4)")
    quantizer = method.build("quantizer")
    quantizer.pack(quantizer.apply(method.build_backbone(posed), posed), posed)
    facts = quantizer.facts()
    assert facts["simulated"] is simulated and (facts["computed"] == "FP32") is simulated
    assert facts["bits"]["linear.weight"] == [4] and facts["bits"]["linear.input"] == [2]


def test_nothing_is_taken_over_outside(posed: Problem) -> None:
    model = wrapped("gcn(layers=1)+minmax(bits=2)", posed)
    site = model.sites["linear0_input"]
    assert isinstance(site, RangeSite)
    exact = torch.nn.functional.linear(posed.graph.x, torch.eye(6))
    model(posed.graph)
    assert torch.equal(torch.nn.functional.linear(posed.graph.x, torch.eye(6)), exact)
