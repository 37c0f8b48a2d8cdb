"""What every backbone declares about its hidden units is true: outputs stay, gradients follow, layers are all there."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import Parameter

from methods.adjacency import Adjacency
from methods.backbones.backbone import Backbone
from methods.backbones.network import Network
from methods.graph import GraphView
from methods.invariance import Invariance
from methods.method import Method
from methods.plugin import names
from methods.problem import Problem
from methods.rescaling.balance import balance
from methods.rescaling.criteria import Criterion
from methods.rescaling.rescale import rescale

STYLES = ("", "residual=true", "head=linear", "norm=batch", "norm=layer,residual=true,head=linear",
          "activation=leaky_relu,residual=true,norm=batch")  # fmt: skip
STACKS = ("gat(heads=1", "gat(heads=4,output_heads=2", "gcn(", "sage(", "gin(learn_epsilon=true", "mlp(")
SPECS = [
    *(f"{stack},{style})".replace("(,", "(").replace(",)", ")") for stack in STACKS for style in STYLES),
    "gatv2(heads=1,share_weights=true,bias=false,initialization=looks_linear)",
    "gatv2(heads=1)",
    "gatv2(heads=4,output_heads=2,share_weights=true)",
    "gatv2(heads=4,output_heads=2,self_loops=false,residual=true)",
    "gatv2(heads=2,share_weights=true,norm=layer,residual=true,head=linear)",
    "gatv2(heads=2,norm=batch,activation=leaky_relu)",
    "gcnii(layers=4,theta=2.0)",
    "gcnii(layers=1)",
    "appnp(layers=2,steps=3)",
    "appnp(layers=4,steps=3)",
    "emp(layers=3,steps=3)",
    "smp(layers=3,steps=3)",
    "gin(layers=1)",
    "gin(layers=1,head=linear,residual=true)",
    "gcn(layers=1,head=linear,residual=true)",
]


def problem(dtype: torch.dtype, directed: Adjacency) -> Problem:
    generator = torch.Generator().manual_seed(2)
    view = GraphView(
        x=torch.randn(60, 8, generator=generator, dtype=torch.float64).to(dtype),
        adjacency=directed,
        y=torch.randint(3, (60,), generator=generator),
        train_mask=torch.ones(60, dtype=torch.bool),
    )
    return Problem(view, "multiclass", 3, torch.Generator().manual_seed(0))


def make(spec: str, posed: Problem) -> Backbone:
    """A network in which nothing is 0 or 1 by accident: biases, gains, shifts and running statistics are random."""
    torch.manual_seed(0)
    method = Method.parse(spec, {"hidden": 16, "layers": 4, "dropout": 0.0})
    model = method.build_backbone(posed).to(posed.graph.x.dtype)
    assert isinstance(model, Backbone)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() <= 1:
                parameter.add_(0.3 * torch.randn_like(parameter))
        for module in model.modules():
            if isinstance(module, nn.BatchNorm1d):
                nn.init.normal_(module.running_mean)  # type: ignore[arg-type]
                nn.init.uniform_(module.running_var, 0.5, 2.0)  # type: ignore[arg-type]
    return model


def declared(model: Backbone) -> Invariance:
    found = model.invariance()
    assert found is not None
    return found


def outputs(model: Backbone, posed: Problem) -> Tensor:
    with torch.no_grad():
        return model(posed.graph)


def lambdas(invariance: Invariance) -> list[Tensor]:
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(units.size, generator=generator, dtype=torch.float64).exp() for units in invariance.units]


@pytest.mark.parametrize(
    ("spec", "dtype", "tolerance"),
    [*((spec, torch.float64, 1e-12) for spec in SPECS), *((spec, torch.float32, 1e-5) for spec in SPECS[::2])],
)
def test_rescaling_leaves_the_outputs(uneven: Adjacency, spec: str, dtype: torch.dtype, tolerance: float) -> None:
    posed = problem(dtype, uneven)
    model = make(spec, posed)
    invariance = declared(model)
    assert invariance.exact
    for training in (True, False):
        model.train(training)
        before = outputs(model, posed)
        rescale(invariance, lambdas(invariance))
        change = float((outputs(model, posed) - before).abs().max())
        assert change < tolerance * max(1.0, float(before.abs().max()))


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("criterion", ["weight_norm", "relative_gradient"])
def test_balancing_leaves_the_outputs_and_carries_gradients(uneven: Adjacency, spec: str, criterion: Criterion) -> None:
    posed = problem(torch.float64, uneven)
    model = make(spec, posed)
    before = outputs(model, posed)
    posed.loss(model(posed.graph), posed.graph).backward()
    done = balance(declared(model), criterion)
    assert done.factors is not None and done.largest > 0.05
    torch.testing.assert_close(outputs(model, posed), before, atol=1e-10, rtol=1e-10)
    carried = [parameter.grad.clone() for parameter in model.parameters()]  # type: ignore[union-attr]
    model.zero_grad()
    posed.loss(model(posed.graph), posed.graph).backward()
    fresh = [parameter.grad for parameter in model.parameters()]
    # in front of a batch norm shifts have no gradient, only rounding
    rounding = 1e-14 * max(float(gradient.norm()) for gradient in fresh)  # type: ignore[union-attr]
    for mine, other in zip(carried, fresh, strict=True):
        assert float((mine - other).norm()) <= 1e-10 * float(other.norm()) + rounding  # type: ignore[union-attr, operator]


@pytest.mark.parametrize("spec", SPECS)
def test_parameter_times_gradient_adds_up_to_zero_at_each_unit(uneven: Adjacency, spec: str) -> None:
    """Specification 2.3, identity (I): every unit's map is complete, also where a single lambda is turned."""
    posed = problem(torch.float64, uneven)
    model = make(spec, posed)
    posed.loss(model(posed.graph), posed.graph).backward()

    def of(parameter: Parameter) -> Tensor:
        assert parameter.grad is not None
        return parameter.detach() * parameter.grad

    for units in declared(model).units:
        made = [of(parameter).reshape(units.size, -1) for parameter in (*units.incoming, *units.biases)]
        read = [of(parameter).reshape(-1, units.size) for parameter in (*units.outgoing, *units.attention)]
        residual = torch.cat(made, 1).sum(1) - torch.cat(read, 0).sum(0)
        assert float(residual.abs().max()) < 1e-12
        assert float(torch.cat(read, 0).abs().max()) > 1e-6


