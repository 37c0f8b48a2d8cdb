"""What any method must leave behind: nothing, whether it ends or is broken off."""

from __future__ import annotations

import gc
import threading
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from bench.conformance.case import Case, Promise
from bench.conformance.check import FailedError
from bench.conformance.posed import build, train, trainer

SHORT, LONG = 4, 16
"""Epochs of two runs; what is held at the end of the longer one is compared to that of the shorter one."""


class _BrokenOffError(Exception):
    pass


def resumes(case: Case) -> str:
    """An interrupted trial starts again from its seed, so a run that was broken off must not change the next."""
    first = train(case.method, case.data, epochs=6)

    def break_off(point: dict[str, Any], spent: float) -> None:
        if point["epoch"] == 3:
            raise _BrokenOffError

    with suppress(_BrokenOffError):
        trainer(build(case.method, case.data), break_off, epochs=6).run()
    again = train(case.method, case.data, epochs=6)
    for before, after in zip(first.curve, again.curve, strict=True):
        if before["train_loss"] != after["train_loss"]:
            raise FailedError(
                f"after a run that was broken off, the same seed gives another loss in epoch {before['epoch']} "
                f"({after['train_loss']:.6g} instead of {before['train_loss']:.6g}): something outlives a run; "
                "keep state in the object, not in its class or module"
            )
    return "a run after one that was broken off gives the same losses, bit for bit"


def gives_memory_back(case: Case) -> str:
    """No tensor and no thread outlives a run, and longer runs hold no more than shorter ones."""
    threads = threading.active_count()
    train(case.method, case.data, epochs=2)  # whatever the libraries keep for good, they have now
    before = _live_bytes()
    held = []
    for epochs in (SHORT, LONG):
        parts = build(case.method, case.data)
        work = trainer(parts, epochs=epochs, evaluate_every=epochs)
        work.run()
        held.append(_live_bytes() - before)
        del parts, work
    left = _live_bytes() - before
    if left > 0:
        raise FailedError(
            f"{left} bytes of tensors outlive a run; do not keep tensors in classes, modules or caches of functions"
        )
    if threading.active_count() > threads:
        raise FailedError("a thread outlives the run; its work would be in no account of the clock")
    graph = case.problem().graph
    view_bytes = graph.x.numel() * graph.x.element_size() + 4 * (graph.num_edges + graph.num_nodes)
    grown = held[1] - held[0]
    if grown > view_bytes:
        raise FailedError(
            f"{LONG - SHORT} more epochs hold {grown} more bytes of tensors, and the whole graph has {view_bytes}; "
            "let go of the views of past steps"
        )
    return f"a run holds at most {max(held)} bytes of tensors at its end and leaves none; {LONG} epochs hold no more"


def _live_bytes() -> int:
    """Bytes of all tensors that Python objects refer to, each memory counted once."""
    gc.collect()
    sizes: dict[int, int] = {}
    for item in gc.get_objects():
        if issubclass(type(item), Tensor) and item.layout == torch.strided and item.device.type == "cpu":
            storage = item.untyped_storage()
            sizes[storage.data_ptr()] = storage.nbytes()
    return sum(sizes.values())


PROMISES: dict[str, Promise] = {"resumes": resumes, "memory given back": gives_memory_back}
