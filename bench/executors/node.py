"""A machine that trials run on, as it sees itself, and what must hold before trials run there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.errors import BenchError, DataError, UsageError
from bench.meters import hardware
from db.records import MachineRecord

_GIB = 2**30


@dataclass(frozen=True)
class Node:
    """One machine.

    Attributes:
        machine: its hardware.
        environment: versions of its software, and the niceness of the process that was asked, which trials inherit.
        code: version of the code there.
    """

    machine: MachineRecord
    environment: dict[str, Any]
    code: str

    def __str__(self) -> str:
        """What decides `machine_id`, in words: `AMD EPYC 7742 x 16, 64 GiB, NVIDIA H100 80 GiB, driver 550.54`."""
        own = self.machine
        words = [f"{own.cpu_model} x {own.cpu_cores}", f"{round(own.memory_bytes / _GIB)} GiB"]
        if own.gpu_model is not None:
            words += [f"{own.gpu_model} {round((own.gpu_memory_bytes or 0) / _GIB)} GiB", f"driver {own.gpu_driver}"]
        return ", ".join(words)


def inspect() -> Node:
    """The machine that this process is on."""
    return Node(hardware.machine(), {**hardware.environment(), "niceness": os.nice(0)}, hardware.code_version())


def of_one_kind(nodes: Mapping[str, Node], code: str, wanted: str | None) -> dict[str, Node]:
    """The machines to use. Rows of one run stand side by side, so their machines must be alike in all but the name.

    Args:
        nodes: by name.
        code: the version of the code that the run was started with.
        wanted: words in the description of those to use, or None for all.

    Raises:
        UsageError: no machine fits the words.
        BenchError: there are several kinds of machine left, or one has other code.
    """
    fitting = {name: node for name, node in nodes.items() if wanted is None or wanted.lower() in str(node).lower()}
    if not fitting:
        raise UsageError(f"--machines '{wanted}' fits none; there are: {_listed(nodes)}")
    if len({node.machine.machine_id for node in fitting.values()}) > 1:
        raise BenchError(
            f"the machines are of several kinds, and their times must not meet in one run: {_listed(fitting)}; "
            "choose one kind by a part of its description, such as --machines 'H100'"
        )
    for name, node in fitting.items():
        if node.code != code:
            raise BenchError(
                f"the code on {name} is {node.code} and here it is {code}; install the same commit on every machine"
            )
    return fitting


def _listed(nodes: Mapping[str, Node]) -> str:
    return "; ".join(sorted({str(node) for node in nodes.values()}))


def differing_datasets(contents: Mapping[str, str], data_dir: str | None, cache_dir: str | None) -> list[str]:
    """Load datasets on this machine, so that no trial pays for preparing them.

    Args:
        contents: SHA-256 of each dataset's arrays as the runner knows them, by canonical spec.

    Returns:
        One sentence for each that cannot be had here or is another one here.
    """
    from bench.datasets import registry

    found = []
    for name, sha256 in contents.items():
        try:
            own = registry.load(name, data_dir, cache_dir).sha256
        except DataError as error:
            found.append(str(error))
        except (OSError, UsageError) as error:
            found.append(f"{name} cannot be loaded: {error}")
        else:
            if own != sha256:
                found.append(f"{name} has other content than where the run was started; put the same files there")
    return found