@pytest.mark.parametrize("spec", SPECS)
def test_layers_hold_all_weights_once_and_every_hidden_width_has_its_units(uneven: Adjacency, spec: str) -> None:
    model = make(spec, problem(torch.float32, uneven))
    invariance = declared(model)
    held = [id(weight) for layer in invariance.layers for weight in (*layer.weights, *layer.attention)]
    assert len(held) == len(set(held))
    assert set(held) == {id(parameter) for parameter in model.parameters() if parameter.dim() > 1}
    # nothing but the width of the input and that of the output is without a factor
    touched = {id(parameter) for parameter in invariance.parameters()}
    free = [tuple(p.shape) for p in model.parameters() if p.dim() > 1 and id(p) not in touched]
    normed = any(isinstance(module, nn.BatchNorm1d | nn.LayerNorm) for module in model.modules())
    assert normed or all(3 in shape for shape in free)


def test_every_backbone_that_declares_units_is_tried_here(uneven: Adjacency) -> None:
    tried = {spec.partition("(")[0] for spec in SPECS}
    posed = problem(torch.float32, uneven)
    for name in names("backbone"):
        found = Method.parse(f"{name}").build_backbone(posed).invariance()  # type: ignore[operator]
        assert name in tried or found is None or not found.units, f"add {name} to SPECS"


@pytest.mark.parametrize("activation", ["tanh", "elu"])
@pytest.mark.parametrize(
    "stack", ["gat(heads=4", "gatv2(heads=4", "gcn(norm=none", "sage(norm=none", "gin(norm=none", "mlp(norm=none"]
)
def test_other_activations_are_declared_but_not_as_exact(uneven: Adjacency, stack: str, activation: str) -> None:
    posed = problem(torch.float64, uneven)
    model = make(f"{stack},activation={activation})", posed)
    invariance = declared(model)
    assert not invariance.exact
    before = outputs(model, posed)
    rescale(invariance, lambdas(invariance))
    assert float((outputs(model, posed) - before).abs().max()) > 1e-2


@pytest.mark.parametrize(
    "stack", ["gat(heads=4", "gcn(norm=layer", "sage(norm=layer", "gin(norm=layer", "mlp(norm=batch"]
)
def test_feed_forward_blocks_declare_their_perceptrons(uneven: Adjacency, stack: str) -> None:
    posed = problem(torch.float64, uneven)
    model = make(f"{stack},block=feed_forward)", posed)
    invariance = declared(model)
    assert not invariance.exact  # GELU
    assert [units.size for units in invariance.units] == [16] * 4
    assert isinstance(model, Network)
    for units, block in zip(invariance.units, model.body.blocks, strict=True):  # type: ignore[union-attr, arg-type]
        assert units.incoming == (block.expand.weight,)
        assert units.outgoing == (block.contract.weight,)
    weights = [id(weight) for layer in invariance.layers for weight in (*layer.weights, *layer.attention)]
    assert sorted(weights) == sorted(id(parameter) for parameter in model.parameters() if parameter.dim() > 1)
    # with ReLU in the place of GELU the map is exact
    patch = pytest.MonkeyPatch()
    patch.setattr(nn.functional, "gelu", nn.functional.relu)
    before = outputs(model, posed)
    rescale(invariance, lambdas(invariance))
    after = outputs(model, posed)
    patch.undo()
    torch.testing.assert_close(after, before, atol=1e-12, rtol=1e-12)


def test_the_attention_of_the_last_layer_and_the_rows_behind_it_have_no_units(uneven: Adjacency) -> None:
    invariance = declared(make("gat(heads=4)", problem(torch.float32, uneven)))
    assert [len(layer.attention) for layer in invariance.layers] == [2] * 4
    scored = {id(attention) for units in invariance.units for attention in units.attention}
    assert not scored & {id(attention) for attention in invariance.layers[-1].attention}
    made = {id(weight) for units in invariance.units for weight in (*units.incoming, *units.biases)}
    assert not made & {id(weight) for weight in (*invariance.layers[-1].weights, *invariance.layers[-1].biases)}


def test_all_layers_of_gcnii_share_their_units(uneven: Adjacency) -> None:
    model = make("gcnii(layers=4)", problem(torch.float32, uneven))
    [units] = declared(model).units
    between = [id(linear.weight) for linear in model.weights]  # type: ignore[union-attr]
    assert [id(weight) for weight in units.incoming] == [id(model.encoder.weight), *between]  # type: ignore[union-attr]
    assert [id(weight) for weight in units.outgoing] == [*between, id(model.decoder.weight)]  # type: ignore[union-attr]


@pytest.mark.parametrize("spec", ["mlp(layers=1)", "gcn(layers=1)", "gat(layers=1)", "appnp(layers=1)"])
def test_a_single_layer_has_no_units(uneven: Adjacency, spec: str) -> None:
    invariance = declared(make(spec, problem(torch.float32, uneven)))
    assert invariance.units == ()
    assert len(invariance.layers) == 1
