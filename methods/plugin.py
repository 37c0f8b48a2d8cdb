"""The registry: one decorator, folders that are scanned, and the entry point `leangnn.methods`."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points
from typing import Literal, TypeVar, get_args

from methods.errors import MethodError, SpecError
from methods.spec import nearest

Kind = Literal["backbone", "strategy", "rescaler", "quantizer"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ENTRY_POINT_GROUP = "leangnn.methods"

_FOLDERS: dict[Kind, str] = {
    "backbone": "methods.backbones",
    "strategy": "methods.strategies",
    "rescaler": "methods.rescaling",
    "quantizer": "methods.quantizers",
}
_registry: dict[str, tuple[Kind, type]] = {}

Plugin = TypeVar("Plugin", bound=type)


def register(kind: Kind, name: str) -> Callable[[Plugin], Plugin]:
    """Register a class under the name that methods are written with.

    Names are unique across kinds, so that a part of a method says by itself what it is.

    Raises:
        MethodError: the name belongs to another class already.
    """

    def decorate(plugin: Plugin) -> Plugin:
        taken = _registry.get(name)
        if taken and (taken[1].__module__, taken[1].__qualname__) != (plugin.__module__, plugin.__qualname__):
            raise MethodError(
                f"the name '{name}' is taken by {taken[1].__module__}.{taken[1].__qualname__}; "
                f"choose another for {plugin.__module__}.{plugin.__qualname__}"
            )
        _registry[name] = (kind, plugin)
        return plugin

    return decorate


def names(kind: Kind) -> list[str]:
    """Names registered for a kind, sorted."""
    _discover()
    return sorted(name for name, (its_kind, _) in _registry.items() if its_kind == kind)


def find(name: str) -> tuple[Kind, type]:
    """The kind and class behind a name.

    Raises:
        SpecError: nothing has that name; the message suggests the nearest.
    """
    _discover()
    if name not in _registry:
        raise SpecError(f"no backbone, strategy, rescaler or quantizer is called '{name}'; {nearest(name, _registry)}")
    return _registry[name]


def describe(name: str) -> str:
    """First line of a plug-in's docstring."""
    documentation = inspect.getdoc(find(name)[1]) or ""
    return documentation.partition("\n")[0]


@cache
def _discover() -> None:
    for folder in _FOLDERS.values():
        package = importlib.import_module(folder)
        for module in pkgutil.walk_packages(package.__path__, prefix=f"{folder}."):
            importlib.import_module(module.name)
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        try:
            entry_point.load()
        except Exception as error:  # another package's fault must not take the whole suite down
            warnings.warn(
                f"the plug-in '{entry_point.name}' ({entry_point.value}) could not be loaded: {error}",
                stacklevel=2,
            )
