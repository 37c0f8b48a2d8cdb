"""`leangnn check`."""

from __future__ import annotations

import sys
from dataclasses import asdict

import typer

from bench.cli import output
from bench.cli.words import FAILED


def show_conformance(what: str, as_json: bool) -> None:
    """Print the checks of the plug-ins behind some words; exit with 1 when one of them failed."""
    from bench.conformance.suite import conformance
    from bench.conformance.target import targets

    found = []
    for target in targets(what):
        print(f"Checking the {target.kind} {target.spec}; this takes up to a minute.", file=sys.stderr)
        found.append(conformance(target))
    if as_json:
        output.print_json([asdict(each) for each in found])
    else:
        for each in found:
            rows = [[check.name, check.status, check.sentence] for check in each.checks]
            output.print_table([f"{each.kind} {each.name}", "", "what was found, or what to do"], rows)
            print(f"{len(each.failures)} of {len(each.checks)} checks failed, in {output.seconds(each.seconds)}.")
    if any(each.failures for each in found):
        raise typer.Exit(FAILED)
