"""Trials that several processes train: whole ones, ones that break, and ones that are refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bench import parallel
from bench.cli.board import show_board
from bench.clock import ACCOUNTS
from bench.errors import BenchError, UsageError
from bench.meters.nvml import NvmlError
from bench.parallel import check_devices, check_method, document_of
from bench.protocol import Protocol
from db.read import Reader
from db.records import Status, TrialRecord
from methods.method import Method

SMALL = "gcn(layers=2,hidden=8)"
SAMPLED = f"{SMALL}+neighbor_sampling(batch_size=16,neighbors=3)+dr_rg(every=2)"
PARTS = f"{SMALL}+random_nodes(parts=5)"


class Shared:
    """Rows and files of trials of two processes."""

    def __init__(self, store: Path, scratch: Path) -> None:
        self.store, self.reader, self.scratch = store, Reader(store), scratch

    def rows(self, method: str) -> list[TrialRecord]:
        return self.reader.trials(method=Method.parse(method).name)

    def curve(self, row: TrialRecord) -> Any:
        return self.reader.curves([row.trial_id])[row.trial_id]


@pytest.fixture(scope="module")
def shared(harness: Any, tmp_path_factory: pytest.TempPathFactory) -> Shared:
    settings = {"processes": 2, "threads": 2, "epochs": 3, "dynamics_every": 2}
    trials = [
        *harness.plan(PARTS, repeats=2, **settings),
        *harness.plan(SAMPLED, **settings),
        *harness.plan(f"{SMALL}+raises_beside(batch_size=16)", f"{SMALL}+killed_beside(batch_size=16)", **settings),
    ]
    folder = tmp_path_factory.mktemp("shared")
    scratch = folder / "scratch"
    scratch.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(scratch))
        harness.run(trials, folder / "s.duckdb", jobs=2)
    return Shared(folder / "s.duckdb", scratch)


def processes_in(folder: Path) -> list[int]:
    """Running processes that have a path in this folder on their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.startswith(os.fsencode(folder)) for word in words):
            found.append(int(entry.parent.name))
    return found


def test_a_trial_of_two_processes_is_a_row_with_all_its_figures(shared: Shared) -> None:
    [row] = shared.rows(SAMPLED)
    assert (row.status, row.reason) == (Status.FINISHED, None)
    assert (row.protocol_settings["processes"], row.protocol_settings["threads"]) == (2, 2)
    assert row.test_metric is not None
    parts = {name: getattr(row.ledger, name) for name in ACCOUNTS}
    assert sum(parts.values()) == pytest.approx(row.ledger.wall, rel=0.01)
    assert min(parts["load"], parts["preprocess"], parts["train"], parts["evaluate"]) > 0
    together = row.environment["processes"]
    assert (together["processes"], together["backend"], len(together["strategies"])) == (2, "gloo", 2)
    assert row.environment["allocator"]["threads"]["OMP_NUM_THREADS"] == "1"
    assert shared.reader.dynamics(row.trial_id)["weight_norm"].epochs.tolist() == [0, 2]


def test_memory_is_the_sum_over_processes_with_the_largest_beside(shared: Shared) -> None:
    [row] = shared.rows(SAMPLED)
    total, largest = row.memory["rss_above_start"], row.memory["rss_above_start_largest"]
    assert row.peak_memory_bytes == total["bytes"]
    assert 0.5 * total["bytes"] <= largest["bytes"] < total["bytes"]
    assert total["definition"].startswith("sum of the peaks of 2 processes, each: VmHWM")


def test_a_seed_repeats_bit_for_bit(shared: Shared) -> None:
    first, again = shared.rows(PARTS)
    assert {first.repeat, again.repeat} == {0, 1}
    curves = [shared.curve(row) for row in (first, again)]
    assert curves[0].train_loss.tolist() == curves[1].train_loss.tolist()
    assert curves[0].validation_metric.tolist() == curves[1].validation_metric.tolist()
    assert first.predictions_sha256 == again.predictions_sha256


