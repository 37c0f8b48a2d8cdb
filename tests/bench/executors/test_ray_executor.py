"""Trials on a Ray cluster of two machines, both this one: the same rows as here, whatever is lost on the way."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError
from bench.executors import ray_cluster, ray_executor
from bench.executors.choice import Choice, Limits, opened
from bench.executors.node import inspect
from bench.executors.ray_cluster import answers
from bench.executors.ray_executor import RayExecutor
from bench.meters import hardware
from db.read import Reader
from db.records import TrialRecord

if importlib.util.find_spec("ray") is None:
    pytest.skip("Ray is not installed (the extra ray)", allow_module_level=True)

pytestmark = pytest.mark.slow  # the cluster alone takes seconds to start
SMALL = "gcn(layers=2,hidden=8)"
BLOCKS = "csbm(nodes=200)"
SEED = 4
"""Its place in `without_times`."""
LIMITS = Limits("cpu", jobs=1, threads=1, timeout=60.0, minutes=None, cache_dir=None)


# the command line in a process of its own, because Ray may end a process whose head is gone
COMMAND = """
from dataclasses import replace
from bench import runner
from bench.cli.main import main
from bench.executors import ray_executor
from bench.executors.node import inspect
from bench.meters import hardware
hardware.code_version = lambda: "under test"
ray_executor.inspect = lambda: replace(inspect(), code="under test")
ray_executor.LOOK_SECONDS = 0.2
runner.calibrate = lambda options: {"gemm": 0.01}
main()
"""


@pytest.fixture(scope="module")
def settings(plugins: Path) -> Iterator[None]:
    """What the machines of a cluster get, so that their workers know the throw-away package."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (ray_cluster._EVERYWHERE | ray_cluster._OWN).items():
            patch.setenv(name, value)
        patch.setenv("PYTHONPATH", str(plugins))
        yield


@pytest.fixture(scope="module")
def cluster(settings: None) -> Iterator[Any]:
    """Two machines with two CPUs each."""
    from ray.cluster_utils import Cluster

    held = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    held.add_node(num_cpus=2)
    yield held
    held.shutdown()


@pytest.fixture(scope="module", autouse=True)
def known_code() -> Iterator[None]:
    """The checkout may be edited while the tests run, and then workers have other code than this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hardware, "code_version", lambda: "under test")
        patch.setattr(ray_executor, "inspect", lambda: replace(inspect(), code="under test"))
        yield


def trials_running() -> dict[int, dict[str, Any]]:
    """The documents of trials that tasks of Ray started, by the process of their worker."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            worker = Path(f"/proc/{parent}/cmdline").read_bytes()
            if b"bench.trial" in words and worker.startswith(b"ray::"):
                found[parent] = json.loads((Path(words[-2].decode()) / "trial.json").read_text())
        except OSError:
            continue
    return found


def all_gone() -> bool:
    end = time.monotonic() + 20
    while trials_running() and time.monotonic() < end:
        time.sleep(0.05)
    return not trials_running()


def without_times(row: TrialRecord) -> tuple[Any, ...]:
    curve = [replace(point, scored_seconds=0.0) for point in row.curve]
    place = (row.dataset, row.dataset_version, row.method, row.split, row.seed, row.device)
    return (
        *place,
        {**row.protocol_settings, "jobs": None},
        row.status,
        row.reason,
        row.test_metric,
        row.validation_metric,
        row.predictions_sha256,
        curve,
    )


