"""A trial on a GPU, from the plan to the row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from bench.clock import ACCOUNTS
from db.read import Reader
from db.records import Status

if not torch.cuda.is_available():
    pytest.skip("no CUDA device on this machine", allow_module_level=True)


@pytest.mark.parametrize("backbone", ["gcn(layers=2,hidden=8)", "gat(layers=2,hidden=8,heads=2,attention_dropout=0.4)"])
def test_a_trial_on_a_gpu_has_the_figures_of_one(harness: Any, tmp_path: Path, backbone: str) -> None:
    store = tmp_path / "cuda.duckdb"
    report, _ = harness.run(harness.plan(backbone), store, device="cuda")
    [row] = Reader(store).trials()
    assert (row.status, row.reason, row.device) == (Status.FINISHED, None, "cuda")
    assert report.all_well and 0 <= row.test_metric <= 1
    assert row.peak_memory_bytes == row.memory["allocated"]["bytes"] > 0
    assert row.memory["allocated"]["bytes"] <= row.memory["reserved"]["bytes"]
    assert row.ledger is not None
    assert sum(getattr(row.ledger, name) for name in ACCOUNTS) == pytest.approx(row.ledger.wall, rel=0.01)
    assert row.energy["reason"] if row.energy_joules is None else row.energy_joules > 0
    [machine] = Reader(store).machines()
    assert machine.gpu_model is not None
