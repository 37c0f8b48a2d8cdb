"""The command `leangnn`. Commands import what they need when they run, so that `--help` and `board` stay quick."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from bench.cli import submit, words

app = typer.Typer(
    help="Benchmark of efficient training of graph neural networks: accuracy per second, per megabyte, per joule.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(help="Look at a dataset.")
db_app = typer.Typer(help="Export, import or upgrade the store.")
app.add_typer(data_app, name="data")
app.add_typer(db_app, name="db")
app.add_typer(submit.app, name="submit")

Store = Annotated[str, typer.Option("--db", envvar="LEANGNN_DB", help="Store: a DuckDB file or any SQLAlchemy URL.")]
DataFolder = Annotated[
    str | None, typer.Option("--data", envvar="LEANGNN_DATA", help="Folder of downloaded datasets; never written to.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON with stable keys instead of a table.")]
STORE = words.STORE


@app.command()
def run(
    suite: Annotated[str | None, typer.Argument(help="A suite by name, or a TOML file of your own.")] = None,
    dataset: Annotated[list[str] | None, typer.Option(help="Dataset, such as 'cora(split=full)'; repeatable.")] = None,
    method: Annotated[list[str] | None, typer.Option(help="Method, such as 'gcn(layers=3)'; repeatable.")] = None,
    preset: Annotated[str | None, typer.Option(help="Published settings to start from; see: list presets.")] = None,
    splits: Annotated[str | None, typer.Option(help="Splits to run, e.g. 0-9 or 0,3,5.")] = None,
    seeds: Annotated[str | None, typer.Option(help="Seeds to run, e.g. 0-9.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Budget in epochs.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Budget in scored seconds.")] = None,
    optimizer: Annotated[str | None, typer.Option(help="adam, adamw, sgd, ...")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of the optimizer.")] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Of the optimizer.")] = None,
    decay: Annotated[float | None, typer.Option(help="Learning rate times this, after every so many epochs.")] = None,
    decay_every: Annotated[int | None, typer.Option(help="Epochs between two decays.")] = None,
    clip: Annotated[float | None, typer.Option(help="Largest norm of the gradient.")] = None,
    evaluate_every: Annotated[int | None, typer.Option(help="Epochs between evaluations.")] = None,
    patience: Annotated[int | None, typer.Option(help="Stop after this many evaluations without gain.")] = None,
    select_by: Annotated[str | None, typer.Option(help="What selects the epoch: metric or balanced_accuracy.")] = None,
    target: Annotated[float | None, typer.Option(help="Validation metric to reach, e.g. 0.9.")] = None,
    dynamics_every: Annotated[int | None, typer.Option(help="Epochs between samples of dynamics; 0: none.")] = None,
    matmul_precision: Annotated[str | None, typer.Option(help="highest (FP32), high (TF32) or medium (BF16).")] = None,
    processes: Annotated[int | None, typer.Option(help="That train one trial together; a GPU each.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:1.")] = "cpu",
    jobs: Annotated[int, typer.Option(min=1, help="Trials at a time; more than one disturbs the times.")] = 1,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads a trial; all cores by default.")] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds after which a trial is killed.")] = 3600.0,
    minutes: Annotated[float | None, typer.Option(help="Start no trial after this; the next call goes on.")] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Run again what failed before.")] = False,
    executor: Annotated[str, typer.Option(help="What runs the trials: local, ray or slurm.")] = "local",
    ray_address: Annotated[
        str | None, typer.Option(help="auto, HOST:6379 or ray://HOST:10001; else a new one.")
    ] = None,
    machines: Annotated[str | None, typer.Option(help="Only Ray's machines with this in their description.")] = None,
    memory: Annotated[float | None, typer.Option(help="GB that each trial asks the cluster for.")] = None,
    slurm: Annotated[
        list[str] | None, typer.Option(help="Option of sbatch, such as partition=gpu; repeatable.")
    ] = None,
    db: Store = STORE,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Run a suite, or methods on datasets, and store the results. What is stored already is not run again.

    A suite keeps to those of its datasets and methods that are named; one that it does not have is run in every block.
    """
    from bench.cli.run import run_trials

    settings = {
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "decay": decay,
        "decay_every": decay_every,
        "clip": clip,
        "epochs": epochs,
        "seconds": seconds,
        "evaluate_every": evaluate_every,
        "patience": patience,
        "select_by": select_by,
        "target": target,
        "dynamics_every": dynamics_every,
        "matmul_precision": matmul_precision,
        "processes": processes,
    }
    run_trials(
        words.Wanted(
            suite, tuple(dataset or ()), tuple(method or ()), preset, splits, seeds,
            {key: value for key, value in settings.items() if value is not None},
        ),
        words.How(
            db, data, device, jobs, threads, timeout, retry_failed, minutes,
            {"name": executor, "address": ray_address, "machines": machines, "memory": memory,
             "slurm": tuple(slurm or ())},
        ),
        as_json,
    )  # fmt: skip


