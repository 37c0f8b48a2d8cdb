"""What lies in wait for a method that looks where it must not: bait in memory, and an ear on opened files."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from bench import stored_problem, trial
from bench.datasets import registry
from bench.datasets.graph_data import GraphData

if TYPE_CHECKING:
    import torch

    from bench.evaluation import Evaluator
    from methods.problem import Problem

_LIBRARIES = {"__main__", "bench", "methods", "numpy", "pandas", "scipy", "torch", *sys.stdlib_module_names}


class Tripwire:
    """Writes down each file that is opened below some folders, and by which line; the trial's own load is left out.

    It hears what Python opens. A library that opens files by itself is not heard; wrong labels in the files catch that.

    Args:
        folders: where datasets lie.
        notes: the file to write, one JSON object a line.
    """

    def __init__(self, folders: Iterable[str], notes: Path) -> None:
        self._folders = tuple(os.path.realpath(folder) + os.sep for folder in folders)
        self._notes = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._loading = False
        self._listen()

    def _listen(self) -> None:
        load, pose_on_disk = registry.load, stored_problem.pose_on_disk

        def heard_pose(data: GraphData, seed: int, device: torch.device) -> tuple[Problem, Evaluator]:
            self._loading = sys._getframe(1).f_code is trial.train.__code__
            try:
                return pose_on_disk(data, seed, device)
            finally:
                self._loading = False

        def heard_load(*arguments: Any, **settings: Any) -> GraphData:
            self._loading = sys._getframe(1).f_code is trial.run.__code__
            try:
                return load(*arguments, **settings)
            finally:
                self._loading = False

        registry.load, stored_problem.pose_on_disk = heard_load, heard_pose
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or self._loading or not isinstance(arguments[0], str | bytes | os.PathLike):
            return
        path = os.path.realpath(os.fsdecode(arguments[0]))
        if arguments[2] & os.O_EXCL or Path(path).is_dir():
            return  # a new file, such as those that prediction by blocks makes in a folder, has nothing to tell
        if path.startswith(self._folders) and not path.endswith((".py", ".pyc")):
            note = json.dumps({"file": path, "by": _place(sys._getframe(1))})
            os.write(self._notes, f"{note}\n".encode())


def _place(innermost: FrameType) -> str:
    """The innermost line of code that is neither ours nor a library's, or the innermost of all."""
    frame: FrameType | None = innermost
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _LIBRARIES:
        frame = frame.f_back
    found = frame or innermost
    return f"{Path(found.f_code.co_filename).name}, line {found.f_lineno}"


def lay_bait() -> None:
    """Leave test labels where a trial has none, so that a method that would read them does, and shows it."""

    def sealed(self: GraphData, split: int) -> GraphData:
        return replace(self, splits=(self.splits[split],))

    GraphData.sealed = sealed  # type: ignore[method-assign]
