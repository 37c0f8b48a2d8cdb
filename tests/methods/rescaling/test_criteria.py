"""Energies of hidden units, by hand and against networks that were really rescaled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import Parameter

from methods.errors import MethodError
from methods.invariance import Invariance, Layer, Units
from methods.rescaling.criteria import Criterion, Energies, imbalance
from methods.rescaling.rescale import rescale

BOTH: tuple[Criterion, ...] = ("weight_norm", "relative_gradient")


def parameter(values: list[Any], gradient: list[Any] | None = None) -> Parameter:
    made = Parameter(torch.tensor(values))
    made.grad = None if gradient is None else torch.tensor(gradient)
    return made


def two_layers() -> Invariance:
    """Two units with attention, a bias and one reader; everything has a gradient."""
    weight = parameter([[1.0, 2.0], [3.0, 4.0]], [[2.0, 2.0], [3.0, 8.0]])
    attention = parameter([[5.0, 6.0]], [[5.0, 12.0]])
    bias = parameter([100.0, 100.0], [100.0, 100.0])
    reader = parameter([[7.0, 8.0], [1.0, 1.0]], [[7.0, 24.0], [0.0, -2.0]])
    # the last layer's attention is in no units
    layers = Layer((weight,), (attention,), (bias,)), Layer((reader,), (parameter([9.0, 9.0], [1.0, 1.0]),))
    return Invariance(layers, (Units(2, (weight,), (reader,), (attention,), (bias,)),))


def test_weight_norms_by_hand() -> None:
    energies = Energies(two_layers(), "weight_norm")
    assert energies.made(0).tolist() == [1 + 4, 9 + 16]
    assert energies.read(0).tolist() == [49 + 1 + 25, 64 + 1 + 36]
    assert float(energies.total()) == 5 + 25 + 75 + 101


def test_relative_gradients_by_hand_are_divided_before_they_are_squared() -> None:
    energies = Energies(two_layers(), "relative_gradient")
    assert energies.made(0).tolist() == [2**2 + 1, 1 + 2**2]
    assert energies.read(0).tolist() == [1 + 0 + 1, 3**2 + 2**2 + 2**2]
    assert float(energies.total()) == 5 + 5 + 2 + 17


def test_factors_move_energies_by_their_powers() -> None:
    factor = torch.tensor([2.0, 0.5], dtype=torch.float64)
    for criterion, gain in (("weight_norm", factor**2), ("relative_gradient", factor**-4)):
        energies = Energies(two_layers(), criterion)  # type: ignore[arg-type]
        made, read = energies.made(0), energies.read(0)
        energies.factors[0] = factor
        assert torch.equal(energies.made(0), made * gain)
        assert torch.equal(energies.read(0), read / gain)


@pytest.mark.parametrize("criterion", BOTH)
@pytest.mark.parametrize(
    "spec",
    ["gat(layers=4,hidden=16,heads=4,dropout=0.0,residual=true)", "sage(layers=3,hidden=8,dropout=0.0,norm=batch)",
     "gcnii(layers=3,hidden=8,dropout=0.0)"],
)  # fmt: skip
def test_energies_at_factors_are_those_of_the_rescaled_network(
    build: Callable[..., Any], criterion: Criterion, spec: str
) -> None:
    case = build(spec)
    case.backward()
    lambdas = case.lambdas()
    promised = Energies(case.invariance, criterion)
    promised.factors = lambdas
    rescale(case.invariance, lambdas)
    found = Energies(case.invariance, criterion)
    for index in range(len(lambdas)):
        torch.testing.assert_close(promised.made(index), found.made(index), rtol=1e-10, atol=0)
        torch.testing.assert_close(promised.read(index), found.read(index), rtol=1e-10, atol=0)
    torch.testing.assert_close(promised.total(), found.total(), rtol=1e-10, atol=0)


def test_what_units_read_of_themselves_counts_but_not_each_of_itself() -> None:
    tied, encoder, decoder = (parameter([[3.0, 1.0], [2.0, 5.0]]), parameter([[1.0], [1.0]]), parameter([[1.0, 1.0]]))
    units = Units(2, (encoder, tied), (tied, decoder))
    energies = Energies(Invariance((), (units,)), "weight_norm")
    assert energies.tied(0)
    assert not Energies(two_layers(), "weight_norm").tied(0)
    assert energies.made(0).tolist() == [1 + 1, 1 + 4]
    assert energies.read(0).tolist() == [4 + 1, 1 + 1]
    assert float(energies.total()) == 2 + 2 + 1 + 4
    # a matrix that only scales each unit by itself leaves no energy behind, at any factor
    lonely = Units(2, (parameter([[3.0, 0.0], [0.0, 7.0]]),), (decoder,))
    lonely = Units(2, lonely.incoming, (*lonely.incoming, decoder))
    energies = Energies(Invariance((), (lonely,)), "weight_norm")
    energies.factors[0] = torch.tensor([0.3, 7.1], dtype=torch.float64)
    assert energies.made(0).tolist() == [0, 0]


@pytest.mark.parametrize("zero", [0.0, 1e-31])
def test_parameters_of_zero_have_the_relative_gradient_zero_unless_it_is_the_released_code(zero: float) -> None:
    units = Units(1, (parameter([[zero, 2.0]], [[3.0, 2.0]]),), (parameter([[1.0]], [[1.0]]),))
    assert Energies(Invariance((), (units,)), "relative_gradient").made(0).tolist() == [1]
    assert float(Energies(Invariance((), (units,)), "relative_gradient", guarded=False).made(0)) > 1e60


def test_squares_that_float32_cannot_hold_are_kept() -> None:
    units = Units(1, (parameter([[1e30]], [[1.0]]),), (parameter([[1e-30]], [[1.0]]),))
    energies = Energies(Invariance((), (units,)), "weight_norm")
    assert float(energies.made(0)) == pytest.approx(1e60)
    assert float(energies.read(0)) == pytest.approx(1e-60)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_relative_gradients_need_gradients(missing: int) -> None:
    invariance = two_layers()
    [units] = invariance.units
    (*units.incoming, *units.outgoing, *units.attention)[missing].grad = None
    with pytest.raises(MethodError, match="the criterion relative_gradient needs gradients"):
        Energies(invariance, "relative_gradient")
    units.biases[0].grad = None
    Energies(invariance, "weight_norm")


def test_imbalance() -> None:
    made = torch.tensor([3.0, 1.0, 2.0, 0.0, 0.0], dtype=torch.float64)
    read = torch.tensor([1.0, 3.0, 2.0, 5.0, 0.0], dtype=torch.float64)
    expected: Tensor = torch.tensor([0.5, -0.5, 0.0, -1.0, 0.0], dtype=torch.float64)
    assert torch.equal(imbalance(made, read), expected)
