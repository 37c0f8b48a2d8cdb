"""`leangnn perf`."""

from __future__ import annotations

from bench.cli import output
from bench.errors import UsageError
from methods.spec import nearest


def show_comparison(name: str, rounds: int, quick: bool, data: str | None, as_json: bool) -> None:
    """Run one comparison and print its report, or list them all."""
    from bench import perf

    if name == "list":
        for known in perf.names():
            print(f"{known:<14} {perf.load(known).TITLE}")
        return
    if name not in perf.names():
        raise UsageError(f"no comparison is called '{name}'; {nearest(name, perf.names())}")
    report = perf.load(name).run(perf.Options(rounds=rounds, quick=quick, data_dir=data))
    if as_json:
        output.print_json(report.as_json())
    else:
        report.print()