def test_processes_share_an_epoch_and_count_its_work_once(shared: Shared) -> None:
    row = shared.rows(PARTS)[0]
    # every part of the 144 nodes once an epoch, whoever takes it; five parts are three updates
    assert (row.epochs, row.node_visits) == (3, 3 * 144)
    assert shared.curve(row).step.tolist() == [3, 6, 9]
    taken = [each["steps_per_epoch"] for each in row.environment["processes"]["strategies"]]
    assert taken == [3.0, 2.0]


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("raises_beside", Status.CRASHED, "process 1 of 2: ValueError: the sampler lost"),
        ("killed_beside", Status.OUT_OF_MEMORY, "process 1 of 2 was killed by the system for lack of memory"),
    ],
)
def test_a_process_that_breaks_ends_the_trial_with_its_reason(
    shared: Shared, name: str, status: Status, reason: str
) -> None:
    [row] = shared.rows(f"{SMALL}+{name}(batch_size=16)")
    assert (row.status, row.reason) == (status, reason)
    if name == "raises_beside":
        assert "in steps" in (row.log_tail or "")


def test_the_board_gives_rows_of_several_processes_no_ratio_and_says_why(
    shared: Shared, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [row for row in shared.reader.board() if row.n]
    assert len(rows) == 2
    assert all(row.time_ratio is None and row.mean is not None and row.protocol == rows[0].protocol for row in rows)
    show_board(str(shared.store), {}, as_json=False)
    assert "rows of several processes never have one" in capsys.readouterr().out


def test_no_process_is_left(shared: Shared) -> None:
    assert processes_in(shared.scratch) == []


def test_the_others_end_when_the_first_process_is_killed(
    cache: Path, child_environment: dict[str, str], tmp_path: Path
) -> None:
    document = {
        "dataset": "minesweeper-grid(side=12)", "data_dir": None, "cache_dir": str(cache), "split": 0, "seed": 0,
        "method": f"{SMALL}+waits", "protocol": Protocol(processes=2, threads=2).settings(), "device": "cpu",
        "started_ns": time.perf_counter_ns(),
    }  # fmt: skip
    (tmp_path / "trial.json").write_text(json.dumps(document))
    first = subprocess.Popen(
        [sys.executable, "-m", "bench.trial", str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, env=child_environment,
    )  # fmt: skip
    assert first.stdin is not None
    with first.stdin:
        # the second process looks for the first one, or has found it
        wait_for(lambda: (tmp_path / "meeting").exists() and len(processes_in(tmp_path)) == 2)
        os.kill(first.pid, signal.SIGKILL)
        first.wait(30)
        wait_for(lambda: processes_in(tmp_path) == [])


def wait_for(happened: Any, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.05)


TWO = Protocol(processes=2)


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("gcn", "2 processes cannot share the steps of full_batch, because an epoch of it is no row of mini-batches"),
        ("gcn+coarse_to_fine", "2 processes cannot share the steps of coarse_to_fine"),
        ("gcn+sgc", "2 processes cannot share the steps of sgc"),
        ("gcn+neighbor_sampling+qlr(bits=4)", "the ranges of qlr(bits=4) follow the batches that a process sees"),
    ],
)
def test_methods_that_cannot_be_shared_are_refused(method: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_method(Method.parse(method), TWO)
    assert said in str(caught.value)
    assert str(caught.value).endswith("train it with --processes 1")
    check_method(Method.parse(method), Protocol())


@pytest.mark.parametrize("method", ["gcn+sgc(batch_size=64)", "gcn+cluster_gcn+dr_w", "gcn+graph_saint"])
def test_mini_batches_may_be_shared(method: str) -> None:
    check_method(Method.parse(method), TWO)


def test_as_many_gpus_as_processes_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_device(ordinal: int) -> None:
        if ordinal:
            raise NvmlError(f"NVML finds no NVIDIA GPU with number {ordinal}: Invalid Argument")

    monkeypatch.setattr(parallel, "open_device", open_device)
    with pytest.raises(BenchError, match="2 processes need 2 GPUs, one each: NVML finds no NVIDIA GPU with number 1"):
        check_devices("cuda", 2)
    with pytest.raises(UsageError, match="--device cuda:1 is one GPU, and 2 processes need one each"):
        check_devices("cuda:1", 2)
    for device, processes in (("cuda", 1), ("cuda:1", 1), ("cpu", 8)):
        check_devices(device, processes)


@pytest.mark.parametrize(
    ("device", "processes", "rank", "own"),
    [("cuda", 2, 1, "cuda:1"), ("cuda", 1, 0, "cuda"), ("cuda:3", 1, 0, "cuda:3"), ("cpu", 2, 1, "cpu")],
)
def test_each_process_has_a_device_and_its_share_of_the_threads(
    device: str, processes: int, rank: int, own: str
) -> None:
    asked = {"device": device, "protocol": Protocol(processes=processes, threads=5).settings()}
    found = document_of(asked, rank)
    assert (found["device"], found["threads"]) == (own, 5 // processes)
    assert found["protocol"]["threads"] == 5
