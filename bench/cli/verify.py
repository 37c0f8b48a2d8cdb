"""`leangnn board --verify`."""

from __future__ import annotations

import typer

from bench.cli import output
from bench.cli.words import FAILED, store_to_show
from bench.errors import BenchError
from bench.verification.verify import verify
from db.read import Reader

_SHOWN = 20


def show_verification(db: str, data: str | None, as_json: bool) -> None:
    """Check everything and print the counts; exit with 1 and the names of rows where something differs.

    Raises:
        BenchError: there is nothing to check, as in a store that was named wrongly.
    """
    db = store_to_show(db)
    report = verify(db, data)
    if not report.checked:
        raise BenchError(f"nothing was checked: '{Reader(db).name}' holds no trial; name another store with --db")
    if as_json:
        counts = {"checked": dict(report.checked), "skipped": dict(report.skipped)}
        output.print_json({**counts, "differences": report.differences})
    else:
        for check, count in report.checked.items():
            print(f"{count:>8,} {check} checked")
        for reason, count in report.skipped.items():
            print(f"{count:>8,} not checked, {reason}")
        for sentence in report.differences[:_SHOWN]:
            print(f"differs: {sentence}")
        if len(report.differences) > _SHOWN:
            print(f"and {len(report.differences) - _SHOWN} more; --json has all")
        print("Everything agrees." if not report.differences else f"{len(report.differences)} figures differ.")
    if report.differences:
        raise typer.Exit(FAILED)
