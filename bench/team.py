"""How the processes that train one trial work together: whose turn it is, mean gradients, and equal parameters.

A group of steps, one of each process that still has one, makes one update with the mean of their gradients, as with
`torch.nn.parallel.DistributedDataParallel` (Li et al. 2020, "PyTorch Distributed"). Gradients are averaged here, after
they are accumulated, because the training loop keeps some apart, which that wrapper does not see.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from bench.errors import BenchError
from bench.parallel import LostError
from bench.result import status_of
from methods.problem import Problem, Share
from methods.strategy import Step

_FOREVER = timedelta(days=7)
"""Nobody waits by the clock: who is lost is noticed, and who takes too long is killed by the trial's own limit."""


@dataclass(frozen=True)
class Group:
    """The steps of one update.

    Attributes:
        step: that of this process, or None where its part of the epoch is over.
        steps: how many steps make the update; nodes and edges are those of all of them.
    """

    step: Step | None
    steps: int
    nodes: int
    edges: int


class Team:
    """One process alone, which has nobody to agree with."""

    rank, size = 0, 1

    def share(self, problem: Problem, seed: int) -> Problem:
        """The problem with this process's part of each epoch; a process beside the first gets its own random numbers.

        Call it when all processes have made the same network, and with the trial's seed.
        """
        return problem

    def groups(self, steps: Iterable[Step], is_over: Callable[[], bool]) -> Iterator[Group]:
        """The groups of an epoch, until it ends or the first process says after one that time is over.

        Args:
            steps: of this process.
        """
        for step in steps:
            yield Group(step, 1, *_visits(step))
            if is_over():
                return

    def average(self, parameters: Sequence[nn.Parameter], steps: int) -> None:
        """Replace the gradients of all processes by their sum over `steps`; None counts as 0 where another has one."""

    def mean(self, losses: Sequence[Tensor], steps: int) -> Tensor:
        """Mean of the losses of all processes.

        Args:
            losses: of this process, [] each.
            steps: how many losses there are in all.
        """
        return torch.stack(list(losses)).mean()

    def agreed(self, value: float) -> float:
        """What the first process says."""
        return value

    def equalize(self, model: nn.Module) -> None:
        """Give all processes the buffers of the first one, and see that parameters are the same, bit for bit.

        Buffers are running statistics of batches, of which each process saw others.

        Raises:
            BenchError: parameters differ.
        """

    def gathered(self, item: Any) -> list[Any]:
        """The item of each process, in the first one; nothing in the others."""
        return [item]

    def facts(self) -> dict[str, Any]:
        """What the record of a trial should say; nothing for one process."""
        return {}


