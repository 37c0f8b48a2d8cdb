"""`leangnn board --verify`."""

from __future__ import annotations

import typer

from bench.cli import output
from bench.cli.words import FAILED
from bench.verification.verify import verify

_SHOWN = 20


def show_verification(db: str, data: str | None, as_json: bool) -> None:
    """Check everything and print the counts; exit with 1 and the names of rows where something differs."""
    report = verify(db, data)
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
