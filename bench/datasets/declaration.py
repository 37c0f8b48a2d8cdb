"""What is declared beside a dataset's loader, and the parameters that the loader's signature declares."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args, get_origin, get_type_hints

from bench.datasets.graph_data import Level, Metric
from bench.datasets.raw_files import RawFile
from bench.datasets.raw_graph import RawGraph
from bench.errors import UsageError
from methods.spec import Value, nearest

Loader = Callable[..., RawGraph]


@dataclass(frozen=True)
class Sizes:
    """Published counts; `stored_edges` counts the file's edge list as it stands, `edges` the CSR entries made of it.

    Either may be unknown. They hold for the default parameters.
    """

    nodes: int
    features: int
    classes: int
    edges: int | None = None
    stored_edges: int | None = None
    graphs: int = 1


@dataclass(frozen=True)
class Dataset:
    """What is declared beside a loader."""

    name: str
    loader: Loader
    metric: Metric
    description: str
    level: Level = "node"
    sizes: Sizes | None = None
    licence: str = ""
    source: str = ""
    files: tuple[RawFile, ...] = ()
    version: str = "1"
    """Empty where nobody declares one: then the content is the version."""
    substitute_for: str | None = None
    parameters: Mapping[str, inspect.Parameter] = field(default_factory=dict)

    def needed_files(self, parameters: Mapping[str, Value]) -> list[RawFile]:
        """The files that the loader reads with these parameters."""
        return [f for f in self.files if f.only_for is None or parameters[f.only_for[0]] == f.only_for[1]]

    def defaults(self) -> dict[str, Value]:
        """Every parameter with its default."""
        return {key: parameter.default for key, parameter in self.parameters.items()}


def converted(name: str, parameter: inspect.Parameter, value: Value) -> Value:
    """The value as the type that the parameter is annotated with.

    Raises:
        UsageError: the value has another type or is none of the choices.
    """
    kind = parameter.annotation
    if get_origin(kind) is Literal:
        choices = [str(choice) for choice in get_args(kind)]
        if str(value) not in choices:
            raise UsageError(
                f"parameter '{parameter.name}' of dataset '{name}' cannot be '{value}'; {nearest(str(value), choices)}"
            )
        return str(value)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise UsageError(
            f"parameter '{parameter.name}' of dataset '{name}' cannot be '{value}'; it is of type {kind.__name__}"
        )
    return value


def parameters_of(loader: Loader) -> dict[str, inspect.Parameter]:
    """The keyword parameters of a loader with their annotations resolved."""
    hints = get_type_hints(loader)
    keywords = list(inspect.signature(loader).parameters.values())[1:]
    return {parameter.name: parameter.replace(annotation=hints[parameter.name]) for parameter in keywords}
