"""Two processes that train together: the same updates as one process that averages, and what they notice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from bench.datasets import registry
from bench.parallel import LostError
from bench.team import Group, Team, _understood
from methods.strategy import Step

SCRIPT = Path(__file__).with_name("two_processes.py")


@pytest.fixture(scope="module")
def found(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two processes found, see `two_processes.py`."""
    registry.load("csbm(nodes=120,degree=6.0,features=8,classes=3,signal=2.0)", cache_dir=cache)
    folder = tmp_path_factory.mktemp("team")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    processes = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), str(folder), str(rank), str(cache)],
            env=environment, stderr=subprocess.PIPE, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    try:
        errors = [process.communicate(timeout=120)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], errors
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


@pytest.mark.parametrize("scenario", ["plain", "rescaled", "partial"])
def test_a_group_makes_the_update_of_the_mean_of_its_losses(found: list[dict[str, Any]], scenario: str) -> None:
    together, alone = found[0][scenario]["together"], found[0][scenario]["alone"]
    for one, other in zip(together["parameters"], alone["parameters"], strict=True):
        assert one == pytest.approx(other, rel=1e-4, abs=1e-6)


def test_a_weight_that_one_process_reaches_moves_and_one_that_none_reaches_stays(found: list[dict[str, Any]]) -> None:
    _, rare, idle = found[0]["partial"]["together"]["parameters"]
    assert all(abs(value - 0.1) > 1e-3 for value in rare)
    assert idle == [1.0, 1.0, 1.0]  # weight decay does not move it either, as for one process


@pytest.mark.parametrize("scenario", ["plain", "rescaled", "partial"])
def test_all_processes_hold_the_same_parameters_bit_for_bit(found: list[dict[str, Any]], scenario: str) -> None:
    first, second = (each[scenario]["together"] for each in found)
    assert first["parameters"] == second["parameters"]


def test_work_is_that_of_all_processes_and_steps_are_updates(found: list[dict[str, Any]]) -> None:
    together, alone = found[0]["plain"]["together"], found[0]["plain"]["alone"]
    for name in ("steps", "node_visits", "edge_visits", "steps_of_schedule"):
        assert together[name] == alone[name]
    # two epochs of three batches, of which two and one make an update
    assert (together["steps"], together["node_visits"]) == (4, 240)


def test_only_the_first_process_evaluates(found: list[dict[str, Any]]) -> None:
    assert len(found[0]["plain"]["together"]["losses"]) == 2
    assert found[1]["plain"]["together"]["losses"] == []


def test_the_loss_of_an_epoch_is_the_mean_over_the_steps_of_all(found: list[dict[str, Any]]) -> None:
    [reported], losses = found[0]["still"]["reported"], found[0]["still"]["losses"]
    assert reported == pytest.approx(sum(losses) / 3, rel=1e-5)
    assert max(losses) - min(losses) > 1e-3


def test_running_statistics_become_those_of_the_first_process(found: list[dict[str, Any]]) -> None:
    first, second = (each["statistics"] for each in found)
    assert first["before"] != second["before"]
    assert first["before"] == first["after"] == second["after"]


def test_the_smallest_difference_of_parameters_is_noticed(found: list[dict[str, Any]]) -> None:
    assert all("have come to different parameters" in each["drifted"] for each in found)


def test_what_cannot_be_shared_is_refused(found: list[dict[str, Any]]) -> None:
    few = "the first epoch has no step for 1 of 2 processes; take smaller batches or fewer processes"
    lasting = "gradients that last for several steps cannot be shared; train with --processes 1"
    assert [each["too few"] for each in found] == [few, few]
    assert [each["lasting"] for each in found] == [lasting, lasting]


def test_the_first_process_decides_and_collects(found: list[dict[str, Any]]) -> None:
    assert [each["agreed"] for each in found] == [5.0, 5.0]
    assert [each["gathered"] for each in found] == [["process 0", "process 1"], []]


def test_one_process_is_a_team_that_has_nothing_to_exchange() -> None:
    team, steps, says = Team(), list[Step]([[], [], []]), iter([False, True])
    assert list(team.groups(steps, lambda: next(says))) == [Group([], 1, 0, 0)] * 2
    parameter = nn.Parameter(torch.ones(2))
    parameter.grad = torch.tensor([1.0, 3.0])
    team.average([parameter], 1)
    assert parameter.grad.tolist() == [1.0, 3.0]
    assert float(team.mean([torch.tensor(1.0), torch.tensor(2.0)], 2)) == 1.5
    assert (team.agreed(3.0), team.gathered("a"), team.facts()) == (3.0, ["a"], {})


@pytest.mark.parametrize(
    ("error", "seen"),
    [(torch.OutOfMemoryError("CUDA out of memory"), torch.OutOfMemoryError), (RuntimeError("reset"), LostError)],
)
def test_a_lack_of_memory_is_no_lost_process(error: RuntimeError, seen: type[Exception]) -> None:
    def exchange() -> None:
        raise error

    with pytest.raises(seen):
        _understood(exchange)
