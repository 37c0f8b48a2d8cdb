"""Any network on codes, call by call: products and sums in integers, and FP32 between two of them."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.errors import MethodError
from methods.graph import GraphView
from methods.lowbit.aggregate import aggregate_packed
from methods.lowbit.finish import Finish
from methods.lowbit.grid import Grid
from methods.lowbit.linear import PackedLinear, what_computes
from methods.lowbit.packing import quantize_rows
from methods.quantizers.factors import integer_factors


class PackedCalls(nn.Module):
    """A network whose every product and sum packs its operand and computes on the codes, as `QuantizedModel` imitates.

    What stands between two calls (activations, norms, residuals, what a propagation step combines) is the network's own
    code in FP32. It keeps no float copy of the matrices that it packs, and it only predicts.

    Args:
        network: from a view to outputs; it is copied.
        products: weight and bias of each product, in the order of the calls.
        grids: of each site.

    Raises:
        MethodError: a weight holds NaN.
    """

    def __init__(
        self,
        network: nn.Module,
        products: Sequence[tuple[nn.Parameter, Tensor | None]],
        grids: Mapping[str, Grid],
    ) -> None:
        super().__init__()
        self.grids = dict(grids)
        self.products: list[PackedLinear] = []
        shapes: dict[int, Any] = {}
        for number, (weight, bias) in enumerate(products):
            weight_grid, input_grid = grids[f"linear{number}.weight"], grids[f"linear{number}.input"]
            self.products.append(PackedLinear(weight, bias, weight_grid, input_grid))
            for packed in (weight, bias):
                if isinstance(packed, nn.Parameter):  # the network may ask for a shape, and computes with none of these
                    shapes[id(packed)] = nn.Parameter(torch.empty_like(packed, device="meta"), requires_grad=False)
        self.network = copy.deepcopy(network, shapes)
        self.eval()

    @property
    def computed(self) -> str:
        """What multiplies and adds up the codes, and what is between."""
        return f"{what_computes(self.products)}; FP32 between them"

    @property
    def bytes(self) -> int:
        """Bytes of packed weights and their biases, and of all that the network keeps beside them."""
        beside = [tensor for tensor in (*self.network.parameters(), *self.network.buffers()) if not tensor.is_meta]
        own = sum(tensor.numel() * tensor.element_size() for tensor in beside)
        return own + sum(product.bytes for product in self.products)

    def train(self, mode: bool = True) -> PackedCalls:
        """It stays in evaluation: nothing here has a gradient, and no dropout belongs into a prediction."""
        return super().train(False)

    @torch.inference_mode()
    def forward(self, view: GraphView) -> Tensor:
        """Outputs of a view.

        Raises:
            MethodError: a sum cannot be made on codes on this view, or NaN would have to be packed.
        """
        with _Pass(self, view):
            return self.network(view)


def sum_on_codes(view: GraphView, operator: Adjacency, x: Tensor, operand: Grid, result: Grid) -> Tensor:
    """Q_result(A Q_operand(x)) with the sums in integers; where A is D^-1/2 P D^-1/2, the operand is D^-1/2 x.

    Args:
        operator: A [rows, columns].
        x: [columns, features] float32.

    Raises:
        MethodError: A has weights that are no factors of rows or columns, or NaN would have to be packed.
    """
    factors = integer_factors(view.adjacency, operator)
    if factors is None:
        raise MethodError("integer sums need an unweighted adjacency; aggregate a weighted one in float32")
    summing, of_column = factors
    total = aggregate_packed(summing, quantize_rows(x, operand, of_column), Finish(result=result))
    assert isinstance(total, Tensor)
    return total


class _Pass(TorchFunctionMode):
    """One pass in which products and sums are made on codes, numbered as `QuantizedModel` numbers them."""

    def __init__(self, model: PackedCalls, view: GraphView) -> None:
        super().__init__()
        self.model, self.view = model, view
        self.calls: Counter[str] = Counter()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        replacement = _REPLACEMENTS.get(func)
        kwargs = kwargs or {}
        return func(*args, **kwargs) if replacement is None else replacement(self, *args, **kwargs)

    def linear(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        if not isinstance(weight, nn.Parameter):
            return functional.linear(x, weight, bias)
        number = self._number("linear")
        product = self.model.products[number]
        return product(quantize_rows(x, product.input), output=self.model.grids[f"linear{number}.output"])

    def aggregate(self, adjacency: Adjacency, x: Tensor) -> Tensor:
        name = f"aggregate{self._number('aggregate')}"
        grids = self.model.grids[f"{name}.operand"], self.model.grids[f"{name}.result"]
        return sum_on_codes(self.view, adjacency, x, *grids)

    def _number(self, call: str) -> int:
        self.calls[call] += 1
        return self.calls[call] - 1


_REPLACEMENTS: dict[Callable[..., Any], Callable[..., Tensor]] = {
    functional.linear: _Pass.linear,
    aggregate: _Pass.aggregate,
}
