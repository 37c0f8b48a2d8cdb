"""The low-bit comparison runs through at a small size and states a goal for everything that it should show."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from bench import perf
from bench.perf import lowbit
from bench.perf.contenders import lowbit as contenders


def call_here(threads: int, function: str, **arguments: Any) -> Any:
    """`worker.call` without its process."""
    module, _, name = function.partition(":")
    return getattr(importlib.import_module(module), name)(**arguments)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lowbit, "call", call_here)
        patch.setattr(contenders, "_keep_freed_memory", lambda: None)  # it would outlive this test
        return perf.load("lowbit").run(perf.Options(rounds=1, quick=True, threads=1)).as_json()


def test_every_part_has_its_variants(document: dict[str, Any]) -> None:
    small, _, large, gcn, propagation = document["tables"]
    kernels = [row["variant"] for row in small["rows"]]
    assert {"LeanGNN FP32", "LeanGNN bf16", "INT2", "INT4 to float32", "torch.ops.quantized 8-bit bag"} < set(kernels)
    assert "ten times" in large["title"] and len(large["rows"]) == len(small["rows"]) - 3
    for model in (gcn, propagation):
        assert [row["variant"] for row in model["rows"]] == [
            "PyG, edge_index", "PyG, CSR", "LeanGNN FP32", "LeanGNN bf16", "INT2", "INT4", "INT8",
        ]  # fmt: skip
    assert all(row["seconds"] > 0 for table in (small, large, gcn, propagation) for row in table["rows"])


def test_goals_name_what_they_compare(document: dict[str, Any]) -> None:
    texts = [goal["text"] for goal in document["goals"]]
    assert "gcn, 1 thread: time of INT2 over PyG, CSR" in texts
    assert "propagation, 1 thread: time of INT4 over LeanGNN bf16" in texts
    assert len(texts) == len(set(texts)) == 4 + 2 + 7 + 3
    assert all(goal["value"] is not None for goal in document["goals"])


def test_eight_bits_agree_with_float(document: dict[str, Any]) -> None:
    differences = [goal for goal in document["goals"] if "differ" in goal["text"]]
    assert len(differences) == 2 and all(goal["holds"] for goal in differences)


def test_rates_stand_beside_the_bandwidth(document: dict[str, Any]) -> None:
    rates = {row["variant"]: row["figures"] for row in document["tables"][1]["rows"]}
    assert {"INT2", "INT4 to float32", "LeanGNN FP32", "a large copy"} <= set(rates)
    assert rates["a large copy"]["of the copy's"] == 1 and all(figures["GB/s"] > 0 for figures in rates.values())
    assert document["setting"]["graph"] == "small random power-law graph"
