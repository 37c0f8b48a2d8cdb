"""The commands of each page run, in the order of the page and in one empty folder."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from signal import SIGTERM
from typing import Any

import duckdb
import pytest

from bench.cli import main, words
from bench.datasets import registry
from methods import plugin

START_SECONDS = 60.0
RESULTS = Path(__file__).parents[2] / "results"


class Shell:
    """Runs command lines: `leangnn` in this process, anything else in bash."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._patch, self._capsys = folder, patch, capsys

    def run(self, line: str) -> None:
        """Run a line; it must end well."""
        command = shlex.split(line, comments=True)
        with pytest.MonkeyPatch.context() as patch:
            while "=" in command[0]:
                name, _, value = command.pop(0).partition("=")
                patch.setenv(name, value)
            self._run(command, line)

    def _run(self, command: list[str], line: str) -> None:
        if command[:2] == ["leangnn", "serve"]:
            self._serve(command[1:])
        elif command[0] == "leangnn" and not {"|", "&&", ";"} & set(command):
            self._leangnn(command[1:], line)
        elif command[:2] == ["pip", "install"] and command[-2] == "-e":
            self._install(self.folder / command[-1])
        else:
            environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
            done = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"

    def _leangnn(self, command: list[str], line: str) -> None:
        command, target = (command[:-2], command[-1]) if command[-2:-1] == [">"] else (command, None)
        self._patch.setattr(sys, "argv", ["leangnn", *command])
        self._capsys.readouterr()
        code = words.guarded(main.app)
        said = self._capsys.readouterr()
        assert code == 0, f"{line}\n{said.out}{said.err}"
        if target is not None:
            (self.folder / target).write_text(said.out)

    def _install(self, package: Path) -> None:
        """What an editable installation leaves: the folder on the path, and the entry points."""
        project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
        info = package / f"{project['name']}-{project['version']}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
        groups = [
            "\n".join([f"[{group}]", *(f"{name} = {target}" for name, target in entries.items())])
            for group, entries in project["entry-points"].items()
        ]
        (info / "entry_points.txt").write_text("\n".join(groups))
        self._patch.syspath_prepend(package)
        self._patch.setenv("PYTHONPATH", str(package))
        plugin._discover.cache_clear()

    def _serve(self, command: list[str]) -> None:
        """Start the dashboard, wait until it answers, and end it."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        base = os.environ.get("STREAMLIT_SERVER_BASE_URL_PATH", "")
        address = "/".join(filter(None, (f"http://127.0.0.1:{port}", base, "_stcore/health")))
        server = subprocess.Popen(
            [sys.executable, "-m", "bench.cli.main", *command, "--port", str(port)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        assert server.stdout is not None
        try:
            assert _answers(address, lambda: server.poll() is None), server.stdout.read()
        finally:
            os.killpg(server.pid, SIGTERM)
            server.communicate(timeout=START_SECONDS)


def _answers(address: str, is_alive: Callable[[], bool]) -> bool:
    end = time.monotonic() + START_SECONDS
    while is_alive() and time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    return False


@pytest.fixture(scope="module")
def cache(new_cache: Callable[[], Path]) -> Path:
    """Prepared datasets, shared by the pages."""
    return new_cache()


@pytest.fixture
def shell(
    trials_here: None, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Shell]:
    """A shell in an empty folder, whose `leangnn` knows no published data and forgets its plug-ins afterwards."""
    modules = set(sys.modules)
    folder, data = tmp_path / "page", tmp_path / "data"
    for each in (folder, data):
        each.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LEANGNN_DATA", str(data))
    monkeypatch.setenv("LEANGNN_CACHE", str(cache))
    monkeypatch.delenv("LEANGNN_DB", raising=False)
    # the checkout may be edited while the tests run, which would make every trial a new one
    monkeypatch.setattr("bench.meters.hardware.code_version", lambda: "under test")
    plugin.names("strategy")  # discover first, so that only what the page adds is new
    monkeypatch.setattr(plugin, "_registry", dict(plugin._registry))
    registry.names()
    monkeypatch.setattr(registry, "_DATASETS", dict(registry._DATASETS))
    yield Shell(folder, monkeypatch, capsys)
    plugin._discover.cache_clear()
    for added in set(sys.modules) - modules:
        if str(getattr(sys.modules[added], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[added]


def test_a_page_runs(run_page: Sequence[Any], shell: Shell) -> None:
    if any("--db results" in block.content for block in run_page if block.is_run):
        (shell.folder / "results").symlink_to(RESULTS)  # its commands are typed in the checkout
    for block in run_page:
        if block.file is not None:
            path = shell.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.content)
        elif block.is_run and block.language == "bash":
            for line in block.lines:
                shell.run(line)
        elif block.is_run and block.language == "python":
            exec(compile(block.content, str(block), "exec"), {"__name__": "__main__"})
        elif block.is_run:
            assert duckdb.sql(block.content).fetchall(), f"{block} finds nothing"


def test_a_command_that_fails_is_noticed(shell: Shell) -> None:
    for line in ("leangnn run no_such_suite", "leangnn board | grep 'no such row'", "cat no-such-file"):
        with pytest.raises(AssertionError):
            shell.run(line)
