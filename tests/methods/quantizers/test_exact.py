"""Compressed activations: exact forward, unbiased gradients, bytes that add up."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from methods.method import Method
from methods.problem import Problem
from methods.quantizers.exact import CompressedTraining


def built(spec: str, problem: Problem) -> CompressedTraining:
    torch.manual_seed(0)
    method = Method.parse(spec)
    return method.build("quantizer").apply(method.build_backbone(problem), problem)


def gradients(model: nn.Module, problem: Problem) -> list[Tensor]:
    model.zero_grad()
    problem.loss(model(problem.graph), problem.graph).backward()
    return [parameter.grad.clone() for parameter in model.parameters()]


@pytest.mark.parametrize("backbone", ["gcn", "gin"])
def test_gradients_are_unbiased(posed: Problem, backbone: str) -> None:
    """The mean over many draws is the exact gradient, within what chance allows."""
    model = built(f"{backbone}(layers=2,hidden=16,dropout=0.0)+exact(bits=2)", posed)
    exact = gradients(model.network, posed)
    count = 100
    draws = [gradients(model, posed) for _ in range(count)]
    moved = False
    for place, truth in enumerate(exact):
        values = torch.stack([draw[place] for draw in draws]).double()
        standard = (values.std(0) / count**0.5).clamp(min=1e-6)
        assert float(((values.mean(0) - truth).abs() / standard).max()) < 5.5
        moved |= bool(values.std(0).max() > 1e-4)
    assert moved


def test_eight_bits_are_close_for_norms_and_attention(posed: Problem) -> None:
    model = built("gat(layers=2,hidden=32,dropout=0.0,norm=batch,residual=true)+exact(bits=8)", posed)
    # together, because a bias before a batch norm has no gradient but noise
    exact, rounded = (torch.cat([g.flatten() for g in gradients(m, posed)]) for m in (model.network, model))
    assert 0 < float((rounded - exact).norm()) < 0.02 * float(exact.norm())


def test_predictions_and_losses_are_those_of_full_precision(posed: Problem) -> None:
    model = built("gcn(layers=2,hidden=16,dropout=0.0)+exact(bits=2)", posed)
    assert torch.equal(model.train()(posed.graph), model.network(posed.graph))
    assert torch.equal(model.eval()(posed.graph), model.network(posed.graph))


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_bytes_of_a_perceptron_by_hand(posed: Problem, dropout: float) -> None:
    """Two hidden layers of 32 and 64 units: their outputs are what backward needs, each kept once for two operations.

    The features belong to the view, so they cost nothing; a row has its codes, a sign bit an entry, and two bfloat16.
    """
    network = nn.Module()
    network.forward = lambda view: stack(view.x)  # type: ignore[method-assign]
    stack = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 3))
    network.stack = stack
    model = CompressedTraining(network, 4)
    problem = posed
    gradients(model, problem)
    assert model.original_bytes == 30 * (32 + 64) * 4
    assert model.compressed_bytes == 30 * (32 * 4 // 8 + 32 // 8 + 4) + 30 * (64 * 4 // 8 + 64 // 8 + 4)
    same = built(f"mlp(layers=2,hidden=64,dropout={dropout})+exact(bits=2)", posed)
    gradients(same, posed)
    assert same.original_bytes == 30 * 64 * 4, "the fused ReLU's output and the next product's input are one matrix"
    assert same.compressed_bytes == 30 * (16 + 8 + 4)


def test_what_autograd_holds_is_what_is_counted(posed: Problem) -> None:
    """Measured from outside: the storages that stay alive between forward and backward."""
    model = built("gcn(layers=3,hidden=64,dropout=0.5)+exact(bits=2)", posed)
    held: dict[int, int] = {}

    def note(x: Tensor) -> Tensor:
        held[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
        return x

    with torch.autograd.graph.saved_tensors_hooks(note, lambda x: x):
        out = model.network(posed.graph)
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    own.add(posed.graph.x.untyped_storage().data_ptr())
    large = sum(size for place, size in held.items() if place not in own and size >= 30 * 16 * 4)
    problem_loss = posed.loss(model(posed.graph), posed.graph)
    assert large == model.original_bytes > 0
    assert model.compressed_bytes < model.original_bytes / 8
    assert torch.isfinite(problem_loss) and out.shape == (30, 3)


@pytest.mark.parametrize(
    "backbone", ["gcn", "sage", "gin", "gat", "gatv2", "gcnii", "mlp", "appnp", "emp", "smp", "gcn(block=feed_forward)"]
)
def test_every_backbone_keeps_fewer_bytes(posed: Problem, backbone: str) -> None:
    name, _, rest = backbone.partition("(")
    own = f",{rest}" if rest else ")"
    method = Method.parse(f"{name}(layers=2,hidden=64{own}+exact(bits=2)")
    problem = replace(posed, out_features=40)  # states of fewer columns than 16 stay as they are
    torch.manual_seed(0)
    quantizer = method.build("quantizer")
    model = quantizer.apply(method.build_backbone(problem), problem)
    found = gradients(model, problem)
    facts = quantizer.facts()
    assert 0 < facts["compressed_bytes"] < facts["original_bytes"] / 4
    assert all(bool(torch.isfinite(gradient).all()) for gradient in found)


def test_narrow_matrices_and_parameters_are_left_alone(posed: Problem) -> None:
    model = built("gcn(layers=2,hidden=8)+exact(bits=2)", posed)
    gradients(model, posed)
    assert model.original_bytes == 0


def test_32_bits_keep_everything(posed: Problem) -> None:
    model = built("gcn(layers=2,hidden=32,dropout=0.0)+exact(bits=32)", posed)
    for exact, value in zip(gradients(model.network, posed), gradients(model, posed), strict=True):
        assert torch.equal(exact, value)


def test_facts_say_that_it_is_real(posed: Problem) -> None:
    method = Method.parse("gcn(layers=2,hidden=32)+exact")
    quantizer = method.build("quantizer")
    model = quantizer.apply(method.build_backbone(posed), posed)
    gradients(model, posed)
    assert model.hops == 2 and model.invariance().exact
    assert quantizer.facts() == {
        "simulated": False,
        "bits_stored": 2,
        "bits_computed": 32,
        "compressed_bytes": model.compressed_bytes,
        "original_bytes": model.original_bytes,
    }
    assert model.compressed_bytes > 0