class Processes(Team):
    """Processes of this machine, one a GPU or several on the CPU, joined by `torch.distributed`.

    What the loop has to know goes over the CPU (gloo), so that a GPU (NCCL) is never waited for.

    Args:
        folder: of the trial; the processes find each other by a file in it.
        rank: number of this process, from 0.
        size: how many there are.
        device: where this process computes; several processes on GPUs need one each.
    """

    def __init__(self, folder: Path, rank: int, size: int, device: torch.device) -> None:
        self.rank, self.size, self._device = rank, size, device
        self._backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        self._met = False
        _understood(
            dist.init_process_group,
            self._backend,
            init_method=(folder.resolve() / "meeting").as_uri(),
            rank=rank,
            world_size=size,
            timeout=_FOREVER,
            device_id=device if device.type == "cuda" else None,
        )
        self._sum(torch.zeros(1, device=device))  # the first exchange opens connections, which training must not pay

    def share(self, problem: Problem, seed: int) -> Problem:
        own = _seed(seed, self.rank)
        if self.rank:
            torch.manual_seed(own)
        return replace(
            problem,
            generator=torch.Generator().manual_seed(own),
            share=Share(self.rank, self.size, problem.generator),
        )

    def groups(self, steps: Iterable[Step], is_over: Callable[[], bool]) -> Iterator[Group]:
        """As for one process.

        Raises:
            BenchError: the first group of all is not complete, or a gradient is to last for more than its step.
        """
        own, over = iter(steps), False
        while True:
            step = None if over else next(own, None)
            if step is not None and any(term.lasts > 1 for term in step):
                raise BenchError("gradients that last for several steps cannot be shared; train with --processes 1")
            header = torch.tensor([step is not None, *_visits(step or []), over], dtype=torch.int64)
            count, nodes, edges, ended = self._sum(header).tolist()
            if ended or not count:
                return
            if not self._met and count < self.size:
                raise BenchError(
                    f"the first epoch has no step for {self.size - count} of {self.size} processes; take smaller "
                    "batches or fewer processes"
                )
            self._met = True
            yield Group(step, count, nodes, edges)
            over = self.rank == 0 and is_over()

    def average(self, parameters: Sequence[nn.Parameter], steps: int) -> None:
        # a parameter that no loss of any process reaches must stay without a gradient, as for one process
        reached = self._sum(torch.tensor([parameter.grad is not None for parameter in parameters], dtype=torch.int64))
        moved = [parameter for parameter, count in zip(parameters, reached.tolist(), strict=True) if count]
        if not moved:
            return
        for parameter in moved:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [parameter.grad for parameter in moved if parameter.grad is not None]
        bucket = self._sum(torch.cat([gradient.reshape(-1) for gradient in gradients])).div_(steps)
        parts = bucket.split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def mean(self, losses: Sequence[Tensor], steps: int) -> Tensor:
        total = torch.stack(list(losses)).sum() if losses else torch.zeros((), device=self._device)
        return self._sum(total) / steps

    def agreed(self, value: float) -> float:
        return float(self._from_first(torch.tensor([value], dtype=torch.float64)))

    def equalize(self, model: nn.Module) -> None:
        for buffer in model.buffers():
            self._from_first(buffer)
        mark = _digest(model)
        # equal exactly where the largest and the smallest are
        largest, smallest = self._largest(torch.tensor([mark, -mark])).tolist()
        if largest != -smallest:
            raise BenchError(
                "the processes of this trial have come to different parameters, so that something beside the batches "
                "differs between them, such as random numbers of a rescaler; train with --processes 1"
            )

    def gathered(self, item: Any) -> list[Any]:
        items: list[Any] | None = [None] * self.size if self.rank == 0 else None
        _understood(dist.gather_object, item, items)
        return items or []

    def facts(self) -> dict[str, Any]:
        return {"processes": self.size, "backend": self._backend}

    def _sum(self, tensor: Tensor) -> Tensor:
        _understood(dist.all_reduce, tensor)
        return tensor

    def _largest(self, tensor: Tensor) -> Tensor:
        _understood(dist.all_reduce, tensor, dist.ReduceOp.MAX)
        return tensor

    def _from_first(self, tensor: Tensor) -> Tensor:
        _understood(dist.broadcast, tensor, 0)
        return tensor


def _understood(exchange: Callable[..., Any], *arguments: Any, **settings: Any) -> None:
    try:
        exchange(*arguments, **settings)
    except RuntimeError as error:  # what both backends raise when a connection closes
        if status_of(error) == "out_of_memory":
            raise
        first = str(error).strip().partition("\n")[0]
        raise LostError(f"the processes of this trial lost each other: {first}") from error


def _visits(step: Step) -> tuple[int, int]:
    """Nodes and edges that a step sees."""
    return sum(term.view.num_nodes for term in step), sum(term.view.num_edges for term in step)


def _seed(seed: int, rank: int) -> int:
    """A seed for one process; those of neighbouring seeds and processes have nothing in common."""
    return int(np.random.SeedSequence((seed, rank)).generate_state(1, np.uint64)[0])


def _digest(model: nn.Module) -> int:
    """62 bits of a hash of all parameters."""
    found = hashlib.blake2b(digest_size=8)
    for parameter in model.parameters():
        found.update(parameter.detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
    return int.from_bytes(found.digest()) >> 2
