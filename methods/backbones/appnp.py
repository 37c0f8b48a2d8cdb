"""APPNP (Gasteiger et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor, nn

from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.backbones.backbone import State
from methods.backbones.propagation import Propagation
from methods.lowbit.grid import Grid
from methods.parameters import Fraction
from methods.plugin import register


@register("backbone", "appnp")
class APPNP(Propagation):
    """A perceptron's predictions spread by personalised PageRank (Gasteiger et al. 2019, eq. 4)."""

    def __init__(self, in_features: int, out_features: int, *, alpha: Fraction = 0.1, **shared) -> None:
        super().__init__(in_features, out_features, **shared)
        self.alpha = alpha

    def states(self, start: Tensor, adjacency: Adjacency) -> Iterator[State]:
        operator = adjacency.normalized("symmetric", self_loops=True)
        spread = start
        yield State(spread, {})
        for _ in range(self.steps):
            spread = (1 - self.alpha) * aggregate(operator, spread) + self.alpha * start
            yield State(spread, {})

    def packed(self, grids: Mapping[str, Grid]) -> nn.Module | None:
        from methods.lowbit.packed_propagation import LinearGrids, PackedPropagation, StepGrids

        linears = [
            (f"linear{layer}.input", f"linear{layer}.weight", f"linear{layer}.output")
            for layer in range(len(self.linears))
        ]
        steps = [(f"aggregate{step}.operand", f"aggregate{step}.result") for step in range(self.steps)]
        if any(name not in grids for names in (*linears, *steps) for name in names):
            return None  # some site stays in 32 bits, or sums go over rounded messages
        parameters = [parameter.detach() for parameter in self.linears.parameters()]
        return PackedPropagation(
            parameters[0::2],
            parameters[1::2],
            [LinearGrids(*(grids[name] for name in names)) for names in linears],
            [StepGrids(*(grids[name] for name in names)) for names in steps],
            self.alpha,
        )
