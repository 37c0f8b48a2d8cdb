"""`leangnn submit`: bundles, their review and the trust ladder."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from bench.cli import output, words
from bench.errors import BenchError, UsageError
from db.records import Trust, TrustEvent

app = typer.Typer(help="Submit results, check them, review them.")

Store = Annotated[str, typer.Option("--db", envvar="LEANGNN_DB", help="Store: a DuckDB file or any SQLAlchemy URL.")]
DataFolder = Annotated[
    str | None, typer.Option("--data", envvar="LEANGNN_DATA", help="Folder of downloaded datasets; never written to.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON with stable keys.")]
Bundle = Annotated[Path, typer.Argument(help="The bundle.")]
Word = Annotated[str, typer.Argument(help="First characters of a submission's identifier, or a method measured here.")]
Why = Annotated[str, typer.Option(help="The reason; it is kept and shown.")]
Who = Annotated[str | None, typer.Option(envvar="LEANGNN_REVIEWER", help="Who takes the step; by default your login.")]
STORE = words.STORE


@app.command()
def pack(
    method: Annotated[str | None, typer.Argument(help="A method of your store, such as 'gcn+sgc'.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path("submission.zip"),
    folder: Annotated[Path | None, typer.Option("--from-folder", help="Pack a folder that you wrote by hand.")] = None,
    submitter: Annotated[str | None, typer.Option(help="Who answers questions; public.")] = None,
    authors: Annotated[str | None, typer.Option(help="Who made the method.")] = None,
    paper: Annotated[str | None, typer.Option(help="Title, venue and year.")] = None,
    code_url: Annotated[str | None, typer.Option(help="https://...")] = None,
    licence: Annotated[str | None, typer.Option(help="Of the code.")] = None,
    derived_from: Annotated[str | None, typer.Option(help="The method on the board that it builds on.")] = None,
    description: Annotated[str | None, typer.Option(help="One or two sentences.")] = None,
    dataset: Annotated[list[str] | None, typer.Option(help="Only these datasets; repeatable.")] = None,
    machine: Annotated[str | None, typer.Option(help="First characters of a machine's identifier.")] = None,
    db: Store = STORE,
    data: DataFolder = None,
) -> None:
    """Make one file of your results, from your store or from a folder."""
    from bench.submission.check import Sources
    from bench.submission.pack import pack as pack_store
    from db.bundle import write

    if folder is not None:
        content = write.from_folder(folder)
    elif method is None or submitter is None or authors is None:
        raise UsageError("say what to pack: METHOD with --submitter and --authors, or --from-folder FOLDER")
    else:
        card = {"authors": authors, "paper": paper, "code_url": code_url, "licence": licence,
                "derived_from": derived_from, "description": description}  # fmt: skip
        given = {name: value for name, value in card.items() if value is not None}
        content = pack_store(
            method, Sources(db, data), submitter=submitter, card=given, datasets=dataset or (), machine=machine
        )
    write.save(content, out)
    print(f"{out}: {len(content):,} bytes; check it with: leangnn submit check {out}")


@app.command()
def nodes(
    dataset: Annotated[str, typer.Argument(help="A dataset, such as 'cora(split=full)'.")],
    split: Annotated[int, typer.Option(min=0, help="Which of its splits.")] = 0,
    data: DataFolder = None,
) -> None:
    """Print a split as CSV, one node and its part a line, for those who run a method elsewhere."""
    from bench.datasets import registry

    splits = registry.load(dataset, data).splits
    if split >= len(splits):
        raise UsageError(f"{dataset} has splits 0 to {len(splits) - 1}; there is no split {split}")
    rows = [f"{node},{part}" for part in ("train", "valid", "test") for node in getattr(splits[split], part).tolist()]
    print("\n".join(["node,part", *rows]))


@app.command()
def check(file: Bundle, db: Store = STORE, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Recompute every metric of a bundle and look for what does not fit. Exit code 1 when it is refused."""
    from bench.submission.check import Sources
    from bench.submission.check import check as check_bundle
    from bench.submission.words import lines

    report = check_bundle(file, Sources(db, data)).report
    if as_json:
        output.print_json(report.as_json())
    else:
        print("\n".join(lines(report)))
    if report.refused:
        raise typer.Exit(words.FAILED)


