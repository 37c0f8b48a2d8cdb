"""Rescalers that break one promise each, and ours."""

from __future__ import annotations

import pytest

from bench.conformance.rescalers import keeps_the_function

HEAD = """
from methods.invariance import invariance_of
from methods.rescaling.rescale import rescale

@register("rescaler", "mine")
class Mine(Rescaler):
    \"\"\"Mine.\"\"\"
"""
DOUBLE = (
    "rescale(invariance_of(self.model, 'mine'), [torch.full((u.size,), 2.0) for u in self.model.invariance().units])"
)
ONE = "next(self.model.parameters())"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (f"{ONE}.data.mul_(1.01)", "before_update changes the outputs of appnp in epoch 1 by "),
        (DOUBLE, " of appnp in epoch 1 by other factors than it returns"),
        (f"{ONE}.grad.mul_(2)", "before_update leaves a wrong gradient of "),
        (
            f"gradients = [p.grad.clone() for p in self.model.parameters()]\n        factors = {DOUBLE}\n"
            "        for each, gradient in zip(self.model.parameters(), gradients): each.grad = gradient\n"
            "        return factors",
            "before_update leaves a wrong gradient of ",
        ),
    ],
    ids=["moves outputs", "says nothing", "moves gradients", "leaves gradients"],
)
def test_what_is_broken_is_found(write, look, body: str, sentence: str) -> None:
    [target] = write(f"{HEAD}\n    def before_update(self, progress):\n        {body}\n")
    check = look(keeps_the_function, target)
    assert check.status == "failed" and sentence in check.sentence


def test_a_function_that_is_kept_passes_whatever_the_factors(write, look) -> None:
    [target] = write(f"{HEAD}\n    def before_forward(self, progress):\n        return {DOUBLE}\n")
    assert look(keeps_the_function, target).status == "passed"


def test_nothing_to_look_at(write, look) -> None:
    [target] = write(HEAD)
    check = look(keeps_the_function, target)
    assert (check.status, check.sentence) == (
        "not applicable", "it multiplied nothing in 12 epochs; check it with parameters that let it act"
    )  # fmt: skip


@pytest.mark.parametrize("name", ["dr_c(every=3)"])
def test_ours_keep_their_promise(look, name: str) -> None:
    check = look(keeps_the_function, name)
    assert check.status == "passed", check.sentence
    assert "gat, gatv2, gcn, gcnii, gin" in check.sentence
