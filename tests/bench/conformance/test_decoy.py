"""Decoys differ in the labels of one part, in every file, and in nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.conformance.decoy import Part, lay_out
from bench.datasets import registry


@pytest.mark.parametrize("sets", [False, True], ids=["graph", "sets"])
@pytest.mark.parametrize("wrong", ["valid", "test"])
def test_one_part_is_wrong(tmp_path: Path, sets: bool, wrong: Part) -> None:
    loaded = []
    for name, part in (("true", None), ("wrong", wrong)):
        decoy = lay_out(tmp_path / name, sets, part)
        loaded.append(registry.load(decoy.spec, decoy.data_dir, decoy.cache_dir))
    right, changed = loaded
    for array in ("x", "indptr", "indices"):
        assert np.array_equal(getattr(right, array), getattr(changed, array))
    [split] = right.splits[:1]
    positions = getattr(split, wrong)
    differ = np.flatnonzero(right.y != changed.y)
    assert set(differ) <= set(positions)
    assert len(differ) > 0.3 * len(positions)
    assert decoy.sizes == {"valid": len(split.valid), "test": len(split.test)}
    if not sets:
        with np.load(tmp_path / "wrong" / "data" / "graph.npz") as raw:
            assert np.array_equal(raw["y"], changed.y)


def test_predictions_on_the_graph_are_numbers(tmp_path: Path) -> None:
    decoy = lay_out(tmp_path / "graph")
    assert registry.load(decoy.spec, decoy.data_dir, decoy.cache_dir).metric == "roc_auc"
