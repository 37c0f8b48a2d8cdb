"""Names of methods that fit into a cell or a legend: without the parameters that tell nothing apart."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable

_PARAMETERS = re.compile(r"\([^()]*\)")
_BETWEEN_PARTS = re.compile(r"\+(?![^()]*\))")


def short_names(methods: Iterable[str]) -> dict[str, str]:
    """By method its name without parameters; of methods that are then alike, the parts that differ keep theirs.

    `gcn(layers=2)+coarse_to_fine(levels=3)` is `gcn+coarse_to_fine`, and beside the same with two levels
    `gcn+coarse_to_fine(levels=3)`.
    """
    alike: dict[str, list[str]] = defaultdict(list)
    for method in dict.fromkeys(methods):
        alike[_PARAMETERS.sub("", method)].append(method)
    return {method: name for group in alike.values() for method, name in _apart(group).items()}


def legend_labels(methods: Iterable[str]) -> str:
    """The short names as an expression of Vega, for the labels of a legend whose values are the methods."""
    return f"({json.dumps(short_names(methods))})[datum.label]"


def _apart(group: list[str]) -> dict[str, str]:
    parts = {method: _BETWEEN_PARTS.split(method) for method in group}
    is_same = [len(set(column)) == 1 for column in zip(*parts.values(), strict=False)]
    return {
        method: "+".join(_PARAMETERS.sub("", part) if same else part for part, same in zip(own, is_same, strict=False))
        for method, own in parts.items()
    }
