"""The plan: from words to trials, references included and interleaved with their candidates."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from bench import presets
from bench.datasets import registry
from bench.errors import UsageError
from bench.parallel import check_method
from bench.protocol import Protocol
from bench.suite import Run, Suite
from methods.method import Method


@dataclass(frozen=True)
class PlannedTrial:
    """One trial to run.

    Attributes:
        dataset: canonical spec.
        split: position among the dataset's splits.
        seed: of initialisation, sampling and dropout.
        repeat: counts repetitions with equal seed.
        preset: name of the settings it started from, for the record; method and protocol hold the settings.
    """

    dataset: str
    method: Method
    protocol: Protocol
    split: int
    seed: int
    repeat: int
    preset: str | None = field(compare=False)

    def fingerprint(self, dataset_version: str, hardware: str, code_version: str) -> str:
        """Hash of all that decides the result; a store keeps one row a fingerprint."""
        parts = [
            self.dataset, dataset_version, self.method.name, self.protocol.settings(), self.split, self.seed,
            self.repeat, hardware, code_version,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def plan(suite: Suite) -> list[PlannedTrial]:
    """All trials of a suite in the order they run.

    Trials of one dataset, split and seed stand together, so that a candidate runs next to its reference; every other
    group of a dataset is reversed, so that neither profits from a machine that warms up or slows down.

    Raises:
        UsageError: unknown names, impossible parameters or settings, or a method that so many processes cannot train.
        SpecError: the same of methods.
    """
    groups: dict[tuple, dict[PlannedTrial, None]] = {}
    for run in suite.run:
        for trial in _trials(run, suite):
            group = (trial.dataset, trial.split, trial.seed, trial.repeat)
            groups.setdefault(group, {})[trial] = None  # a dict, because it keeps the order and drops doubles
    ordered: list[PlannedTrial] = []
    groups_of: Counter[str] = Counter()
    for (dataset, *_), members in groups.items():
        trials = _references_first(members)
        # counted by dataset: with two of them in turn, an overall count would reverse one always and the other never
        ordered += reversed(trials) if groups_of[dataset] % 2 else trials
        groups_of[dataset] += 1
    return ordered


def _trials(run: Run, suite: Suite) -> Iterator[PlannedTrial]:
    preset = presets.load(run.preset) if run.preset else None
    seeds, splits = run.seeds or suite.seeds, run.splits or suite.splits
    settled = [
        (registry.canonical(dataset), *settle(dataset, text, preset, {**suite.protocol, **run.protocol}))
        for dataset, text in product(run.datasets, run.methods)
    ]
    # seed by seed, so that an early stop leaves every method with equally many seeds
    for repeat, seed, split in product(range(suite.repeats), seeds, splits):
        for name, method, protocol in settled:
            # full batch cannot be shared, and one process against several would be no fair pair
            reference = (method.reference,) if protocol.processes == 1 else ()
            for each in dict.fromkeys((*reference, method)):
                yield PlannedTrial(name, each, protocol, split, seed, repeat, run.preset)


def settle(
    dataset: str, text: str, preset: presets.Preset | None, settings: Mapping[str, Any]
) -> tuple[Method, Protocol]:
    """The method that a text means on a dataset, and its protocol: a preset's settings where none are given.

    Raises:
        UsageError, SpecError: as `plan`.
    """
    method = Method.parse(text)
    if preset is not None:
        published, backbone = preset.settings(dataset, method.backbone.name)
        method, settings = Method.parse(text, backbone), {**published, **settings}
    protocol = Protocol.from_settings(settings)
    check_method(method, protocol)
    return method, protocol


def _references_first(trials: Iterable[PlannedTrial]) -> list[PlannedTrial]:
    """Each reference directly followed by its candidates."""
    order: dict[tuple, list[PlannedTrial]] = {}
    for trial in trials:
        order.setdefault((trial.method.reference, trial.protocol), []).append(trial)
    return [
        trial
        for group in order.values()
        for trial in sorted(group, key=lambda trial: trial.method != trial.method.reference)
    ]


def parse_numbers(text: str, word: str) -> list[int]:
    """Read `0,3,5` or `0-9` or a mixture.

    Raises:
        UsageError: it is neither, or a range that counts down.
    """
    numbers: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            chosen = range(int(first), int(last) + 1) if dash else [int(first)]
        except ValueError:
            raise UsageError(f"--{word} {text} is not possible; write for example 0-9 or 0,3,5") from None
        if not chosen:
            raise UsageError(f"--{word} {text} is not possible: {part.strip()} counts down; write {last}-{first}")
        numbers += chosen
    return list(dict.fromkeys(numbers))
