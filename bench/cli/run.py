"""`leangnn run`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from bench import suite as suites
from bench.cli import output
from bench.cli.progress import LiveListener, PlainListener
from bench.cli.words import FAILED, INTERRUPTED, How, Wanted
from bench.datasets.registry import canonical
from bench.errors import UsageError
from bench.executors.choice import Choice
from bench.plan import PlannedTrial, parse_numbers, plan
from bench.runner import Options, Report, run
from bench.suite import Run, Suite
from methods.method import Method


def run_trials(wanted: Wanted, how: How, as_json: bool) -> None:
    """Plan and run; exit with 1 when a trial failed and 130 after an interruption."""
    # of a file the name alone, because where it lies is nobody else's business
    report = execute(plan(chosen_suite(wanted)), how, wanted.suite and Path(wanted.suite).stem)
    if as_json:
        output.print_json(
            [
                {"dataset": record.dataset, "method": record.method, "split": record.split, "seed": record.seed,
                 "status": record.status.value, "reason": record.reason, "test_metric": record.test_metric}
                for record in report.records
            ]
        )  # fmt: skip
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)
    if not report.all_well:
        raise typer.Exit(FAILED)


def execute(trials: Sequence[PlannedTrial], how: How, suite: str | None) -> Report:
    """Run a plan with its progress on standard error; `suite` is its name for the record."""
    options = Options(
        store=how.db,
        data_dir=how.data,
        device=how.device,
        jobs=how.jobs,
        threads=how.threads,
        timeout=how.timeout,
        minutes=how.minutes,
        retry_failed=how.retry_failed,
        suite=suite,
        command=command_line(how.db),
        executor=Choice(**how.executor),
    )
    with LiveListener() if sys.stderr.isatty() else PlainListener() as listener:
        return run(trials, options, listener)


def command_line(store: str) -> str:
    """The command line for the record, without the password of a database server."""
    words = ["leangnn", *sys.argv[1:]]
    if "://" in store:
        words = [word.replace(store, "DATABASE") for word in words]
    return shlex.join(words)


def chosen_suite(wanted: Wanted) -> Suite:
    """The suite to run: the named one with the command line's changes, or one made of its datasets and methods."""
    changes: dict[str, list[int]] = {}
    if wanted.splits is not None:
        changes["splits"] = parse_numbers(wanted.splits, "splits")
    if wanted.seeds is not None:
        changes["seeds"] = parse_numbers(wanted.seeds, "seeds")
    if wanted.suite is None:
        if not wanted.datasets or not wanted.methods:
            raise UsageError("say what to run: a suite (leangnn run quick), or --dataset and --method")
        block = Run(datasets=list(wanted.datasets), methods=list(wanted.methods), preset=wanted.preset)
        suite = Suite(question="command line", protocol=wanted.settings, run=[block])
        return suite.model_copy(update=changes)
    suite = suites.load(wanted.suite)
    datasets = _narrowed([block.datasets for block in suite.run], wanted.datasets, canonical)
    methods = _narrowed([block.methods for block in suite.run], wanted.methods, lambda text: Method.parse(text).name)
    runs = [
        block.model_copy(
            update={**changes, "protocol": {**block.protocol, **wanted.settings}, "datasets": own, "methods": run}
        )
        for block, own, run in zip(suite.run, datasets, methods, strict=True)
        if own and run
    ]
    return suite.model_copy(update={"run": runs, **changes})


def _narrowed(blocks: Sequence[list[str]], wanted: Sequence[str], name_of: Callable[[str], str]) -> list[list[str]]:
    """What each block of a suite keeps of its own under --dataset or --method; what no block has, all of them get."""
    if not wanted:
        return list(blocks)
    known = {name_of(text) for own in blocks for text in own}
    names = {name_of(text) for text in wanted}
    new = [text for text in wanted if name_of(text) not in known]
    return [[*(text for text in own if name_of(text) in names), *new] for own in blocks]
