"""JSON as strictly as the standard allows: UTF-8, no key twice, no NaN, no infinity, nothing nested without end."""

from __future__ import annotations

import json
import math
from typing import Any

from db.bundle.errors import BundleError
from db.bundle.limits import DEPTH

_SHOWN = 40


def parse(content: bytes, name: str) -> dict[str, Any]:
    """The table that a JSON file holds.

    Args:
        content: the bytes of the file.
        name: of the file, for the error.

    Raises:
        BundleError: the bytes are not UTF-8 or not JSON, a key stands twice, a number is not finite, the
            nesting is too deep, or the document is no table.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BundleError(f"{name} is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    try:
        value = json.loads(text, object_pairs_hook=_table, parse_constant=_constant, parse_float=_float)
    except RecursionError as error:
        raise BundleError(f"{name} is nested deeper than {DEPTH} levels; flatten it") from error
    except json.JSONDecodeError as error:
        raise BundleError(f"{name} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from error
    except ValueError as error:  # ours, and whole numbers of thousands of digits
        raise BundleError(f"{name} cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise BundleError(f"{name} holds a {type(value).__name__} and not a table; begin it with '{{'")
    _refuse_deep(value, name)
    return value


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice[:_SHOWN]!a} stands twice in one table; keep one")
    return table


def _constant(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON; write null where there is no figure")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:_SHOWN]} is too large for a number")
    return value


def _refuse_deep(value: Any, name: str) -> None:
    level = [value]
    for _ in range(DEPTH):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner += item.values()
            elif isinstance(item, list):
                inner += item
        if not inner:
            return
        level = inner
    if any(isinstance(item, dict | list) for item in level):
        raise BundleError(f"{name} is nested deeper than {DEPTH} levels; flatten it")
