"""The grammar of names: `name(parameter=value,...)`, joined by `+` where a method has several parts.

Imports nothing heavy, so that the command line can parse words without torch.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from methods.errors import SpecError

Value = bool | int | float | str | None

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Spec:
    """One name with its parameters, for example `gcn(layers=3,hidden=256)`."""

    name: str
    parameters: Mapping[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        if not self.parameters:
            return self.name
        return f"{self.name}({','.join(f'{key}={format_value(value)}' for key, value in self.parameters.items())})"

    def __hash__(self) -> int:
        return hash(str(self))


def format_value(value: Value) -> str:
    """Print a value so that `parse_value` reads it back."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    return str(value)


def parse_value(text: str) -> Value:
    """Read `true`, `false`, `none`, an integer, a float or a bare word."""
    lowered = text.lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    if lowered == "none":
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def parse_specs(text: str) -> list[Spec]:
    """Read specs joined by `+`.

    Raises:
        SpecError: the text does not follow the grammar.
    """
    parts = _split_outside_parentheses(text, "+")
    return [parse_spec(part) for part in parts]


def parse_spec(text: str) -> Spec:
    """Read one `name` or `name(parameter=value,...)`.

    Raises:
        SpecError: the text does not follow the grammar, or names a parameter twice.
    """
    text = text.strip()
    name, _, rest = text.partition("(")
    if not _NAME.fullmatch(name):
        raise SpecError(f"'{text}' is not a name; write for example gcn or gcn(layers=3,hidden=256)")
    if not rest:
        if text.endswith("("):
            raise SpecError(f"'{text}' has an opening parenthesis without a closing one")
        return Spec(name)
    if not rest.endswith(")"):
        raise SpecError(f"'{text}' has an opening parenthesis without a closing one")
    parameters: dict[str, Value] = {}
    inner = rest[:-1].strip()
    for item in _split_outside_parentheses(inner, ",") if inner else []:
        key, equals, value = (piece.strip() for piece in item.partition("="))
        if not equals or not value or not key.isidentifier():
            raise SpecError(f"'{item.strip()}' in '{text}' is not of the form parameter=value")
        if key in parameters:
            raise SpecError(f"parameter '{key}' stands twice in '{text}'")
        parameters[key] = parse_value(value)
    return Spec(name, parameters)


def nearest(word: str, known: Iterable[str]) -> str:
    """A clause that names the closest known words, or all of them when none is close."""
    known = sorted(known)
    close = difflib.get_close_matches(word.lower(), known, n=3, cutoff=0.55)
    if close:
        return f"did you mean {' or '.join(repr(item) for item in close)}?"
    return f"known are: {', '.join(known)}"


def _split_outside_parentheses(text: str, separator: str) -> list[str]:
    # "1e+5" inside parentheses must not end a part, so only separators at depth 0 count
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
            if depth < 0:
                raise SpecError(f"'{text}' closes a parenthesis that was never opened")
        elif character == separator and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    parts.append(text[start:])
    return parts
