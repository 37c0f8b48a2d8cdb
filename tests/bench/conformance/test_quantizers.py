"""Quantizers that break one promise each, and ours."""

from __future__ import annotations

import pytest

from bench.conformance.quantizers import PROMISES, learns_its_ranges, predicts_without_a_trace, reaches_all_parameters

SOURCE = """
class Wrapped(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network, self.step = network, nn.Parameter(torch.ones(()))
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, view):
        out = self.network(view)
        {forward}

@register("quantizer", "mine")
class Mine(Quantizer):
    \"\"\"Mine.\"\"\"

    def apply(self, model, problem):
        return Wrapped(model)
"""


@pytest.mark.parametrize(
    ("forward", "promise", "sentence"),
    [
        ("return torch.round(out / self.step)", reaches_all_parameters, " of the network gets no gradient; rounding"),
        ("return out", learns_its_ranges, "step gets no finite gradient, so it is never learned"),
        ("return out + 0 * self.step", learns_its_ranges, "the gradients of all 1 learned ranges are 0"),
        ("self.calls += 1; return out", predicts_without_a_trace, "predicting changes calls; only training"),
        ("return out + torch.rand(1)", predicts_without_a_trace, "two predictions of one model differ"),
    ],
)
def test_what_is_broken_is_found(write, look, forward: str, promise, sentence: str) -> None:
    [target] = write(SOURCE.format(forward=forward))
    check = look(promise, target)
    assert check.status == "failed" and sentence in check.sentence


@pytest.mark.parametrize("name", ["minmax", "lsq(bits=4)", "exact"])
def test_ours_keep_all_promises(look, name: str) -> None:
    statuses = [look(promise, name).status for promise in PROMISES.values()]
    assert statuses == ["passed", "passed", "passed" if name.startswith("lsq") else "not applicable"]
