"""The small bundle."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from db.bundle import records
from db.bundle.plausibility import read_contents
from db.bundle.read import Bundle
from db.bundle.records import Addition

SMALL = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("small_bundle.py"))))


@pytest.fixture
def small() -> Callable[..., tuple[dict[str, Any], dict[str, bytes]]]:
    """Make the plain values of a small bundle; keywords replace keys of its manifest."""
    return SMALL.small


@pytest.fixture
def document() -> Callable[..., bytes]:
    return SMALL.document


@pytest.fixture
def zipped() -> Callable[..., bytes]:
    return SMALL.zipped


@pytest.fixture
def addition(samples: Any) -> Callable[..., Addition]:
    """Make the records of a small bundle, with metrics as claimed; keywords replace keys of its manifest."""

    def make(trials: int = 2, reference: bool = True, **changes: Any) -> Addition:
        with Bundle(SMALL.zipped(*SMALL.small(trials, reference, **changes))) as bundle:
            manifest, contents = bundle.manifest, read_contents(bundle)
            protocols = {"p": records.Protocol("p1", {"epochs": 2})}
            datasets = {"cora": samples.dataset()}
            claims = records.claimed(manifest)
            return records.addition(bundle.submission_id, manifest, contents.curves, datasets, protocols, claims)

    return make
