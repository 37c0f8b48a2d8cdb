"""The corpus of bad bundles, whose modules import each other as the script does, and what the tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from good_bundle import Good, good


@pytest.fixture(scope="session")
def sound(cache: Path) -> Good:
    """A good bundle; copy it before changing it."""
    return good(cache)
