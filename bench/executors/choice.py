"""Which executor runs the trials, in the user's words, and how it is opened."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bench.errors import UsageError
from bench.executors.node import Node
from bench.executors.trial_process import Ended, Progress
from methods.spec import nearest

EXECUTORS = ("local", "ray", "slurm")
_BELONGS = {"address": ("ray",), "machines": ("ray",), "memory": ("ray", "slurm"), "slurm": ("slurm",)}
_OPTIONS = {"address": "--ray-address", "machines": "--machines", "memory": "--memory", "slurm": "--slurm"}


@dataclass(frozen=True)
class Choice:
    """Where trials run.

    Attributes:
        name: one of `EXECUTORS`.
        address: of a Ray cluster; None starts one on this machine.
        machines: words in the description of the machines to use, see `bench.executors.node`; None is all.
        memory: GB that each trial asks the cluster for; None asks for none.
        slurm: `key=value`, options of sbatch by their long names, and `cluster=local` for processes of this machine.
    """

    name: str = "local"
    address: str | None = None
    machines: str | None = None
    memory: float | None = None
    slurm: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the words.

        Raises:
            UsageError: an unknown executor, or an option that the executor does not have.
        """
        if self.name not in EXECUTORS:
            raise UsageError(f"no executor is called '{self.name}'; {nearest(self.name, EXECUTORS)}")
        for item in dataclasses.fields(self)[1:]:
            if getattr(self, item.name) != item.default and self.name not in _BELONGS[item.name]:
                fitting = " or ".join(f"--executor {name}" for name in _BELONGS[item.name])
                raise UsageError(
                    f"{_OPTIONS[item.name]} has no meaning for trials of this kind; it goes with {fitting}"
                )
        if self.memory is not None and self.memory <= 0:
            raise UsageError(f"--memory {self.memory:g} is not possible; it is the GB that a trial asks for")


@dataclass(frozen=True)
class Limits:
    """What every executor keeps to.

    Attributes:
        device: `cpu`, `cuda` or `cuda:1`.
        jobs: trials at a time on a machine.
        threads: CPU threads a trial, or None.
        timeout: wall seconds a trial.
        minutes: after which no trial is started any more, or None.
        cache_dir: see `bench.datasets.registry`.
    """

    device: str
    jobs: int
    threads: int | None
    timeout: float
    minutes: float | None
    cache_dir: str | None


class Executor(Protocol):
    """What runs trials. Its machines are all of one kind."""

    @property
    def kind(self) -> Node:
        """One of its machines."""

    @property
    def cores(self) -> int:
        """CPU cores of each machine that trials may use."""

    @property
    def nodes(self) -> Mapping[str, Node]:
        """The machines that are known so far, by name; `Ended.node` is always among them."""

    def prepare(self, contents: Mapping[str, str], data_dir: str | None, cache_dir: str | None) -> None:
        """Have the machines load datasets of these contents (SHA-256 by name), which the runner has loaded."""

    def everywhere(self, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """What a function returns on each machine, by name."""

    def address(self, name: str) -> str:
        """Where a machine is, in the user's words."""

    def run(self, documents: Sequence[dict[str, Any]], progress: Progress) -> Iterator[Ended]:
        """Yield each trial as it ends; after `stop`, those that it killed come as `interrupted` and no more follow."""

    def stop(self) -> None:
        """Kill the running trials and start no more."""


@contextmanager
def opened(choice: Choice, folder: Path, limits: Limits) -> Iterator[Executor]:
    """The executor, ready to run; `folder` is scratch space.

    Raises:
        UsageError, BenchError: the executor cannot run here, in a sentence that says what to do.
    """
    if choice.name != "local" and ":" in limits.device:
        raise UsageError(f"--device {limits.device} is not possible on a cluster, which picks the GPU itself; say cuda")
    if choice.name == "ray":
        from bench.executors.ray_executor import ray_executor

        with ray_executor(choice, folder, limits) as executor:
            yield executor
    elif choice.name == "slurm":
        from bench.executors.slurm import slurm_executor

        with slurm_executor(choice, folder, limits) as executor:
            yield executor
    else:
        from bench.executors.local import LocalExecutor

        yield LocalExecutor(folder, limits.jobs, limits.timeout, limits.minutes)
