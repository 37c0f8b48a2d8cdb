"""What the harness costs: a full-batch trial's training time against a bare loop around the same network."""

from __future__ import annotations

from bench.perf.interleave import Interleaved, Sample
from bench.perf.registry import Options
from bench.perf.report import Goal, Report, Table
from bench.perf.worker import call, usable_threads

TITLE = "Harness: training time of a full-batch GCN trial against a bare loop, evaluation excluded"

_TRIAL, _BARE = "trial", "bare loop"
_MOST = 1.02
_EPOCHS_PER_ROUND = 20


def run(options: Options) -> Report:
    """Alternate epochs of the trial's trainer with epochs of a bare loop, in one process.

    Raises:
        BenchError: the measurement failed.
    """
    threads = options.threads or usable_threads()
    dataset = "minesweeper-grid(side=20)" if options.quick else "minesweeper-grid"
    measured = call(
        threads,
        "bench.perf.contenders.loops:measure",
        dataset=dataset,
        epochs=_EPOCHS_PER_ROUND * options.rounds,
        cache_dir=None if options.cache_dir is None else str(options.cache_dir),
    )
    samples = Interleaved({name: [Sample(seconds) for seconds in turns] for name, turns in measured.items()})
    table = Table(f"one epoch of GCN, 3 layers x 256, on {dataset}", _BARE, samples.summaries(_BARE))
    ratio = samples.ratio(_TRIAL, _BARE)
    goal = Goal("training time of the trial over the bare loop", ratio and ratio.value, _MOST)
    setting = {"dataset": dataset, "threads": threads, "epochs": _EPOCHS_PER_ROUND * options.rounds}
    return Report(TITLE, setting, [table], [goal])
