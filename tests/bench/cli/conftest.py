"""The command line inside this process: words in, exit code and both outputs back."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from bench import runner
from bench.cli import main, words


@dataclass
class Said:
    """What a command answered."""

    code: int
    out: str
    error: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Says(Protocol):
    def __call__(self, *arguments: object) -> Said: ...


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], cache: Path, harness: Any, tmp_path: Path
) -> Says:
    """Run `leangnn` with words, on a store of the test's own and an empty data folder unless it names others."""
    monkeypatch.setenv("LEANGNN_CACHE", str(cache))
    monkeypatch.setenv("LEANGNN_DATA", str(harness.data))
    monkeypatch.setenv("LEANGNN_DB", str(tmp_path / "store.duckdb"))
    monkeypatch.setenv("PYTHONPATH", str(harness.plugins))
    # measured for real where a run is a process of its own
    monkeypatch.setattr(runner, "calibrate", lambda options: None)

    def say(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["leangnn", *map(str, arguments)])
        capsys.readouterr()
        code = words.guarded(main.app)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return say


@pytest.fixture
def sentence(cli: Says) -> Any:
    """Run a command that fails; check that it says one sentence on standard error, and return that."""

    def say(code: int, *arguments: object) -> str:
        said = cli(*arguments)
        assert said.error.startswith("leangnn: "), said
        assert said.error.count("\n") == 1, said.error
        assert "Traceback" not in said.error
        assert (said.code, said.out) == (code, "")
        return said.error.removeprefix("leangnn: ").strip()

    return say