@app.command()
def add(
    files: Annotated[list[Path], typer.Argument(help="Bundles.")],
    who: Who = None,
    why: Why = "added for review",
    db: Store = STORE,
    data: DataFolder = None,
) -> None:
    """Check bundles and store those that pass, as self-reported. One that is there already is left as it is."""
    from bench.submission.check import Sources
    from bench.submission.check import check as check_bundle
    from db import trust
    from db.store import Store as Writer
    from db.submitted import submitted

    known = {item.record.submission_id for item in submitted(db)}
    refused = []
    for file in files:
        if _identifier(file) in known:
            print(f"{file}: is in the store already")
            continue
        checked = check_bundle(file, Sources(db, data))
        if checked.addition is None:
            refused.append(f"{file}: {checked.report.errors[0].sentence}")
            continue
        events = trust.add(Writer(db), checked.addition, checked.report.as_json(), _who(who), why)
        print(f"{file}: {_said(events[-1])}")
    if refused:
        more = f" (and {len(refused) - 1} more files)" if len(refused) > 1 else ""
        raise BenchError(f"refused: {refused[0]}{more}; see: leangnn submit check FILE")


@app.command(name="list")
def list_submissions(db: Store = STORE, as_json: AsJson = False) -> None:
    """List submissions with their newest step."""
    from dataclasses import asdict

    from db.submitted import submitted

    every = submitted(db)
    if as_json:
        output.print_json([{**asdict(item.record), "events": [asdict(step) for step in item.events]} for item in every])
        return
    if not every:
        print(f"Nothing is submitted yet ({db}).")
        return
    columns = ("submission", "method", "submitter", "state", "since", "by", "why")
    output.print_table(columns, [
        (item.record.submission_id[:12], item.record.method, item.record.submitter, item.newest.state.value,
         f"{item.newest.at:%Y-%m-%d %H:%M}", item.newest.who, item.newest.why)
        for item in every
    ])  # fmt: skip


@app.command()
def approve(submission: Word, why: Why, who: Who = None, db: Store = STORE) -> None:
    """Believe a submission's metrics: they were recomputed and somebody has read the report."""
    _step(db, submission, Trust.CHECKED, who, why)


@app.command()
def reject(submission: Word, why: Why, who: Who = None, db: Store = STORE) -> None:
    """Take a submission that was never approved off the board; its trials are deleted, the record of it stays."""
    _step(db, submission, Trust.REJECTED, who, why)


@app.command()
def dispute(submission: Word, why: Why, who: Who = None, db: Store = STORE) -> None:
    """Mark a submission, or a method measured here, as in doubt."""
    _step(db, submission, Trust.DISPUTED, who, why)


@app.command()
def retract(submission: Word, why: Why, who: Who = None, db: Store = STORE) -> None:
    """Withdraw a submission for good; everything whose method is derived from its method is disputed."""
    _step(db, submission, Trust.RETRACTED, who, why)


@app.command()
def reproduce(
    submission: Word,
    seeds: Annotated[int | None, typer.Option(min=1, help="Fresh seeds a split; ten trials by default.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:1.")] = "cpu",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads a trial; all cores by default.")] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds after which a trial is killed.")] = 3600.0,
    who: Who = None,
    db: Store = STORE,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Run a submitted method of LeanGNN again with fresh seeds and store the verdict."""
    import sys

    from bench.cli.progress import LiveListener, PlainListener
    from bench.runner import Options
    from bench.submission.reproduce import reproduce as run_again

    command = f"leangnn submit reproduce {submission}"
    options = Options(db, data, device=device, threads=threads, timeout=timeout, command=command)
    with LiveListener() if sys.stderr.isatty() else PlainListener() as listener:
        event, verdicts = run_again(submission, options, listener, _who(who), seeds)
    if as_json:
        output.print_json({"state": event.state.value, "verdicts": [verdict.as_json() for verdict in verdicts]})
        return
    for verdict in verdicts:
        print(verdict.sentence)
    print(_said(event))


def _step(db: str, word: str, state: Trust, who: str | None, why: str) -> None:
    from db import trust
    from db.store import Store as Writer

    for event in trust.move(Writer(db), word, state, _who(who), why):
        print(_said(event))


def _who(given: str | None) -> str:
    return given or getpass.getuser()


def _said(event: TrustEvent) -> str:
    subject = "measured here" if event.submission_id is None else event.submission_id[:12]
    return f"{subject}  {event.method}  {event.state.value}  ({event.why})"


def _identifier(file: Path) -> str | None:
    import hashlib

    if not file.is_file():
        return None
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
