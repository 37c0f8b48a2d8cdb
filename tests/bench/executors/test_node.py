"""Machines of one kind, and what must hold on each."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from bench.datasets.graph_data import GraphData
from bench.errors import BenchError, UsageError
from bench.executors.node import Node, differing_datasets, inspect, of_one_kind
from db.records import MachineRecord

GIB = 2**30


def node(model: str, code: str = "c") -> Node:
    machine = MachineRecord(model, "AMD EPYC 7742", 16, 64 * GIB, model, 80 * GIB, "550.54")
    return Node(machine, {}, code)


A, H = node("NVIDIA A100"), node("NVIDIA H100")


def test_a_machine_is_described_by_what_decides_its_speed() -> None:
    assert str(H) == "AMD EPYC 7742 x 16, 64 GiB, NVIDIA H100 80 GiB, driver 550.54"
    plain = dataclasses.replace(H.machine, gpu_model=None, gpu_memory_bytes=None, gpu_driver=None)
    assert str(Node(plain, {}, "c")) == "AMD EPYC 7742 x 16, 64 GiB"


def test_machines_that_are_alike_are_all_used() -> None:
    assert of_one_kind({"1": A, "2": A}, "c", None) == {"1": A, "2": A}


def test_several_kinds_are_refused_until_one_is_chosen() -> None:
    with pytest.raises(BenchError, match=r"several kinds.*NVIDIA A100.*NVIDIA H100.*--machines"):
        of_one_kind({"1": A, "2": H}, "c", None)
    assert of_one_kind({"1": A, "2": H}, "c", "h100") == {"2": H}


def test_a_kind_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match=r"--machines 'B200' fits none; there are: .*A100"):
        of_one_kind({"1": A}, "c", "B200")


def test_other_code_is_refused() -> None:
    with pytest.raises(BenchError, match="the code on 1 is c and here it is d; install the same commit"):
        of_one_kind({"1": A}, "d", None)


def test_this_machine_knows_its_niceness() -> None:
    assert inspect().environment["niceness"] >= 0
    assert "torch" in inspect().environment


def test_datasets_are_held_against_those_of_the_runner(grid: GraphData, cache: Path, tmp_path: Path) -> None:
    def found(contents: dict[str, str]) -> list[str]:
        return differing_datasets(contents, str(tmp_path), str(cache))

    assert found({grid.name: grid.sha256}) == []
    assert found({grid.name: "0"}) == [
        f"{grid.name} has other content than where the run was started; put the same files there"
    ]
    [missing] = found({"arxiv-structural": "0"})
    assert "arxiv-structural" in missing
    [gone] = found({str(tmp_path / "own.toml"): "0"})
    assert "own.toml" in gone
