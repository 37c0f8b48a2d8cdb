"""Suites: which methods run on which datasets, by which protocol, over which splits and seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from bench import tables
from bench.tables import Table

Numbers = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
"""Positions of splits, or seeds."""


class Run(Table):
    """A block of trials: every method on every dataset.

    Attributes:
        datasets: specs, for example `cora(split=full)`.
        methods: for example `gcn(layers=3)+full_batch`.
        preset: published settings to start from, or None.
        protocol: settings that differ from the suite's.
        splits, seeds: which to run; the suite's when left out.
    """

    datasets: list[str] = Field(min_length=1)
    methods: list[str] = Field(min_length=1)
    preset: str | None = None
    protocol: dict[str, Any] = Field(default_factory=dict)
    splits: Numbers | None = None
    seeds: Numbers | None = None


class Suite(Table):
    """A declarative suite.

    Attributes:
        question: what the suite answers, and how long it takes.
        protocol: settings of all runs.
        splits, seeds: of all runs.
        repeats: how often each trial is repeated with the same seed, to measure the noise of its cost.
        run: the blocks.
    """

    question: str
    protocol: dict[str, Any] = Field(default_factory=dict)
    splits: Numbers = Field(default=[0])
    seeds: Numbers = Field(default=[0])
    repeats: int = Field(default=1, ge=1)
    run: list[Run] = Field(min_length=1)


def load(name: str) -> Suite:
    """A suite by its name or path.

    Raises:
        UsageError: it does not exist or is not well-formed.
    """
    return tables.read(tables.find("suites", name), Suite)


def names() -> dict[str, Path]:
    """The shipped suites."""
    return tables.shipped("suites")
