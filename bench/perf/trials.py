"""Trials run in one session into a store of their own, for comparisons whose variants are whole trials."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cli.progress import LiveListener, PlainListener
from bench.perf.registry import Options
from bench.plan import PlannedTrial
from db.records import MethodRecord, TrialRecord
from db.scoring.board import BoardRow
from db.scoring.curve import Curve


@dataclass(frozen=True)
class Stored:
    """What the store has when all trials have ended."""

    trials: list[TrialRecord]
    methods: list[MethodRecord]
    curves: dict[str, Curve]
    board: list[BoardRow]
    threads: int


def run_trials(planned: Sequence[PlannedTrial], options: Options, suite: str) -> Stored:
    """Run a plan.

    Args:
        suite: name for the record.

    Raises:
        BenchError: no dataset of the plan could be had, or a trial could not be started.
    """
    # imported here, because listing the comparisons must not load the runner
    from bench import runner
    from db.read import Reader

    with tempfile.TemporaryDirectory(prefix="leangnn-perf-") as folder:
        store = str(Path(folder) / "trials.duckdb")
        how = runner.Options(
            store=store,
            data_dir=None if options.data_dir is None else str(options.data_dir),
            cache_dir=None if options.cache_dir is None else str(options.cache_dir),
            threads=options.threads,
            suite=suite,
            command=f"leangnn perf {suite}",
        )
        with LiveListener() if sys.stderr.isatty() else PlainListener() as listener:
            runner.run(planned, how, listener)
        reader = Reader(store)
        return Stored(reader.trials(), reader.methods(), reader.curves(), reader.board(), how.threads_per_trial())
