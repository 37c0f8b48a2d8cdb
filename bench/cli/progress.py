"""How a run shows itself: a live bar in a terminal, one plain line a trial elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from bench.cli import output
from bench.plan import PlannedTrial
from db.records import TrialRecord


def describe(trial: PlannedTrial) -> str:
    """`cora  gcn+full_batch  split 0 seed 3`."""
    text = f"{trial.dataset}  {trial.method.name}  split {trial.split} seed {trial.seed}"
    processes = trial.protocol.processes
    return text if processes == 1 else f"{text}  {processes} processes"


def verdict(record: TrialRecord) -> str:
    """How a trial ended, in a few words."""
    if not record.status.has_metric:
        return f"{record.status.value}: {record.reason}"
    assert record.ledger is not None
    text = (
        f"test {output.percent(record.test_metric)}  validation {output.percent(record.validation_metric)} "
        f"(epoch {record.selected_epoch} of {record.epochs})  {output.seconds(record.ledger.scored)}  "
        f"{output.megabytes(record.peak_memory_bytes)}"
    )
    return text if record.reason is None else f"{text}  {record.status.value}: {record.reason}"


class PlainListener:
    """One line a trial on standard error, for logs."""

    def __init__(self) -> None:
        self.total = self.done = 0

    def __enter__(self) -> PlainListener:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return None

    def planned(self, total: int, skipped: int) -> None:
        self.total = total
        self._say(f"{total} trials to run" + (f", {skipped} stored already" if skipped else ""))

    def progress(self, trial: PlannedTrial, event: dict[str, Any]) -> None:
        return None

    def ended(self, trial: PlannedTrial, record: TrialRecord) -> None:
        self.done += 1
        self._say(f"[{self.done}/{self.total}] {describe(trial)}  {verdict(record)}")

    def notice(self, sentence: str) -> None:
        self._say(f"note: {sentence}")

    def _say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)


class LiveListener:
    """A bar over all trials, one for each running trial with its epoch and validation metric, a line a finished one."""

    def __init__(self) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            # in a narrow window the name gives way, and not the figures
            TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True)),
            BarColumn(bar_width=12),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            expand=True,
        )
        self._overall: TaskID | None = None
        self._running: dict[PlannedTrial, TaskID] = {}

    def __enter__(self) -> LiveListener:
        self._progress.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def planned(self, total: int, skipped: int) -> None:
        note = f"{skipped} stored already" if skipped else ""
        self._overall = self._progress.add_task("trials", total=total, note=note)

    def progress(self, trial: PlannedTrial, event: dict[str, Any]) -> None:
        budget = trial.protocol.epochs
        if trial not in self._running:
            self._running[trial] = self._progress.add_task(describe(trial), total=budget or 100, note="")
        if "stage" in event:
            self._progress.update(self._running[trial], note=event["stage"])
            return
        done = event["epoch"] if budget else 100 * event["spent"]
        note = f"validation {output.percent(event['validation_metric'])}"
        self._progress.update(self._running[trial], completed=done, note=note)

    def ended(self, trial: PlannedTrial, record: TrialRecord) -> None:
        task = self._running.pop(trial, None)
        if task is not None:
            self._progress.remove_task(task)
        mark = "✓" if record.status.has_metric else "✗"
        self._progress.console.print(f"{mark} {describe(trial)}  {verdict(record)}", markup=False, highlight=False)
        if self._overall is not None:
            self._progress.advance(self._overall)

    def notice(self, sentence: str) -> None:
        self._progress.console.print(f"note: {sentence}", markup=False, highlight=False)