@app.command()
def board(
    dataset: Annotated[list[str] | None, typer.Option(help="Only these datasets.")] = None,
    backbone: Annotated[list[str] | None, typer.Option(help="Only these backbones.")] = None,
    strategy: Annotated[list[str] | None, typer.Option(help="Only these strategies.")] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compute every figure again from raw rows; exit code 1 where one differs.")
    ] = False,
    db: Store = STORE,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show the board: metric with interval, and cost as a ratio to the paired full-batch reference."""
    if verify:
        from bench.cli.verify import show_verification

        show_verification(db, data, as_json)
        return
    from bench.cli.board import show_board

    filters = {"dataset": dataset, "backbone": backbone, "strategy": strategy}
    show_board(db, {key: value for key, value in filters.items() if value}, as_json)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="A method as the board spells it.")],
    second: Annotated[str, typer.Argument(help="The method to compare it with.")],
    db: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Compare two methods, paired by dataset, split and seed."""
    from bench.cli.board import show_comparison

    show_comparison(db, first, second, as_json)


@app.command()
def reproduce(
    paper: Annotated[str, typer.Argument(help="multiscale, rescaling, lowbit or reference.")],
    run_missing: Annotated[bool, typer.Option("--run", help="First run what ours still lacks.")] = False,
    dataset: Annotated[list[str] | None, typer.Option(help="Only figures on this dataset; repeatable.")] = None,
    splits: Annotated[str | None, typer.Option(help="With --run: only these splits, e.g. 0-2.")] = None,
    seeds: Annotated[str | None, typer.Option(help="With --run: only these seeds, e.g. 0-2.")] = None,
    device: Annotated[str, typer.Option(help="With --run: cpu, cuda or cuda:1.")] = "cpu",
    threads: Annotated[int | None, typer.Option(min=1, help="With --run: CPU threads a trial.")] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds after which a trial is killed.")] = 3600.0,
    minutes: Annotated[float | None, typer.Option(help="With --run: start no trial after this.")] = None,
    db: Store = STORE,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show what a paper published beside ours, cell by cell, and what its released code changes."""
    from bench.cli.reproduce import Selection, reproduce_paper

    how = words.How(db, data, device, 1, threads, timeout, False, minutes)
    reproduce_paper(Selection(paper, tuple(dataset or ()), splits, seeds, run_missing), how, as_json)


@app.command()
def trials(
    dataset: Annotated[str | None, typer.Option(help="Only this dataset.")] = None,
    method: Annotated[str | None, typer.Option(help="Only this method.")] = None,
    status: Annotated[str | None, typer.Option(help="Only trials that ended so.")] = None,
    db: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """List the stored trials and how they ended."""
    from bench.cli.trials import show_trials

    filters = {"dataset": dataset, "method": method, "status": status}
    show_trials(db, {key: value for key, value in filters.items() if value}, as_json)


@app.command(name="list")
def list_names(what: Annotated[str, typer.Argument(help=", ".join(words.LISTABLE))], as_json: AsJson = False) -> None:
    """List what there is: datasets, backbones, strategies, rescalers, quantizers, suites or presets."""
    from bench.cli.listing import show_names

    show_names(what, as_json)


@data_app.command("check")
def data_check(
    name: Annotated[str, typer.Argument(help="A dataset.")], data: DataFolder = None, as_json: AsJson = False
) -> None:
    """Check a dataset's files, checksums and counts. Exit code 1 when something does not hold."""
    from bench.cli.data import show_checks

    show_checks(name, data, as_json)


@data_app.command("describe")
def data_describe(
    name: Annotated[str, typer.Argument(help="A dataset.")], data: DataFolder = None, as_json: AsJson = False
) -> None:
    """Describe a dataset: size, metric, homophily, splits, source."""
    from bench.cli.data import show_description

    show_description(name, data, as_json)


@app.command()
def new(
    kind: Annotated[str, typer.Argument(help="strategy, rescaler, quantizer or backbone.")],
    name: Annotated[str, typer.Argument(help="What methods shall be written with, such as half_nodes.")],
    folder: Annotated[str | None, typer.Option(help="Folder to write; a new one, NAME by default.")] = None,
) -> None:
    """Write an installable package with one small plug-in and its test, to start from."""
    from bench.cli.new import write_package

    write_package(kind, name, folder)


@app.command()
def check(
    what: Annotated[str, typer.Argument(help="A .py file with plug-ins, an installed plug-in's name, or MODULE:ATTR.")],
    as_json: AsJson = False,
) -> None:
    """Check a plug-in of your own by the conformance suite. It is executed: never check a file you do not trust."""
    from bench.cli.check import show_conformance

    show_conformance(what, as_json)


@app.command()
def doctor(db: Store = STORE, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Check everything that a measurement on this machine depends on. Exit code 1 when something does not hold."""
    from bench.cli.doctor import show_checks

    show_checks(db, data, as_json)


@app.command()
def serve(
    db: Store = STORE,
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 8501,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 opens it to the network.")] = "127.0.0.1",
) -> None:
    """Open the dashboard in a browser."""
    from bench.cli.serve import serve_dashboard

    serve_dashboard(db, host, port)


@db_app.command("export")
def db_export(folder: Annotated[Path, typer.Argument(help="Folder to write.")], db: Store = STORE) -> None:
    """Write a snapshot of the store: one Parquet file a table."""
    from bench.cli.database import export_store

    export_store(db, folder)


@db_app.command("import")
def db_import(folder: Annotated[Path, typer.Argument(help="Folder of a snapshot.")], db: Store = STORE) -> None:
    """Add a snapshot's rows to the store. Rows that are there already stay as they are."""
    from bench.cli.database import import_store

    import_store(db, folder)


@db_app.command("upgrade")
def db_upgrade(db: Store = STORE) -> None:
    """Bring a store of an older version to the present one."""
    from bench.cli.database import upgrade_store

    upgrade_store(db)


@app.command()
def nightly(
    suite: Annotated[str, typer.Option(help="The suite to run, by name or as a TOML file.")] = "nightly",
    report: Annotated[Path, typer.Option(help="Folder for report.md and report.json.")] = Path("nightly-report"),
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:1.")] = "cpu",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads a trial; all cores by default.")] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds after which a trial is killed.")] = 3600.0,
    db: Store = STORE,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Run a suite as a new night and hold it to the nights before. Exit code 1 on a confirmed regression."""
    from bench.cli.nightly import run_nightly

    run_nightly(suite, words.How(db, data, device, 1, threads, timeout, False), report, as_json)


@app.command("export-site")
def export_site(folder: Annotated[Path, typer.Argument(help="Folder to write.")], db: Store = STORE) -> None:
    """Write the board as plain HTML pages that need no server."""
    from bench.cli.site import export_pages

    export_pages(db, folder)


@app.command()
def perf(
    name: Annotated[str, typer.Argument(help="Which comparison; 'list' names them.")] = "list",
    rounds: Annotated[int, typer.Option(min=1, help="Interleaved rounds.")] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="A small size, to see that it works.")] = False,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Run one of the project's own speed comparisons: interleaved, as ratios with intervals."""
    from bench.cli.perf import show_comparison

    show_comparison(name, rounds, quick, data, as_json)


def main() -> None:
    """Entry point: one sentence on standard error and an exit code for whatever goes wrong."""
    code = words.guarded(app)
    sys.stderr.flush()
    # DuckDB's binding prints a list of "leaked" objects when the interpreter is torn down; nothing is left to do
    os._exit(code)


if __name__ == "__main__":
    main()
