"""The comparison with PyG runs through at a small size, and both sides compute the same."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from bench import perf
from bench.perf import aggregation


def call_here(threads: int, function: str, **arguments: Any) -> Any:
    """`worker.call` without its process, of which this comparison starts a dozen."""
    module, _, name = function.partition(":")
    result = getattr(importlib.import_module(module), name)(**arguments)
    # what JSON does to the keys
    return {str(key): value for key, value in result.items()}


@pytest.mark.slow
def test_quick_run_compares_all_variants_and_finds_them_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregation, "call", call_here)
    document = perf.load("aggregation").run(perf.Options(rounds=1, quick=True, threads=1)).as_json()
    gcn, gat, *kernels = document["tables"]
    assert [row["variant"] for row in gcn["rows"]] == ["LeanGNN GCN", "PyG GCNConv, edge_index", "PyG GCNConv, CSR"]
    assert [row["variant"] for row in gat["rows"]] == ["LeanGNN GAT", "PyG GATConv"]
    assert [table["title"] for table in kernels] == ["A @ x, width 128", "A @ x, width 256"]
    assert all(row["seconds"] > 0 and row["peak_bytes"] is not None for row in gcn["rows"] + gat["rows"])
    differences = [goal for goal in document["goals"] if "differ" in goal["text"]]
    assert len(differences) == 6 and all(goal["holds"] for goal in differences)
    assert document["setting"]["graph"] == "small random power-law graph"