@pytest.fixture(scope="module")
def expected(harness: Any, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    """What trials on this machine give."""
    store = tmp_path_factory.mktemp("local") / "store.duckdb"
    harness.run(four(harness), store, jobs=2)
    return sorted(map(without_times, Reader(store).trials()), key=str)


def four(harness: Any) -> list[Any]:
    return harness.plan(f"{SMALL}+random_nodes", dataset=BLOCKS, seeds=(0, 1), epochs=2)


def test_a_cluster_gives_the_rows_of_this_machine(
    cluster: Any, harness: Any, expected: list[Any], tmp_path: Path
) -> None:
    store = tmp_path / "store.duckdb"
    report, diary = harness.run(four(harness), store, executor=Choice("ray", cluster.address))
    rows = Reader(store).trials()
    assert sorted(map(without_times, rows), key=str) == expected
    assert report.all_well and len(expected) == 4
    # a machine has a session of its own, and a candidate ran where its reference did
    sessions = {session.session_id: session for session in Reader(store).sessions()}
    assert len(sessions) == 2
    assert {row.session_id for row in rows} <= sessions.keys()
    for seed in (0, 1):
        assert len({row.session_id for row in rows if row.seed == seed}) == 1
    for session in sessions.values():
        assert session.calibration_before == session.calibration_after == {"gemm": 0.01}
        assert (session.environment["executor"], session.environment["jobs"]) == ("ray", 1)
    assert all(row.ledger is not None and row.environment["wall_seconds"] >= row.ledger.wall for row in rows)
    assert {name for name, event in diary.events if event == {"stage": "loading"}} == {row.method for row in rows}
    assert diary.notices == []
    again, _ = harness.run(four(harness), store, executor=Choice("ray", cluster.address))
    assert (again.skipped, again.records) == (4, [])


def test_a_worker_that_is_killed_loses_no_row_and_doubles_none(
    cluster: Any, harness: Any, expected: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = killing(1, monkeypatch)
    store = tmp_path / "store.duckdb"
    report, _ = harness.run(four(harness), store, executor=Choice("ray", cluster.address))
    assert sorted(map(without_times, Reader(store).trials()), key=str) == expected
    assert report.all_well and len(report.records) == 4
    assert sorted(said.count((index, {"stage": "loading"})) for index in range(4)) == [1, 1, 1, 2]


def killing(times: int, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, dict[str, Any]]]:
    """Kill the worker of a trial that was heard of, that often; returns all that is heard."""
    said: list[tuple[int, dict[str, Any]]] = []
    given: dict[int, dict[str, Any]] = {}
    hear, submit, left = RayExecutor.events, RayExecutor.submit, [None] * times

    def submitting(executor: RayExecutor, index: int, document: dict[str, Any], node: str) -> Any:
        given[index] = document
        return submit(executor, index, document, node)

    def events(executor: RayExecutor) -> list[tuple[int, dict[str, Any]]]:
        found = list(hear(executor))
        heard = {(given[index]["method"], given[index]["seed"]) for index, _ in found}
        for worker, document in trials_running().items():
            if left and (document["method"], document["seed"]) in heard:
                left.pop()
                os.kill(worker, signal.SIGKILL)
        said.extend(found)
        return found

    monkeypatch.setattr(RayExecutor, "submit", submitting)
    monkeypatch.setattr(RayExecutor, "events", events)
    return said


@pytest.mark.usefixtures("settings")
def test_without_an_address_a_cluster_of_this_machine_lasts_as_long_as_the_run(
    document: dict[str, Any], tmp_path: Path
) -> None:
    with opened(Choice("ray"), tmp_path, LIMITS) as executor:
        assert isinstance(executor, RayExecutor) and len(executor.nodes) == 1
        assert executor._head is not None and answers(executor._head)
        [ended] = executor.run([{**document, "method": SMALL}], lambda index, event: None)
        assert (ended.result["status"], ended.node) == ("finished", *executor.nodes)
        assert (ended.folder / "predictions.npz").exists()
    assert not answers(executor._head)


@pytest.fixture
def lonely(settings: None) -> Iterator[tuple[Any, dict[str, Any]]]:
    """A cluster of one machine, and the words that start another head at the same address."""
    from ray.cluster_utils import Cluster

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        machine = {"num_cpus": 2, "include_dashboard": False, "gcs_server_port": free.getsockname()[1]}
    held = Cluster(initialize_head=True, head_node_args=machine)
    yield held, machine
    held.shutdown()


def test_when_the_head_is_killed_the_same_command_goes_on_with_the_next_one(
    lonely: tuple[Any, dict[str, Any]], expected: list[Any], child_environment: dict[str, str], tmp_path: Path
) -> None:
    (held, machine), store = lonely, tmp_path / "store.duckdb"
    address = held.address
    words = ["run", "--dataset", BLOCKS, "--method", f"{SMALL}+random_nodes", "--epochs", "2", "--threads", "1"]
    words += ["--executor", "ray", "--ray-address", address, "--db", str(store)]
    command = [sys.executable, "-P", "-c", COMMAND, *words]
    code, said = in_its_second_trial(
        command, child_environment, lambda: held.remove_node(held.head_node, allow_graceful=False)
    )
    assert f"leangnn: the Ray cluster at {address} is gone; what had finished is stored, so run again" in said
    assert code == 1 and all_gone()
    [kept] = Reader(store).trials()
    held.add_node(**machine)
    assert held.address == address
    again = subprocess.run(command, capture_output=True, text=True, env=child_environment)
    assert again.returncode == 0 and "1 trials to run, 1 stored already" in again.stderr, again.stderr
    rows = Reader(store).trials()
    assert kept.trial_id in {row.trial_id for row in rows}
    assert sorted(map(without_times, rows), key=str) == [row for row in expected if row[SEED] == 0]


def in_its_second_trial(command: list[str], environment: dict[str, str], act: Callable[[], None]) -> tuple[int, str]:
    """Act when the first of two trials is stored and the second one runs; exit code and what was said after that."""
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert running.stderr is not None
    with running.stderr:
        try:
            before = list(takewhile(lambda line: not line.startswith("[1/2] "), running.stderr))
            end = time.monotonic() + 20
            while not trials_running():
                assert time.monotonic() < end, before
                time.sleep(0.02)
            act()
            said = running.stderr.read()
            return running.wait(30), said
        finally:
            running.kill()


def test_paths_mean_there_what_they_mean_here_and_hide_no_module(
    cluster: Any, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(tmp_path)
    for room in ("bench", "db"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text("raise RuntimeError('the wrong one')")
    (tmp_path / "own.toml").write_text("edges = 'edges.csv'")
    with opened(Choice("ray", cluster.address), empty, LIMITS) as executor:
        with pytest.raises(BenchError, match=r"on machine [\d.]+ of the cluster: minesweeper-grid.* has other content"):
            executor.prepare({"minesweeper-grid(side=12)": "0"}, None, str(cache))
        with pytest.raises(BenchError, match=r"on machine [\d.]+ of the cluster: .*edges"):
            executor.prepare({"own.toml": "0"}, None, str(cache))


@pytest.mark.parametrize(
    ("device", "memory", "wanted"),
    [("cuda", None, "a CPU and a GPU"), ("cpu", 1e6, r"a CPU and 1e\+06 GB of memory")],
)
def test_what_no_machine_has_is_named(
    cluster: Any, tmp_path: Path, device: str, memory: float | None, wanted: str
) -> None:
    with (
        pytest.raises(BenchError, match=rf"no machine of the cluster \(2 are up\) has {wanted} to give"),
        opened(Choice("ray", cluster.address, memory=memory), tmp_path, replace(LIMITS, device=device)),
    ):
        pass


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_an_address_where_nothing_answers_is_named(tmp_path: Path, scheme: str) -> None:
    with socket.socket() as bound:  # bound and not listening, so that nobody else takes the port
        bound.bind(("127.0.0.1", 0))
        address = f"{scheme}127.0.0.1:{bound.getsockname()[1]}"
        with (
            pytest.raises(BenchError, match=f"no Ray cluster answers at {address}"),
            opened(Choice("ray", address), tmp_path, LIMITS),
        ):
            pass


def test_an_address_without_port_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(BenchError, match="--ray-address head is not possible; write auto, HOST:6379 or ray://HOST"),
        opened(Choice("ray", "head"), tmp_path, LIMITS),
    ):
        pass


def test_when_a_machine_is_lost_another_one_takes_its_trials(
    cluster: Any, document: dict[str, Any], tmp_path: Path
) -> None:
    doomed = cluster.add_node(num_cpus=2)
    documents = [{**document, "method": SMALL, "seed": seed} for seed in range(3)]
    with opened(Choice("ray", cluster.address), tmp_path, LIMITS) as executor:
        assert isinstance(executor, RayExecutor) and len(executor.nodes) == 3

        def hear(index: int, event: dict[str, Any]) -> None:
            on_it = [task.index for task in executor._tasks if task.node == doomed.node_id]
            if index in on_it and doomed in cluster.list_all_nodes():
                cluster.remove_node(doomed, allow_graceful=False)

        ended = list(executor.run(documents, hear))
        assert sorted((item.index, item.result["status"]) for item in ended) == [(i, "finished") for i in range(3)]
        assert doomed.node_id not in {item.node for item in ended}
        assert doomed.node_id not in executor.places()
        assert executor.everywhere(len, "word") == dict.fromkeys(executor.places(), 4)


@pytest.fixture(scope="class")
def held(cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayExecutor]:
    with opened(Choice("ray", cluster.address), tmp_path_factory.mktemp("empty"), LIMITS) as found:
        assert isinstance(found, RayExecutor)
        yield found


@pytest.fixture
def executor(held: RayExecutor, tmp_path: Path) -> RayExecutor:
    held.folder, held.timeout, held.minutes, held._stopping = tmp_path, LIMITS.timeout, None, False
    held._lost.clear()
    return held


class TestOneConnection:
    """What an executor does with documents."""

    def test_a_worker_that_is_always_lost_is_a_crash_that_says_so(
        self, executor: RayExecutor, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said = killing(3, monkeypatch)
        [ended] = executor.run([document], lambda index, event: None)
        assert ended.result["status"] == "crashed"
        assert ended.result["reason"].startswith("its worker was lost 3 times, the last time so: The worker died")
        assert said.count((0, {"stage": "loading"})) == 3
        assert all_gone()

    def test_a_stop_ends_what_runs_and_starts_no_more(self, executor: RayExecutor, document: dict[str, Any]) -> None:
        documents = [{**document, "seed": seed} for seed in range(4)]
        ended = list(executor.run(documents, lambda index, event: executor.stop()))
        assert ended and len(ended) <= 2
        assert {(item.result["status"], item.result["reason"]) for item in ended} == {
            ("interrupted", "the run was stopped while this trial ran")
        }
        assert all_gone()

    def test_a_trial_that_takes_too_long_is_killed_where_it_runs(
        self, executor: RayExecutor, document: dict[str, Any]
    ) -> None:
        executor.timeout = 0.5
        [ended] = executor.run([document], lambda index, event: None)
        assert ended.result["reason"] == "killed after 0.5 s of wall time"
        assert (ended.folder / "log").exists() and 0.5 <= ended.seconds < 60
        executor.minutes = 0.0
        assert list(executor.run([document], lambda index, event: None)) == []

    def test_a_trial_that_fails_is_not_run_again(self, executor: RayExecutor, document: dict[str, Any]) -> None:
        [ended] = executor.run([{**document, "method": "gnc"}], lambda index, event: None)
        assert ended.result["status"] == "crashed" and "is called 'gnc'; did you mean" in ended.result["reason"]
        assert executor._lost.total() == 0

    def test_a_trial_that_asks_for_too_much_is_named(self, executor: RayExecutor, document: dict[str, Any]) -> None:
        wide = {**document, "protocol": {**document["protocol"], "threads": 3}}
        with pytest.raises(
            BenchError, match="a trial asks for 3 CPUs and a machine of the cluster has 2; say --threads"
        ):
            executor.run([wide], lambda index, event: None)

    def test_a_machine_that_loses_its_worker_has_no_answer(self, executor: RayExecutor) -> None:
        assert executor.everywhere(os._exit, 1) == {}
        with pytest.raises(BenchError, match="a machine of the cluster lost its worker"):
            executor._on(executor.nodes, os._exit, 1)

    def test_a_head_that_is_gone_is_not_a_machine_that_cannot_run(
        self, executor: RayExecutor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(BenchError, match="a machine of the cluster cannot run LeanGNN"):
            executor.everywhere(len)
        monkeypatch.setattr(ray_executor, "answers", lambda address: False)
        with pytest.raises(BenchError, match=r"the Ray cluster at [\d.:]+ is gone"):
            executor.everywhere(len)

    @pytest.mark.parametrize("when", ["while a trial starts", "while it runs"])
    def test_a_head_that_is_gone_ends_the_run(
        self, executor: RayExecutor, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch, when: str
    ) -> None:
        monkeypatch.setattr(ray_executor, "LOOK_SECONDS", 0.0)
        is_there = when == "while it runs"
        monkeypatch.setattr(ray_executor, "answers", lambda address: is_there)

        def hear(index: int, event: dict[str, Any]) -> None:
            nonlocal is_there
            is_there = False

        with pytest.raises(
            BenchError, match=r"the Ray cluster at [\d.:]+ is gone; what had finished is stored, so run"
        ):
            list(executor.run([document], hear))
        assert all_gone()
