"""What every quantizer promises: predictions that repeat and disturb nothing, and gradients for what it learns."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench.conformance.case import Case, Promise, outputs
from bench.conformance.check import FailedError, NotApplicableError
from bench.conformance.posed import build, trainer


def predicts_without_a_trace(case: Case) -> str:
    """Packing and predicting between epochs changes neither the model that trains nor any random number."""
    parts = build(case.method, case.data)
    trainer(parts, epochs=2).run()
    assert parts.quantizer is not None

    def state() -> dict[str, Tensor]:
        held = {name: each.detach().clone() for name, each in parts.model.state_dict().items()}
        return {**held, "the random numbers of torch": torch.get_rng_state()}

    before = state()
    first, second = (outputs(parts.quantizer.pack(parts.model, parts.problem), parts.problem.graph) for _ in range(2))
    if not torch.equal(first, second):
        raise FailedError(
            "two predictions of one model differ; evaluation must use fixed ranges and draw no random number"
        )
    changed = [name for name, each in state().items() if not torch.equal(each, before[name])]
    if changed:
        raise FailedError(f"predicting changes {', '.join(changed[:3])}; only training may move ranges")
    return "two predictions are equal, bit for bit, and leave the model as it was"


def reaches_all_parameters(case: Case) -> str:
    """Gradients pass through rounding to each of the network's parameters that has one without it."""
    method, problem = case.method, case.problem()
    plain = method.build_backbone(problem).train()
    problem.loss(plain(problem.graph), problem.graph).backward()
    network = method.build_backbone(problem)
    model = method.build("quantizer").apply(network, problem).train()
    problem.loss(model(problem.graph), problem.graph).backward()
    missing = sorted(_without_gradient(network) - _without_gradient(plain))
    if missing:
        raise FailedError(
            f"{', '.join(missing[:3])} of the network gets no gradient; rounding needs a straight-through estimate"
        )
    return f"all {len(list(network.parameters()))} tensors of parameters of {method.backbone.name} get a gradient"


def learns_its_ranges(case: Case) -> str:
    """What the quantizer adds to the network's parameters gets a gradient."""
    method, problem = case.method, case.problem()
    torch.manual_seed(0)
    network = method.build_backbone(problem)
    own = {id(parameter) for parameter in network.parameters()}
    model = method.build("quantizer").apply(network, problem).train()
    ranges = {name: each for name, each in model.named_parameters() if id(each) not in own}
    if not ranges:
        raise NotApplicableError("it learns no ranges")
    problem.loss(model(problem.graph), problem.graph).backward()
    missing = [name for name, each in ranges.items() if each.grad is None or not bool(torch.isfinite(each.grad).all())]
    if missing:
        raise FailedError(
            f"{', '.join(missing[:3])} gets no finite gradient, so it is never learned; take it out or use it"
        )
    moved = sum(bool(each.grad.any()) for each in ranges.values())  # type: ignore[union-attr]
    if not moved:
        raise FailedError(f"the gradients of all {len(ranges)} learned ranges are 0, so they are never learned")
    return f"{moved} of {len(ranges)} learned ranges have a gradient that is not 0"


def _without_gradient(network: nn.Module) -> set[str]:
    found = set[str]()
    for name, each in network.named_parameters():
        if each.grad is None or not bool(torch.isfinite(each.grad).all()) or not bool(each.grad.any()):
            found.add(name)
    return found


PROMISES: dict[str, Promise] = {
    "prediction": predicts_without_a_trace,
    "gradients": reaches_all_parameters,
    "learned ranges": learns_its_ranges,
}
