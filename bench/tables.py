"""Suites and presets: TOML files, checked against pydantic models that accept no unknown key."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from bench.errors import UsageError
from methods.spec import nearest


class Table(BaseModel):
    """A TOML table whose keys are all known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


TableType = TypeVar("TableType", bound=Table)


def shipped(folder: str) -> dict[str, Path]:
    """Name and path of each TOML that comes with the package, from `bench/suites` or `bench/presets`."""
    root = Path(str(files("bench"))) / folder
    return {path.stem: path for path in sorted(root.glob("*.toml"))}


def find(folder: str, name: str) -> Path:
    """The shipped file of a name, or the user's own file when the name is a path.

    Raises:
        UsageError: there is no such file; the message suggests the nearest name.
    """
    if name.endswith(".toml"):
        return Path(name)
    known = shipped(folder)
    if name not in known:
        raise UsageError(f"no {folder[:-1]} is called '{name}'; {nearest(name, known)}")
    return known[name]


def read(path: Path, model: type[TableType]) -> TableType:
    """Read a TOML file into a model.

    Raises:
        UsageError: the file is missing, is no TOML, or does not fit the model.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise UsageError(f"{path}: {_sentence(error.errors()[0], model)}") from None


def _sentence(problem: Any, model: type[Table]) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] != "extra_forbidden":
        return f"{place}: {problem['msg'].lower()}, not {problem['input']!r}"
    key = str(problem["loc"][-1])
    return f"unknown key '{place}'; {nearest(key, _known_keys(model, problem['loc'][:-1]))}"


def _known_keys(model: type[Table], path: tuple[Any, ...]) -> list[str]:
    for part in path:
        # positions in a list and the user's own keys in a dictionary are no fields
        if part not in model.model_fields:
            continue
        annotation = model.model_fields[part].annotation
        arguments = [item for item in getattr(annotation, "__args__", ()) if isinstance(item, type)]
        nested = [item for item in (annotation, *arguments) if isinstance(item, type) and issubclass(item, Table)]
        if not nested:
            return []
        model = nested[0]
    return list(model.model_fields)
