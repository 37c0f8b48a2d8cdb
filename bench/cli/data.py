"""`leangnn data check` and `leangnn data describe`."""

from __future__ import annotations

import typer

from bench.cli import output
from bench.cli.words import FAILED
from bench.datasets import registry


def show_checks(name: str, data: str | None, as_json: bool) -> None:
    """Print what was checked of a dataset; exit with 1 when something does not hold."""
    checks = registry.check(name, data)
    if as_json:
        output.print_json([check._asdict() for check in checks])
    else:
        for check in checks:
            print(f"{'ok   ' if check.ok else 'WRONG'}  {check.what}: {check.detail}")
    if not all(check.ok for check in checks):
        raise typer.Exit(FAILED)


def show_description(name: str, data: str | None, as_json: bool) -> None:
    """Print what is known of a dataset."""
    description = registry.describe(name, data)
    if as_json:
        output.print_json(description)
        return
    for key, value in description.items():
        if value not in (None, "", [], {}):
            print(f"{key.replace('_', ' '):<20} {value}")
