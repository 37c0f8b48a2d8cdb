"""Parameters are read from constructors and checked before anything is built."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest

from methods.errors import SpecError
from methods.parameters import DropoutRate, PositiveInt, Range, canonical, parameters_of
from methods.spec import Spec


class Base:
    def __init__(self, width: int, *, layers: PositiveInt = 3, norm: Literal["none", "batch"] = "none") -> None:
        pass


class Plugin(Base):
    def __init__(
        self,
        *,
        rate: DropoutRate = 0.5,
        seed: Annotated[int, Range(low=0)] | None = None,
        flag: bool = False,
        **shared: Any,
    ) -> None:
        super().__init__(1, **shared)


def read(**parameters: Any) -> dict[str, Any]:
    return dict(canonical(Spec("plugin", parameters), Plugin).parameters)


def test_shared_parameters_of_the_base_come_first() -> None:
    assert list(parameters_of(Plugin)) == ["layers", "norm", "rate", "seed", "flag"]


def test_a_constructor_that_passes_nothing_on_hides_its_base() -> None:
    class Closed(Base):
        def __init__(self, *, own: int = 1) -> None:
            pass

    assert list(parameters_of(Closed)) == ["own"]


def test_defaults_are_dropped_and_the_order_is_that_of_the_signature() -> None:
    spec = canonical(Spec("plugin", {"flag": True, "rate": 0.5, "layers": 2}), Plugin)
    assert str(spec) == "plugin(layers=2,flag=true)"


def test_whole_numbers_become_floats_where_a_float_is_wanted() -> None:
    assert read(rate=0) == {"rate": 0.0} and type(read(rate=0)["rate"]) is float


def test_none_is_a_choice_where_it_is_listed_and_a_value_where_it_is_optional() -> None:
    assert read(norm=None) == {}
    assert read(norm="batch") == {"norm": "batch"}
    assert read(seed=None) == {} and read(seed=4) == {"seed": 4}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"layers": 0}, r"plugin\(layers=0\) is not possible; must be at least 1"),
        ({"layers": 2.5}, r"plugin\(layers=2.5\) is not possible; expected int"),
        ({"layers": True}, r"plugin\(layers=true\) is not possible; expected int"),
        ({"rate": 1.0}, "must be at least 0 and below 1"),
        ({"rate": float("nan")}, "must be at least 0 and below 1"),
        ({"rate": "high"}, "expected float"),
        ({"seed": -1}, "must be at least 0"),
        ({"seed": "x"}, "expected int or none"),
        ({"norm": "layer"}, "choose from: none, batch"),
        ({"layer": 2}, "plugin has no parameter 'layer'; did you mean 'layers'"),
    ],
)
def test_impossible_values_are_named(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        read(**parameters)


def test_a_plugin_without_parameters_says_so() -> None:
    with pytest.raises(SpecError, match="object has no parameter 'a'; it has none"):
        canonical(Spec("object", {"a": 1}), type("Bare", (), {"__init__": lambda self: None}))


def test_what_another_plugin_of_the_kind_has_is_said() -> None:
    bare = type("Bare", (), {"__init__": lambda self: None})
    with pytest.raises(SpecError, match="object has no parameter 'layers'; what has it: other"):
        canonical(Spec("object", {"layers": 1}), bare, lambda: {"bare": bare, "other": Plugin})
