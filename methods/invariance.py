"""Which parameters of a network may be rescaled together without changing what it computes.

A hidden unit whose activation is positively homogeneous (ReLU, LeakyReLU) may have everything that makes it multiplied
by lambda > 0, if everything that reads it, and the attention that scores it, is divided by lambda (Mustafa et al. 2023,
Lemma 2.1; Mustafa and Burkholz 2024, eq. 3). Every backbone declares its units beside its layers; what rescaling does
with them lies in `methods.rescaling`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from methods.errors import MethodError


@dataclass(frozen=True)
class Layer:
    """One layer of weights, as layer focus and the record of training dynamics count them. All are parameters.

    Attributes:
        weights: matrices [outputs, inputs] that are applied side by side.
        attention: attention vectors over the layer's outputs, in the order of the rows; any shape of that many entries.
        biases: [outputs], added to the outputs before the activation.
    """

    weights: tuple[Tensor, ...]
    attention: tuple[Tensor, ...] = ()
    biases: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class Units:
    """The hidden units between two layers.

    Attributes:
        size: how many.
        incoming: row i makes unit i and is multiplied by lambda_i; [size, inputs], or [size] for the gains of a norm.
        outgoing: column i reads unit i and is divided by lambda_i; [outputs, size].
        attention: entry i scores unit i and is divided by lambda_i; `size` entries in any shape.
        biases: multiplied by lambda_i, but left out of all criteria; `size` entries each.
    """

    size: int
    incoming: tuple[Tensor, ...]
    outgoing: tuple[Tensor, ...]
    attention: tuple[Tensor, ...] = ()
    biases: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class Invariance:
    """All hidden units of a network.

    Attributes:
        layers: from input to output.
        units: from input to output. A matrix that stands in both `incoming` and `outgoing` of one entry reads and makes
            the same units (a recurrent or skip connection).
        exact: whether the function stays the same up to rounding. Where it does not (another activation than ReLU or
            LeakyReLU), rescalers measure by how much it changes.
    """

    layers: tuple[Layer, ...]
    units: tuple[Units, ...]
    exact: bool = True

    def parameters(self) -> Iterator[Tensor]:
        """Every parameter that rescaling touches, each once."""
        seen: set[int] = set()
        for units in self.units:
            for parameter in (*units.incoming, *units.outgoing, *units.attention, *units.biases):
                if id(parameter) not in seen:
                    seen.add(id(parameter))
                    yield parameter


def chain(layers: Sequence[Layer]) -> tuple[Units, ...]:
    """The units between layers of which each reads only the one before."""
    return tuple(between(before, after.weights) for before, after in pairwise(layers))


def between(maker: Layer, readers: tuple[Tensor, ...], norm: nn.Module | None = None) -> Units:
    """The units that a layer makes and some matrices read.

    A norm between them undoes any scale of the rows that make a unit, so its own gain and shift are what makes it then.
    """
    size = maker.weights[0].shape[0]
    if norm is None or isinstance(norm, nn.Identity):
        return Units(size, maker.weights, readers, maker.attention, maker.biases)
    assert isinstance(norm.weight, Tensor) and isinstance(norm.bias, Tensor)
    return Units(size, (norm.weight,), readers, biases=(norm.bias,))


def invariance_of(model: nn.Module, who: str) -> Invariance:
    """The invariance that a model declares.

    Args:
        who: what asks, for the message.

    Raises:
        MethodError: the model declares none.
    """
    declare = getattr(model, "invariance", None)
    declared: Invariance | None = None if declare is None else declare()
    if declared is None or not declared.units:
        name = type(getattr(model, "network", model)).__name__
        raise MethodError(
            f"{who} cannot be used: {name} declares no hidden units that may be rescaled; see methods/invariance.py"
        )
    return declared
