"""What lies in submissions/: the example passes the check, and the template can be filled in."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from bench.submission.check import Sources, check
from db.bundle.errors import BundleError
from db.bundle.read_manifest import read_draft
from db.bundle.write import from_folder

FOLDER = Path(__file__).parents[3] / "submissions"


def test_the_example_is_accepted_as_it_lies_there(cache: Path) -> None:
    report = check(from_folder(FOLDER / "example"), Sources(cache_dir=cache)).report
    assert report.errors == []
    assert {finding.rule for finding in report.warnings} == {"seeds", "method", "memory"}
    [row] = report.rows
    assert (row["method"], row["n"], row["status"]) == ("sklearn_mlp(hidden=16)+minibatch", 3, "provisional")


def test_the_template_is_a_manifest_whose_files_have_the_right_columns() -> None:
    draft = read_draft((FOLDER / "template" / "manifest.json").read_bytes())
    assert draft.part_names == ["curves/split0-seed0.csv", "predictions/split0-seed0.csv"]
    heads = [next(csv.reader((FOLDER / "template" / name).open())) for name in draft.part_names]
    assert heads == [
        ["epoch", "step", "scored_seconds", "train_loss", "validation_metric", "node_visits", "edge_visits"],
        ["node", "prediction"],
    ]


def test_an_unfilled_template_is_not_accepted(cache: Path) -> None:
    report = check(from_folder(FOLDER / "template"), Sources(cache_dir=cache)).report
    assert report.refused


def test_a_folder_without_a_manifest_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"manifest\.json' cannot be read: No such file or directory; see docs"):
        from_folder(tmp_path)
