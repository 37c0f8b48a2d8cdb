"""Plug-ins that exist for one test only, good ones and bad ones."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.conformance.case import Case, usual_partner, written
from bench.conformance.check import Check, checked
from bench.conformance.target import Target, targets
from bench.datasets.graph_data import GraphData
from methods import plugin
from methods.method import Method
from methods.plugin import find
from methods.spec import parse_spec

Write = Callable[[str], list[Target]]
Look = Callable[..., Check]

BEGINNING = """
import torch
from dataclasses import replace
from torch import nn
from methods.backbones.backbone import Backbone
from methods.graph import GraphView
from methods.invariance import Invariance, Layer, Units
from methods.plugin import register
from methods.quantizer import Quantizer
from methods.rescaler import Rescaler
from methods.strategies.full_batch import FullBatch
from methods.strategy import Term
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a file of plug-ins and loads it; they are forgotten after the test."""
    plugin.names("strategy")  # discover first, so that only the file's are new
    monkeypatch.setattr(plugin, "_registry", dict(plugin._registry))
    path = tmp_path / "written_for_a_test.py"

    def written(source: str) -> list[Target]:
        path.write_text(BEGINNING + source)
        return targets(str(path))

    yield written
    sys.modules.pop(path.stem, None)


@pytest.fixture
def look(blocks: GraphData) -> Look:
    """Looks at one promise of a plug-in, given by a target or by words, in a method with a small network."""

    def looked(promise: Callable[[Case], str], target: Target | str) -> Check:
        if isinstance(target, str):
            spec = parse_spec(target)
            target = Target(find(spec.name)[0], spec)
        method = Method.parse(written(target, usual_partner(target)))
        return checked("promise", lambda: promise(Case(target, method, blocks.sealed(0))))

    return looked
