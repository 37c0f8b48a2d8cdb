"""Which rows of ours a published figure is held against: words of a TOML into a method, settings and a command."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from bench import presets
from bench.datasets import registry
from bench.errors import UsageError
from bench.plan import parse_numbers, settle
from bench.suite import Run
from bench.tables import Table

UNIMPORTANT = ("threads", "jobs", "dynamics_every", "evaluate_every")
"""Settings of a protocol in which a row may differ from what is asked: the machine's share, and how often is looked."""


Numbers = Annotated[
    list[int], BeforeValidator(lambda said: parse_numbers(said, "numbers") if isinstance(said, str) else said)
]
"""Splits or seeds, written as on the command line: `0-9`."""


class Ours(Table):
    """How ours is run; what is not said here is said by whoever asks, see `narrowed`.

    Attributes:
        dataset: our dataset.
        method: our method.
        preset: published settings to start from.
        protocol: what differs from the preset's; a list holds several values, of which validation selects one.
        suite: the suite that holds these trials already, or None.
        splits, seeds: what to run.
    """

    dataset: str | None = None
    method: str | None = None
    preset: str | None = None
    protocol: dict[str, Any] = Field(default_factory=dict)
    suite: str | None = None
    splits: Numbers = Field(default=[0])
    seeds: Numbers = Field(default=[0])


def narrowed(outer: Table, *inner: Table) -> dict[str, Any]:
    """All that the tables say, of which the later ones win; protocols are merged, and an empty word takes back."""
    said: dict[str, Any] = {}
    for table in (outer, *inner):
        for name in table.model_fields_set:
            value = getattr(table, name)
            said[name] = {**said.get(name, {}), **value} if name == "protocol" else value
    return {name: value for name, value in said.items() if value not in ("", None)}


def runs(ours: Ours) -> list[Run]:
    """The trials behind a figure, one block for each choice of the settings that are lists.

    Raises:
        UsageError: no dataset or no method is said.
    """
    if ours.dataset is None or ours.method is None:
        raise UsageError("a figure that ours is held against needs a dataset and a method")
    several = {name: value for name, value in ours.protocol.items() if isinstance(value, list)}
    return [
        Run(
            datasets=[ours.dataset],
            methods=[ours.method],
            preset=ours.preset,
            protocol={**ours.protocol, **dict(zip(several, chosen, strict=True))},
            splits=ours.splits,
            seeds=ours.seeds,
        )
        for chosen in product(*several.values())
    ]


def resolved(ours: Ours) -> tuple[str, str, dict[str, Any]]:
    """Canonical dataset and method, and the settings that a row must have; a list holds several that will do.

    Raises:
        UsageError, SpecError: a name, a parameter or a setting that does not exist.
    """
    blocks = runs(ours)
    preset = presets.load(ours.preset) if ours.preset else None
    found = [settle(block.datasets[0], block.methods[0], preset, block.protocol) for block in blocks]
    settings: dict[str, Any] = {}
    for name, value in found[0][1].settings().items():
        if name not in UNIMPORTANT:
            values = list(dict.fromkeys(protocol.settings()[name] for _, protocol in found))
            settings[name] = value if len(values) == 1 else values
    return registry.canonical(blocks[0].datasets[0]), found[0][0].name, settings


def command(ours: Ours) -> str:
    """The line that runs ours."""
    words = ["leangnn", "run", *([ours.suite] if ours.suite else [])]
    words += ["--dataset", str(ours.dataset), "--method", str(ours.method)]
    if ours.suite:
        return shlex.join(words)
    words += ["--preset", ours.preset] if ours.preset else []
    words += ["--splits", _numbers(ours.splits), "--seeds", _numbers(ours.seeds)]
    return "\n".join(shlex.join([*words, *_options(block.protocol)]) for block in runs(ours))


def _options(protocol: Mapping[str, Any]) -> list[str]:
    return [word for name, value in protocol.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def _numbers(values: Sequence[int]) -> str:
    first, last = values[0], values[-1]
    in_turn = len(values) > 1 and list(values) == list(range(first, last + 1))
    return f"{first}-{last}" if in_turn else ",".join(map(str, values))
