"""Which plug-ins the words of a user mean. A file is executed to find out."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.conformance.check import described
from bench.errors import BenchError, UsageError
from methods import plugin
from methods.plugin import KINDS, Kind
from methods.spec import Spec, parse_spec


@dataclass(frozen=True)
class Target:
    """A plug-in to look at.

    Attributes:
        kind: what it is.
        spec: its name, with the parameters to look at it with.
        module: the importable module to load first, or None.
        file: the file to load first, or None. With neither the name is found by itself.
    """

    kind: Kind
    spec: Spec
    module: str | None = None
    file: Path | None = None

    def document(self) -> dict[str, Any]:
        """The target as JSON; `of` reads it back."""
        file = None if self.file is None else str(self.file)
        return {"kind": self.kind, "spec": str(self.spec), "module": self.module, "file": file}

    @classmethod
    def of(cls, document: dict[str, Any]) -> Target:
        """The target of a document."""
        file = None if document["file"] is None else Path(document["file"])
        return cls(document["kind"], parse_spec(document["spec"]), document["module"], file)


def targets(text: str) -> list[Target]:
    """The plug-ins behind a path ending in `.py`, `module:attribute`, or a name such as `labor(batch_size=24)`.

    Raises:
        UsageError: no such file or attribute, or nothing is registered there.
        BenchError: the file or module cannot be executed.
        SpecError: nothing has that name.
    """
    if text.endswith(".py"):
        path = Path(text)
        if not path.is_file():
            raise UsageError(
                f"there is no file {text}; give a .py file, the name of an installed plug-in or module:attr"
            )
        found = _registered_by(load_file(path).__name__)
        if not found:
            raise UsageError(f"{text} registers nothing; decorate its class with @register(kind, name)")
        return [Target(kind, Spec(name), file=path.resolve()) for name, (kind, _) in found.items()]
    module_name, colon, attribute = text.partition(":")
    if colon:
        return [_of_attribute(module_name, attribute)]
    spec = parse_spec(text)
    return [Target(plugin.find(spec.name)[0], spec)]


def load(target: Target) -> None:
    """Make a target's name known in another process."""
    if target.file is not None:
        load_file(target.file)
    elif target.module is not None:
        importlib.import_module(target.module)


def load_file(path: Path) -> ModuleType:
    """Execute a file as a module, unless an installed plug-in or one of ours lives in it.

    Raises:
        BenchError: it cannot be executed.
    """
    for _, its_class in _all().values():
        module = sys.modules[its_class.__module__]
        if module.__file__ and Path(module.__file__).resolve() == path.resolve():
            return module
    # under the name of an installed copy the file takes that copy's place
    name = path.stem if path.stem not in sys.modules or _registered_by(path.stem) else f"{path.stem}_in_file"
    found = importlib.util.spec_from_file_location(name, path)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module  # dataclasses look their module up while it is executed
    try:
        found.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise BenchError(f"{path} cannot be executed: {described(error)}") from error
    return module


def _of_attribute(module_name: str, attribute: str) -> Target:
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise BenchError(f"the module {module_name} cannot be imported: {described(error)}") from error
    wanted = getattr(module, attribute, None)
    for name, (kind, its_class) in _all().items():
        if its_class is wanted:
            return Target(kind, Spec(name), module=module_name)
    raise UsageError(f"{module_name}:{attribute} is no registered class; decorate it with @register(kind, name)")


def _registered_by(module_name: str) -> dict[str, tuple[Kind, type]]:
    return {name: entry for name, entry in _all().items() if entry[1].__module__ == module_name}


def _all() -> dict[str, tuple[Kind, type]]:
    return {name: plugin.find(name) for kind in KINDS for name in plugin.names(kind)}
