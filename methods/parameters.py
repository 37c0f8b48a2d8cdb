"""Parameters of plug-ins: read from the constructor's signature, checked before anything is built."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from methods.errors import SpecError
from methods.spec import Spec, Value, format_value, nearest


@dataclass(frozen=True)
class Range:
    """Bounds of a number: `low` and `high` are inclusive, `above` and `below` exclusive."""

    low: float | None = None
    high: float | None = None
    below: float | None = None
    above: float | None = None

    def __contains__(self, value: float) -> bool:
        return (
            (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.below is None or value < self.below)
            and (self.above is None or value > self.above)
        )

    def __str__(self) -> str:
        bounds = [
            f"at least {self.low:g}" if self.low is not None else "",
            f"above {self.above:g}" if self.above is not None else "",
            f"at most {self.high:g}" if self.high is not None else "",
            f"below {self.below:g}" if self.below is not None else "",
        ]
        return " and ".join(bound for bound in bounds if bound)


PositiveInt = Annotated[int, Range(low=1)]
NonNegativeInt = Annotated[int, Range(low=0)]
DropoutRate = Annotated[float, Range(low=0.0, below=1.0)]
Fraction = Annotated[float, Range(low=0.0, high=1.0)]
PositiveFraction = Annotated[float, Range(above=0.0, high=1.0)]
NonNegative = Annotated[float, Range(low=0.0)]
Positive = Annotated[float, Range(above=0.0)]


@dataclass(frozen=True)
class Parameter:
    """One keyword-only argument of a plug-in's constructor."""

    name: str
    annotation: Any
    default: Value

    def read(self, value: Value, owner: str) -> Value:
        """Check and convert a parsed value.

        Raises:
            SpecError: the value has the wrong type or lies outside the declared range.
        """
        kinds, choices, bounds = _unpack(self.annotation)
        if float in kinds and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if choices:
            if value is None and "none" in choices:
                value = "none"  # `norm=none` is a choice like any other
            if value not in choices:
                known = ", ".join(format_value(choice) for choice in choices)
                raise SpecError(f"{owner}({self.name}={format_value(value)}) is not possible; choose from: {known}")
            return value
        # bool is an int to Python, but `layers=true` is a mistake
        if not any(type(value) is kind for kind in kinds):
            expected = " or ".join("none" if kind is type(None) else kind.__name__ for kind in kinds)
            raise SpecError(f"{owner}({self.name}={format_value(value)}) is not possible; expected {expected}")
        if bounds is not None and isinstance(value, int | float) and value not in bounds:
            raise SpecError(f"{owner}({self.name}={format_value(value)}) is not possible; must be {bounds}")
        return value


def parameters_of(plugin: type) -> dict[str, Parameter]:
    """The keyword-only arguments of a plug-in's constructor, in the order of the signature.

    A constructor that takes `**shared` passes it on to its base, so the base's parameters come first.
    """
    parameters: dict[str, Parameter] = {}
    constructors = [cls.__dict__["__init__"] for cls in plugin.__mro__ if "__init__" in cls.__dict__]
    for constructor in constructors:
        hints = typing.get_type_hints(constructor, include_extras=True)
        arguments = inspect.signature(constructor).parameters.values()
        own = {
            argument.name: Parameter(argument.name, hints.get(argument.name, Any), argument.default)
            for argument in arguments
            if argument.kind is inspect.Parameter.KEYWORD_ONLY
        }
        parameters = {**own, **parameters}
        if not any(argument.kind is inspect.Parameter.VAR_KEYWORD for argument in arguments):
            break
    return parameters


def canonical(spec: Spec, plugin: type, kin: Callable[[], Mapping[str, type]] = dict) -> Spec:
    """Check a spec against a plug-in; keep only what differs from the defaults, in the order of the signature.

    Args:
        kin: other plug-ins of the same kind by name, which may have a parameter that this one lacks.

    Raises:
        SpecError: an unknown parameter or an impossible value.
    """
    known = parameters_of(plugin)
    for name in spec.parameters:
        if name not in known:
            elsewhere = " and ".join(other for other, its in kin().items() if name in parameters_of(its))
            hint = nearest(name, known) if known else "it has none"
            if elsewhere:
                hint = f"what has it: {elsewhere}"
            raise SpecError(f"{spec.name} has no parameter '{name}'; {hint}")
    given = {name: known[name].read(value, spec.name) for name, value in spec.parameters.items()}
    return Spec(
        spec.name,
        {name: given[name] for name in known if name in given and given[name] != known[name].default},
    )


def _unpack(annotation: Any) -> tuple[tuple[type, ...], tuple[Value, ...], Range | None]:
    """Types, literal choices and bounds of an annotation such as `Annotated[int, Range(1)] | None`."""
    bounds: Range | None = None
    if typing.get_origin(annotation) is Annotated:
        annotation, *extra = typing.get_args(annotation)
        bounds = next((item for item in extra if isinstance(item, Range)), None)
    if typing.get_origin(annotation) is Literal:
        return (), typing.get_args(annotation), None
    if typing.get_args(annotation) and type(None) in typing.get_args(annotation):
        inner = [part for part in typing.get_args(annotation) if part is not type(None)]
        kinds, choices, inner_bounds = _unpack(inner[0])
        return (*kinds, type(None)), choices, bounds or inner_bounds
    return (annotation,), (), bounds
