"""What the base of quantizers promises."""

from __future__ import annotations

from torch import nn

from methods.problem import Problem
from methods.quantizer import Quantizer


class Plain(Quantizer):
    def apply(self, model: nn.Module, problem: Problem) -> nn.Module:
        return model


def test_a_quantizer_is_simulated_until_it_says_otherwise() -> None:
    assert Plain().facts() == {"simulated": True}


def test_the_trained_model_predicts_unless_it_is_packed() -> None:
    model = nn.Linear(1, 1)
    assert Plain().pack(model, None) is model  # type: ignore[arg-type]
