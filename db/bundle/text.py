"""What text of strangers may hold, so that it is inert in a table, a spreadsheet, a terminal and a web page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from db.bundle.limits import DEPTH

_LARGEST = 2**53
"""The largest whole number that every reader of JSON keeps exactly."""
_ITEMS = 20_000
_LONGEST = 1_000


def inert(text: str) -> str:
    """The text itself, when nothing in it can act on who reads it.

    Raises:
        ValueError: it holds control or direction characters, broken Unicode, or markup.
    """
    # `isprintable` is False for control, direction and private characters and for half of a surrogate pair
    if not text.isprintable():
        raise ValueError("text holds a control character or broken Unicode; write plain text on one line")
    if "<" in text or ">" in text:
        raise ValueError("text holds '<' or '>', which a web page could take for markup; write it in words")
    return text


def _no_formula(text: str) -> str:
    if text[0] in "=+-@":
        raise ValueError(f"text begins with '{text[0]}', which a spreadsheet takes for a formula; begin with a letter")
    return text


def _trimmed(text: str) -> str:
    if text != text.strip():
        raise ValueError("text begins or ends with a space; remove it")
    return text


def printable(text: str, longest: int = 200) -> str:
    """Any text made fit for a bundle: on one line, with '?' for what may not stand in one, and cut."""
    line = " ".join(text.split())
    safe = "".join("?" if not character.isprintable() or character in "<>" else character for character in line)
    return safe.lstrip("=+-@ ")[:longest].strip() or "?"


def printable_document(value: Any) -> Any:
    """Any document with its texts made fit for a bundle."""
    if isinstance(value, str):
        return printable(value, _LONGEST)
    if isinstance(value, Mapping):
        return {printable(str(key)): printable_document(item) for key, item in value.items()}
    return [printable_document(item) for item in value] if isinstance(value, list | tuple) else value


Line = Annotated[
    str,
    Field(min_length=1, max_length=200),
    AfterValidator(_trimmed),
    AfterValidator(inert),
    AfterValidator(_no_formula),
]
"""One line of at most 200 characters for people: a name, a title, a version."""
Paragraph = Annotated[str, Field(max_length=2_000), AfterValidator(_trimmed), AfterValidator(inert)]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
"""An identifier within the bundle; parts of file names are made of it."""
Part = Annotated[str, Field(max_length=120, pattern=r"^[A-Za-z][A-Za-z0-9_.-]*(\([A-Za-z0-9_.,=+-]*\))?$")]
"""One part of a method or a dataset with its parameters: `gcn(layers=3,hidden=64)`."""
WebAddress = Annotated[
    str,
    Field(max_length=300, pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~/?#&=%+@:,;!-]*)?$"),
]


def _document(value: dict[str, Any]) -> dict[str, Any]:
    budget = [_ITEMS]
    _walk(value, budget, 1)
    return value


def _walk(value: Any, budget: list[int], depth: int) -> None:
    budget[0] -= 1
    if budget[0] < 0:
        raise ValueError(f"a table holds more than {_ITEMS} values; leave some out")
    if depth > DEPTH:
        raise ValueError(f"a table is nested deeper than {DEPTH} levels; flatten it")
    if isinstance(value, str):
        if len(value) > _LONGEST:
            raise ValueError(f"a text is longer than {_LONGEST} characters; shorten it")
        inert(value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _walk(key, budget, depth)
            _walk(item, budget, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _walk(item, budget, depth + 1)
    elif isinstance(value, int):
        if abs(value) > _LARGEST:
            raise ValueError(f"{value} is beyond 2^53, where whole numbers stop being exact")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number is not finite; leave it out or write null")


Document = Annotated[dict[str, Any], AfterValidator(_document), WithJsonSchema({"type": "object"})]
"""A free table: settings, versions, definitions."""
Count = Annotated[int, Field(ge=0, le=_LARGEST)]
Seconds = Annotated[float, Field(ge=0, le=1e9)]
Fraction = Annotated[float, Field(ge=0, le=1)]
