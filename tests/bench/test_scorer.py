"""The scorer, which alone reads test labels."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.datasets.graph_data import GraphData
from bench.errors import BenchError
from bench.scorer import score
from db.read import Reader


def saved(path: Path, **arrays: NDArray) -> Path:
    np.savez_compressed(path, **arrays)
    return path


def test_metrics_of_a_split_by_hand(tmp_path: Path, blocks: GraphData) -> None:
    split = blocks.splits[1]
    valid, test = blocks.y[split.valid].copy(), blocks.y[split.test].copy()
    valid[0] = (valid[0] + 1) % blocks.classes
    test[:3] = (test[:3] + 1) % blocks.classes
    path = saved(tmp_path / "predictions.npz", valid=valid, test=test)
    scored = score(path, blocks, 1)
    assert scored.validation_metric == pytest.approx(1 - 1 / valid.size)
    assert scored.test_metric == pytest.approx(1 - 3 / test.size)
    # the mean of each class's share, the wrong ones counted in the class they belong to
    for name, part, said in (("validation", split.valid, valid), ("test", split.test, test)):
        recalls = [np.mean(said[blocks.y[part] == kind] == kind) for kind in range(blocks.classes)]
        assert scored.further_metrics[f"{name}_balanced_accuracy"] == pytest.approx(np.mean(recalls))
    assert set(scored.further_metrics) == {"validation_balanced_accuracy", "test_balanced_accuracy"}
    assert scored.predictions == path.read_bytes()
    assert scored.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_scores_count_as_classes_in_balanced_accuracy(tmp_path: Path, grid: GraphData) -> None:
    split = grid.splits[0]
    valid, test = (np.where(grid.y[part] == 1, 0.2, -0.3).astype(np.float32) for part in (split.valid, split.test))
    test[np.flatnonzero(grid.y[split.test] == 1)[0]] = -0.1  # still above all negatives, but no longer above 0
    scored = score(saved(tmp_path / "p.npz", valid=valid, test=test), grid, 0)
    positives = int((grid.y[split.test] == 1).sum())
    assert (scored.test_metric, scored.further_metrics["validation_balanced_accuracy"]) == (1.0, 1.0)
    assert scored.further_metrics["test_balanced_accuracy"] == pytest.approx(1 - 0.5 / positives)


def test_predictions_of_another_size_are_refused(tmp_path: Path, blocks: GraphData) -> None:
    split = blocks.splits[0]
    path = saved(tmp_path / "p.npz", valid=blocks.y[split.valid], test=blocks.y[split.test][1:])
    with pytest.raises(BenchError, match=rf"has {split.test.size} test labels, but there are {split.test.size - 1}"):
        score(path, blocks, 0)


def test_nothing_is_unpickled(tmp_path: Path, blocks: GraphData) -> None:
    path = saved(tmp_path / "p.npz", valid=np.array([{"a": 1}], dtype=object), test=blocks.y[blocks.splits[0].test])
    with pytest.raises(BenchError, match="cannot be read"):
        score(path, blocks, 0)


def test_a_stored_row_can_be_scored_again_from_its_predictions(ran, grid: GraphData, tmp_path: Path) -> None:
    row = ran.row("gcn(layers=2,hidden=8)+full_batch", seed=0)
    content = Reader(ran.store).predictions(row.trial_id)
    assert content is not None
    assert hashlib.sha256(content).hexdigest() == row.predictions_sha256
    (tmp_path / "p.npz").write_bytes(content)
    again = score(tmp_path / "p.npz", grid, row.split)
    assert (again.test_metric, again.validation_metric) == (row.test_metric, row.validation_metric)
    assert again.further_metrics == row.further_metrics
    with np.load(io.BytesIO(content)) as arrays:
        assert set(arrays) == {"valid", "test"}


def test_with_permuted_test_labels_the_same_predictions_score_at_chance(tmp_path: Path, blocks: GraphData) -> None:
    split = blocks.splits[0]
    path = saved(tmp_path / "p.npz", valid=blocks.y[split.valid], test=blocks.y[split.test])
    rotated = np.array(blocks.y)
    rotated[split.test] = (rotated[split.test] + 1) % blocks.classes
    assert score(path, blocks, 0).test_metric == 1.0
    assert score(path, replace(blocks, y=rotated), 0).test_metric == 0.0
