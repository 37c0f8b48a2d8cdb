"""A network whose products and sums over neighbours work on grids: the wrapper of all simulated quantizers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from torch.overrides import TorchFunctionMode

from methods.adjacency import Adjacency
from methods.aggregate import aggregate, attend, attend_dynamic
from methods.errors import MethodError
from methods.graph import GraphView
from methods.invariance import Invariance
from methods.lowbit.grid import Grid
from methods.quantizers.factors import integer_factors, symmetric_factors

if TYPE_CHECKING:
    from methods.quantizers.site import Site
    from methods.quantizers.site_quantizer import SiteQuantizer

Role = Literal["input", "weight", "output", "operand", "message", "result", "update"]
"""What a tensor is to its product (input, weight, output) or to its sum (the others)."""


class QuantizedModel(nn.Module):
    """A network that computes with values on grids, in FP32.

    Every product with a matrix of parameters and every sum over neighbours is a call, numbered in the order in which
    the network makes them; each of its tensors is a site, named for example `linear0.weight` or `aggregate1.operand`.

    * `linear`: Q_output(Q_input(x) Q_weight(W)^T + b).
    * `aggregate`: Q_result(A Q_operand(x)). Where A = D^-1/2 P D^-1/2 is the view's normalised adjacency, it is
      Q_result(D^-1/2 P Q_operand(D^-1/2 x)), so that the sum goes over values of one grid and P has no weights: what a
      kernel on codes computes. With `aggregation=edge` it is Q_update(Q_result(sum over edges of Q_message(w x))).
    * `attend`: Q_result(attention over Q_operand(messages)); scores stay FP32. Those of dynamic attention are computed
      from the rounded messages.

    Sites are made by one pass over a view, so an optimizer sees their learned ranges, and evaluation before training
    works.

    Args:
        network: from a view to outputs.
        quantizer: makes the sites.
        view: what the first ranges are taken from.
        calibrate_in_training: whether that pass is one of training (with dropout, batch norms by the batch) or of
            evaluation. It draws no random number that others see, and leaves running statistics alone.

    Attributes:
        calls: how many of each kind the network makes.
        products: weight and bias of each `linear` call.
        sums_are_of_codes: whether all other calls are sums of one grid's values, without weights: what integers can do.
        level: what the outputs belong to.

    Raises:
        MethodError: a tensor is not finite in that pass.
    """

    def __init__(
        self, network: nn.Module, quantizer: SiteQuantizer, view: GraphView, calibrate_in_training: bool = True
    ) -> None:
        super().__init__()
        self.network, self.quantizer = network, quantizer
        self.hops = getattr(network, "hops", None)
        self.sites = nn.ModuleDict()
        self.products: list[tuple[nn.Parameter, Tensor | None]] = []
        self.sums_are_of_codes, self.level = quantizer.aggregation == "node", view.level
        was_training = network.training
        self.train(calibrate_in_training)
        with torch.no_grad(), _without_a_trace(self, view.x.device):
            self.last_product = _count_products(network, view) - 1 if quantizer.ends_differ else None
            with _Pass(self, view, calibrating=True) as calibration:
                network(view)
        self.calls = calibration.calls
        self.train(was_training)

    def forward(self, view: GraphView) -> Tensor:
        with _Pass(self, view):
            return self.network(view)

    def propagation_trace(self, view: GraphView) -> dict[str, Tensor]:
        """That of the network with its values on grids; what is measured is not rounded."""
        measure = getattr(self.network, "propagation_trace", None)
        if measure is None:
            return {}
        with _Pass(self, view):
            return measure(view)

    def invariance(self) -> Invariance | None:
        """What the network declares, no longer exact: a grid spans all units of a tensor, so scaling one moves it."""
        declare = getattr(self.network, "invariance", None)
        declared = None if declare is None else declare()
        return None if declared is None else replace(declared, exact=False)

    def grids(self) -> dict[str, Grid]:
        """The grid of each site that has one, by its name such as `linear0.weight`; sites of 32 bits have none."""
        found = {name.replace("_", "."): site.grid() for name, site in self._named_sites()}
        return {name: grid for name, grid in found.items() if grid is not None}

    @property
    def names_of_calls(self) -> set[str]:
        """The names that the sites of all calls have where every tensor is on a grid."""
        roles = {"linear": ("input", "weight", "output")}
        return {
            f"{call}{number}.{role}"
            for call, count in self.calls.items()
            for number in range(count)
            for role in roles.get(call, ("operand", "result"))
        }

    def bits(self) -> dict[str, float]:
        """The bits of each site, by its name; a mean where its rows have their own."""
        return {name.replace("_", "."): site.stored_bits() for name, site in self._named_sites()}

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Parameters for the optimizer: the network's, and learned ranges apart; None means the protocol's value."""
        own = {"params": list(self.network.parameters()), "lr": None, "weight_decay": None}
        return [own, *(group for group in self.quantizer.range_groups(self.sites) if group["params"])]

    def _named_sites(self) -> Iterator[tuple[str, Site]]:
        return self.sites.items()  # type: ignore[return-value]


