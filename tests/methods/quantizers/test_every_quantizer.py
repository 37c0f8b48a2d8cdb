"""Every quantizer trains every backbone."""

from __future__ import annotations

import math

import pytest
import torch

from methods.method import Method
from methods.plugin import names
from methods.problem import Problem

BACKBONES = ["gcn", "sage", "gin", "gat", "gatv2", "appnp", "gcnii", "emp", "smp", "mlp"]


WITHOUT_BITS = {"bi_gcn": "bi_gcn", "mixq": "mixq(search=2)", "sgquant": "sgquant"}
"""Quantizers whose widths are learned or given."""


def spec_of(quantizer: str, bits: int) -> str:
    return WITHOUT_BITS.get(quantizer, f"{quantizer}(bits={bits})")


def test_all_are_tried() -> None:
    ours = {"minmax", "lsq", "degree_quant", "qlr", "bt", "bt_star", "exact", "a2q", "mixq", "bi_gcn", "sgquant"}
    assert set(names("quantizer")) >= ours


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("quantizer", names("quantizer"))
def test_three_steps(posed: Problem, train, backbone: str, quantizer: str) -> None:
    torch.manual_seed(0)
    method = Method.parse(f"{backbone}(layers=2,hidden=16,dropout=0.3)+{spec_of(quantizer, 2)}")
    built = method.build("quantizer")
    model = built.apply(method.build_backbone(posed), posed)
    losses = train(model, posed, 3)
    assert all(math.isfinite(loss) for loss in losses) and len(set(losses)) == 3
    predicting = built.pack(model, posed).eval()
    with torch.inference_mode():
        assert predicting(posed.graph).shape == (30, 3)
    assert isinstance(built.facts()["simulated"], bool)


@pytest.mark.parametrize("quantizer", names("quantizer"))
def test_four_bits_learn(posed: Problem, train, quantizer: str) -> None:
    torch.manual_seed(0)
    method = Method.parse(f"gcn(layers=2,hidden=32,dropout=0.0)+{spec_of(quantizer, 4)}")
    losses = train(method.build("quantizer").apply(method.build_backbone(posed), posed), posed, 40)
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


@pytest.mark.parametrize("quantizer", names("quantizer"))
def test_one_seed_gives_one_curve(posed: Problem, train, quantizer: str) -> None:
    method = Method.parse(f"gcn(layers=2,hidden=16)+{spec_of(quantizer, 4)}")

    def curve() -> list[float]:
        torch.manual_seed(3)
        return train(method.build("quantizer").apply(method.build_backbone(posed), posed), posed, 3)

    assert curve() == curve()
