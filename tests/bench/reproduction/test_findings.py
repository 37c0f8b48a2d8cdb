"""What released code does differently: both sides exist and differ."""

from __future__ import annotations

import pytest

from bench.datasets import registry
from bench.reproduction.findings import findings
from bench.suite import load
from db.scoring.released import QUANTITIES
from methods.method import Method


@pytest.mark.parametrize("paper", ["multiscale", "rescaling", "lowbit"])
def test_every_finding_is_measured_or_says_why_not(paper: str) -> None:
    listed = findings(paper)
    identifiers = [each.finding.finding_id for each in listed]
    assert listed and len(set(identifiers)) == len(identifiers)
    for each in listed:
        finding = each.finding
        assert finding.paper == paper and finding.title and finding.text
        if not each.sides:
            assert finding.unmeasured and finding.quantity is None
            continue
        assert finding.quantity in QUANTITIES and finding.corrected and finding.release
        assert finding.corrected != finding.release
        assert finding.command and finding.command.startswith("leangnn run")
        for side, ours in zip((finding.corrected, finding.release), each.sides, strict=True):
            assert side.get("quantity", finding.quantity) in QUANTITIES
            assert Method.parse(side["method"]).name == side["method"]
            assert registry.canonical(side["dataset"]) == side["dataset"]
            assert side["settings"]["epochs"]
            if ours.suite:
                load(ours.suite)


def test_one_direction_is_told_apart_from_the_rest_of_the_release() -> None:
    [finding] = [each.finding for each in findings("rescaling") if "one-direction" in each.finding.finding_id]
    assert finding.corrected and finding.release
    assert finding.corrected["method"] == finding.release["method"]
    assert finding.corrected["settings"] == finding.release["settings"]
    assert finding.release["dataset"] == "minesweeper(direction=stored)"


def test_reference_numbers_have_no_release() -> None:
    assert findings("reference") == []
