"""What the command line says and understands: wanted trials, exit codes, errors in one sentence."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from bench.errors import BenchError, UsageError
from db.errors import StoreError
from methods.errors import MethodError, SpecError

LISTABLE = ("datasets", "backbones", "strategies", "rescalers", "quantizers", "suites", "presets")
STORE = "leangnn.duckdb"
"""Where results go unless the user names another store."""
RESULTS = "results"
"""The snapshot that comes with a checkout."""
FAILED, WRONG_WORDS, INTERRUPTED = 1, 2, 130

# newer versions of typer carry a click of their own, older ones use the installed one; this is the one in use
_WrongWords: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


@dataclass(frozen=True)
class Wanted:
    """What the user wants to run: a suite, or datasets and methods; settings given on the command line win."""

    suite: str | None
    datasets: Sequence[str]
    methods: Sequence[str]
    preset: str | None
    splits: str | None
    seeds: str | None
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class How:
    """How to run it; see `bench.runner.Options`, and of `executor` see `bench.executors.choice.Choice`."""

    db: str
    data: str | None
    device: str
    jobs: int
    threads: int | None
    timeout: float
    retry_failed: bool
    minutes: float | None = None
    executor: dict[str, Any] = field(default_factory=dict)


def store_to_show(db: str) -> str:
    """The store that was asked for; where nobody asked and nothing is measured yet, the results of the checkout."""
    from db.parquet import is_snapshot

    if db != STORE or Path(db).exists() or not is_snapshot(RESULTS):
        return db
    print(f"there is no {db} yet, so this shows the results that come with it, in {RESULTS}/", file=sys.stderr)
    return RESULTS


def guarded(app: typer.Typer) -> int:
    """Run the application; print one sentence for an error and return the exit code."""
    try:
        result = app(sys.argv[1:] or ["--help"], prog_name="leangnn", standalone_mode=False)
        sys.stdout.flush()  # here, where a reader that is gone is noticed
    except _WrongWords as error:
        return _say(_with_a_way_on(error), WRONG_WORDS)
    except (UsageError, SpecError) as error:
        return _say(str(error), WRONG_WORDS)
    except (BenchError, MethodError, StoreError) as error:
        return _say(str(error), FAILED)
    except (KeyboardInterrupt, typer.Abort):
        return _say("stopped; what had finished is stored", INTERRUPTED)
    except (BrokenPipeError, SystemExit):  # `leangnn board | head`, which typer and rich make an exit of
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return result if isinstance(result, int) else 0


def _with_a_way_on(error: Any) -> str:
    """The parser's sentence; where it suggests nothing, the command that shows what is possible."""
    sentence = error.format_message().rstrip(".")
    if error.ctx is None or sentence.endswith(("?", ")")):
        return sentence
    return f"{sentence}; see: {error.ctx.command_path} --help"


def _say(sentence: str, code: int) -> int:
    print(f"leangnn: {' '.join(sentence.split())}", file=sys.stderr)
    return code
