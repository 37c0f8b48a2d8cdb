"""`leangnn nightly`."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from bench.cli import output
from bench.cli.progress import LiveListener, PlainListener
from bench.cli.run import command_line
from bench.cli.words import FAILED, INTERRUPTED, How
from bench.nightly.night import run_night
from bench.nightly.report import make_folder, markdown, write
from bench.runner import Options


def run_nightly(suite: str, how: How, folder: Path, as_json: bool) -> None:
    """Run a night and write its report; exit with 1 on a confirmed regression."""
    options = Options(
        store=how.db,
        data_dir=how.data,
        device=how.device,
        threads=how.threads,
        timeout=how.timeout,
        suite=suite,
        command=command_line(how.db),
    )
    make_folder(folder)
    try:
        with LiveListener() if sys.stderr.isatty() else PlainListener() as listener:
            night = run_night(options, listener)
    except KeyboardInterrupt:
        print("leangnn: stopped; what had finished is stored, and this night is a part of one", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    found = write(night, folder)
    if as_json:
        output.print_json(found)
    else:
        print(markdown(found))
    if found["regressions"]:
        raise typer.Exit(FAILED)