class _Pass(TorchFunctionMode):
    """One pass of a network in which products and sums are done on grids."""

    def __init__(self, model: QuantizedModel, view: GraphView, calibrating: bool = False) -> None:
        super().__init__()
        self.model, self.view, self.calibrating = model, view, calibrating
        self.calls: Counter[str] = Counter()
        self.exempt = model.quantizer.exempt_nodes(view) if model.training and not calibrating else None
        self.factored: dict[Adjacency, tuple[Tensor, Adjacency] | None] = {}
        model.quantizer.begins(view)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        # the mode is off inside, so what a replacement calls is not replaced again
        replacement = _REPLACEMENTS.get(func)
        kwargs = kwargs or {}
        return func(*args, **kwargs) if replacement is None else replacement(self, *args, **kwargs)

    def linear(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        if not isinstance(weight, nn.Parameter):  # scores of attention; see `attend`
            return functional.linear(x, weight, bias)
        number, rows = self._number("linear"), self._exempt(x)
        if self.calibrating:
            self.model.products.append((weight, bias))
        end = number in (0, self.model.last_product)
        name = f"linear{number}"
        x = self._on_grid(name, "input", x, rows, end)
        weight = self._on_grid(name, "weight", weight, None, end)
        return self._on_grid(name, "output", functional.linear(x, weight, bias), rows, end)

    def aggregate(self, adjacency: Adjacency, x: Tensor) -> Tensor:
        name = f"aggregate{self._number('aggregate')}"
        if self.model.quantizer.bits_of(name, "operand", end=False) == 32:
            return aggregate(adjacency, x)
        if self.calibrating and self.model.sums_are_of_codes:
            self.model.sums_are_of_codes = integer_factors(self.view.adjacency, adjacency) is not None
        if self.model.quantizer.aggregation == "edge":
            total = self._sum_of_messages(name, adjacency, x)
            result = self._on_grid(name, "result", total, self._exempt(total))
            return self._on_grid(name, "update", result, self._exempt(result))
        factors = self._factors(adjacency)
        if factors is None:
            total = aggregate(adjacency, self._on_grid(name, "operand", x, self._exempt(x)))
        else:
            root, pattern = factors
            scale = root.unsqueeze(1)
            total = scale * aggregate(pattern, self._on_grid(name, "operand", scale * x, self._exempt(x)))
        return self._on_grid(name, "result", total, self._exempt(total))

    def attend(self, adjacency, source_scores, target_scores, messages, **settings) -> Tensor:
        name = self._attention()
        messages = self._on_grid(name, "operand", messages, self._exempt(messages))
        out = attend(adjacency, source_scores, target_scores, messages, **settings)
        return self._on_grid(name, "result", out, self._exempt(out))

    def attend_dynamic(self, adjacency, sources, targets, attention, **settings) -> Tensor:
        name = self._attention()
        messages = self._on_grid(name, "operand", sources, self._exempt(sources))
        # one matrix may be both, and then one table of codes serves both
        targets = messages if targets is sources else targets
        out = attend_dynamic(adjacency, messages, targets, attention, **settings)
        return self._on_grid(name, "result", out, self._exempt(out))

    def _attention(self) -> str:
        if self.calibrating:
            self.model.sums_are_of_codes = False  # its weights are FP32
        return f"attend{self._number('attend')}"

    def _sum_of_messages(self, name: str, adjacency: Adjacency, x: Tensor) -> Tensor:
        """The released form: every edge's weighted message has its own rounding (Wang et al. 2023)."""
        sources = adjacency.indices.long()
        messages = adjacency.weights().to(x.dtype).unsqueeze(1) * x.index_select(0, sources)
        exempt = self._exempt(x)
        rows = None if exempt is None else exempt.index_select(0, sources)
        messages = self._on_grid(name, "message", messages, rows)
        return x.new_zeros(adjacency.rows, x.shape[1]).index_add(0, adjacency.row_of_entry(), messages)

    def _on_grid(self, call: str, role: Role, x: Tensor, exempt: Tensor | None, end: bool = False) -> Tensor:
        quantizer, sites = self.model.quantizer, self.model.sites
        bits = quantizer.bits_of(call, role, end)
        if bits == 32:
            return x
        name = f"{call}_{role}"
        if self.calibrating:
            if not bool(torch.isfinite(x).all()):
                raise MethodError(f"{call}.{role} holds NaN or infinite numbers before training; look at the features")
            sites[name] = quantizer.make_site(x, bits, role).eval()
        elif name not in sites:
            raise MethodError(f"{call}.{role} has no grid: the network makes other calls now than when it was wrapped")
        return sites[name](x, exempt)

    def _exempt(self, x: Tensor) -> Tensor | None:
        """The exempt rows of a tensor that has one row a node."""
        return self.exempt if self.exempt is not None and x.shape[0] == self.exempt.numel() else None

    def _number(self, call: str) -> int:
        self.calls[call] += 1
        return self.calls[call] - 1

    def _factors(self, operator: Adjacency) -> tuple[Tensor, Adjacency] | None:
        """See `symmetric_factors`."""
        if operator not in self.factored:
            self.factored[operator] = symmetric_factors(self.view.adjacency, operator)
        return self.factored[operator]


_REPLACEMENTS: dict[Callable[..., Any], Callable[..., Tensor]] = {
    functional.linear: _Pass.linear,
    aggregate: _Pass.aggregate,
    attend: _Pass.attend,
    attend_dynamic: _Pass.attend_dynamic,
}


def _count_products(network: nn.Module, view: GraphView) -> int:
    class Count(TorchFunctionMode):
        products = 0

        def __torch_function__(self, func, types, args=(), kwargs=None):
            if func is functional.linear:
                self.products += isinstance(args[1], nn.Parameter)
            return func(*args, **(kwargs or {}))

    with Count() as count:
        network(view)
    return count.products


@contextmanager
def _without_a_trace(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Leave random numbers and the running statistics of batch norms as they are."""
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    tracked = [norm.track_running_stats for norm in norms]
    for norm in norms:
        norm.track_running_stats = False
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            yield
    finally:
        for norm, setting in zip(norms, tracked, strict=True):
            norm.track_running_stats = setting
