"""Trials as tasks of a Ray cluster.

Ray runs and watches; who runs where is decided here, because pairs belong on one machine and `jobs` counts the trials
on each. One task is one trial, with its request for CPUs, a GPU and memory.

Source: https://docs.ray.io/en/latest/ray-core/fault_tolerance/tasks.html
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.executors.choice import Choice, Limits
from bench.executors.node import Node, differing_datasets, inspect, of_one_kind
from bench.executors.ray_cluster import answers, connected
from bench.executors.remote import (
    CancelledError,
    LostError,
    NodeLostError,
    Parcel,
    RemoteExecutor,
    Task,
    run_away,
)
from bench.executors.trial_process import Ended, Progress
from bench.meters import hardware

PROBE_SECONDS = 120.0
"""How long a machine of the cluster may take to say what it is."""
LOOK_SECONDS, LOOKS = 3.0, 3
"""How often the head is looked for, and how often in a row it may be away."""


@contextmanager
def ray_executor(choice: Choice, folder: Path, limits: Limits) -> Iterator[RayExecutor]:
    """An executor on the cluster of `choice.address`, or on one of this machine.

    Raises:
        BenchError: no cluster, or none of its machines fits.
    """
    cpus = max(hardware.usable_cores(), limits.jobs * (limits.threads or 1))
    with connected(choice.address, cpus, folder) as ray:
        yield RayExecutor(ray, choice, folder, limits)


class RayExecutor(RemoteExecutor):
    """Runs trial documents as tasks; see `bench.executors.remote`.

    Attributes:
        kind: what its machines have in common.
        nodes: its machines by Ray's identifier.
        cores: CPUs of each that trials may use.
    """

    def __init__(self, ray: Any, choice: Choice, folder: Path, limits: Limits) -> None:
        super().__init__(folder, limits)
        self._ray, self._memory = ray, choice.memory
        self._where = f" at {choice.address}" if choice.address else ""
        self._needs_gpu = limits.device.startswith("cuda")
        self._head = None if ray.util.client.ray.is_connected() else ray.get_runtime_context().gcs_address
        errors = ray.exceptions
        self._worker_lost = (errors.WorkerCrashedError, errors.LocalRayletDiedError, errors.ObjectLostError)
        offers = self._offers()
        found = self._on(offers, inspect, seconds=PROBE_SECONDS)
        if not found:
            raise BenchError("all machines of the cluster are gone; look with: ray status")
        self.nodes = of_one_kind(found, hardware.code_version(), choice.machines)
        self.kind: Node = next(iter(self.nodes.values()))
        self._cpus = min(offers[name]["CPU"] for name in self.nodes)
        self.cores = max(1, min(self.kind.machine.cpu_cores, int(self._cpus)))
        self._left = list(self.nodes)
        self._notes = ray.remote(_Notes).options(num_cpus=0, max_restarts=-1).remote()
        self._drain = self._notes.drain.remote()
        self._trial = ray.remote(_trial)
        self._looked, self._away = time.monotonic(), 0

    def prepare(self, contents: Mapping[str, str], data_dir: str | None, cache_dir: str | None) -> None:
        """Have every machine load the datasets.

        Raises:
            BenchError: one of them cannot be had on a machine, or is another one there.
        """
        for name, sentences in self._on(self.nodes, differing_datasets, contents, data_dir, cache_dir).items():
            if sentences:
                raise BenchError(f"on machine {self.address(name)} of the cluster: {sentences[0]}")

    def everywhere(self, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """What a function returns on each machine that is left, where it gets a processor and a GPU like a trial.

        A machine that loses the worker is missing.
        """
        return self._on(self._left, function, *arguments, cpus=1, forgiven=self._worker_lost)

    def run(self, documents: Sequence[dict[str, Any]], progress: Progress) -> Iterator[Ended]:
        """As `RemoteExecutor.run`.

        Raises:
            BenchError: also when a trial asks for more than a machine has.
        """
        threads = max((document["protocol"]["threads"] for document in documents), default=0)
        if threads > self._cpus:
            raise BenchError(
                f"a trial asks for {threads} CPUs and a machine of the cluster has {self._cpus:g}; "
                f"say --threads {self.cores} or fewer"
            )
        return self._run(documents, progress)

    def _run(self, documents: Sequence[dict[str, Any]], progress: Progress) -> Iterator[Ended]:
        with self._while_it_is_there():
            yield from super().run(documents, progress)

    @contextmanager
    def _while_it_is_there(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            # Ray Client raises a bare Exception when it has given up
            errors = self._ray.exceptions
            if self._head is None:
                lost = not self._ray.util.client.ray.is_connected()
            else:
                lost = isinstance(error, errors.RayError) and not answers(self._head)
            if lost or isinstance(error, ConnectionError | errors.RaySystemError):
                raise self._gone() from error
            raise

    def places(self) -> Iterable[str]:
        return self._left

    def submit(self, index: int, document: dict[str, Any], node: str) -> Any:
        request = self._request(node, document["protocol"]["threads"])
        return self._trial.options(**request).remote(str(Path.cwd()), index, document, self.timeout, self._notes)

    def finished(self, tasks: Sequence[Task], seconds: float) -> list[Task]:
        self._look_for_head()
        ended, _ = self._ray.wait([task.handle for task in tasks], timeout=seconds, fetch_local=False)
        return [task for task in tasks if task.handle in ended]

    def fetch(self, task: Task) -> tuple[Parcel, str]:
        errors = self._ray.exceptions
        try:
            return self._ray.get(task.handle, timeout=PROBE_SECONDS), task.node
        except errors.TaskCancelledError as error:
            raise CancelledError from error
        except (errors.NodeDiedError, errors.TaskUnschedulableError) as error:
            self._left = [name for name in self._left if name != task.node]
            if not self._left and self._head is not None and not answers(self._head):
                raise self._gone() from error
            raise NodeLostError(_sentence(error)) from error
        except self._worker_lost as error:
            raise LostError(_sentence(error)) from error
        except errors.OutOfMemoryError:
            result = {"status": "out_of_memory", "reason": "killed by Ray for lack of memory on its machine"}
            seconds = 0.0 if task.heard is None else time.monotonic() - task.heard
            return Parcel(result, seconds, {}), task.node
        except errors.RayError as error:
            # an interrupt between two handlers of Ray's worker ends as a TypeError of Python's own
            if task.cancelled is not None and isinstance(error, errors.RayTaskError):
                raise CancelledError from error
            raise BenchError(f"Ray could not run a trial: {_sentence(error)}") from error

    def events(self) -> Iterable[tuple[int, dict[str, Any]]]:
        ready, _ = self._ray.wait([self._drain], timeout=0)
        if not ready:
            return []
        drained, self._drain = self._drain, self._notes.drain.remote()
        try:
            return self._ray.get(drained)
        except self._ray.exceptions.RayError:
            return []  # it went down with its machine and comes back on another one

    def cancel(self, task: Task, force: bool) -> None:
        self._ray.cancel(task.handle, force=force)

    def _look_for_head(self) -> None:
        if self._head is None or time.monotonic() < self._looked + LOOK_SECONDS:
            return
        self._away = 0 if answers(self._head) else self._away + 1
        self._looked = time.monotonic()
        if self._away >= LOOKS:
            raise self._gone()

    def _gone(self) -> BenchError:
        return BenchError(
            f"the Ray cluster{self._where} is gone; what had finished is stored, so run again when there is one"
        )

    def _offers(self) -> dict[str, dict[str, float]]:
        """What each living machine has, by name, of those that can take a trial."""
        needed = {"CPU": 1.0, "GPU": 1.0 if self._needs_gpu else 0.0, "memory": 1e9 * (self._memory or 0.0)}
        alive = {node["NodeID"]: node["Resources"] for node in self._ray.nodes() if node["Alive"]}
        offers = {
            name: has for name, has in alive.items() if all(has.get(each, 0) >= wants for each, wants in needed.items())
        }
        if not offers:
            wanted = "a CPU" + (" and a GPU" if self._needs_gpu else "")
            wanted += f" and {self._memory:g} GB of memory" if self._memory else ""
            raise BenchError(
                f"no machine of the cluster ({len(alive)} are up) has {wanted} to give; look with: ray status"
            )
        return offers

    def address(self, name: str) -> str:
        """Host name or IP address."""
        return next(node["NodeManagerAddress"] for node in self._ray.nodes() if node["NodeID"] == name)

    def _request(self, node: str, cpus: int) -> dict[str, Any]:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        request: dict[str, Any] = {"num_cpus": cpus, "num_gpus": 1 if self._needs_gpu and cpus else 0}
        if self._memory and cpus:
            request["memory"] = int(self._memory * 1e9)
        # lost workers are counted here, so that the row of a trial can say it
        return {**request, "max_retries": 0, "scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=False)}

    def _on(
        self,
        names: Iterable[str],
        function: Callable[..., Any],
        *arguments: Any,
        cpus: int = 0,
        seconds: float | None = None,
        forgiven: tuple[type[Exception], ...] = (),
    ) -> dict[str, Any]:
        call = self._ray.remote(_call)
        found, errors = {}, self._ray.exceptions
        try:
            with self._while_it_is_there():
                refs = {
                    name: call.options(**self._request(name, cpus)).remote(str(Path.cwd()), function, *arguments)
                    for name in names
                }
                for name, ref in refs.items():
                    # for some seconds the cluster still lists a machine that is gone
                    with suppress(errors.NodeDiedError, errors.TaskUnschedulableError, *forgiven):
                        found[name] = self._ray.get(ref, timeout=seconds)
        except errors.GetTimeoutError:
            raise BenchError(
                f"a machine of the cluster did not answer within {seconds:g} s; look at it with: ray status"
            ) from None
        except self._worker_lost as error:
            raise BenchError(
                f"a machine of the cluster lost its worker ({_sentence(error)}); look at it with: ray status"
            ) from error
        except errors.RayError as error:
            raise BenchError(
                f"a machine of the cluster cannot run LeanGNN ({_sentence(error)}); install it there as it is here"
            ) from error
        return found


class _Notes:
    """What trials say, until the runner fetches it."""

    def __init__(self) -> None:
        self._kept: list[tuple[int, dict[str, Any]]] = []

    def tell(self, index: int, event: dict[str, Any]) -> None:
        self._kept.append((index, event))

    def drain(self) -> list[tuple[int, dict[str, Any]]]:
        kept, self._kept = self._kept, []
        return kept


def _trial(folder: str, index: int, document: dict[str, Any], timeout: float, notes: Any) -> Parcel:
    _stand_in(folder)
    return run_away(document, timeout, lambda event: notes.tell.remote(index, event))


def _call(folder: str, function: Callable[..., Any], *arguments: Any) -> Any:
    _stand_in(folder)
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        # Ray hides all GPUs from a task that asks for none, and this one only looks at the machine
        del os.environ["CUDA_VISIBLE_DEVICES"]
    return function(*arguments)


def _stand_in(folder: str) -> None:
    """Let relative paths mean what they mean to the user, on every machine that has the folder."""
    with suppress(OSError):
        os.chdir(folder)


def _sentence(error: Exception) -> str:
    """The first line of what went wrong; of an error in a task, that of its cause."""
    return str(getattr(error, "cause", None) or error).strip().partition("\n")[0]
