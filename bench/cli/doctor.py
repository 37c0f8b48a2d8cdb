"""`leangnn doctor`."""

from __future__ import annotations

from dataclasses import asdict

import typer

from bench import doctor
from bench.cli import output
from bench.cli.words import FAILED


def show_checks(db: str, data: str | None, as_json: bool) -> None:
    """Print what was looked at; exit with 1 when something does not hold."""
    checks = doctor.checks(data_dir=data, store=db)
    if as_json:
        output.print_json([asdict(check) for check in checks])
    else:
        for check in checks:
            print(f"{'ok  ' if check.ok else 'look'}  {check.name:<14} {check.detail}")
            if check.advice:
                print(f"{'':<20} -> {check.advice}")
    if not all(check.ok for check in checks):
        raise typer.Exit(FAILED)
