"""`leangnn serve`: which command it starts. The dashboard itself is tested in tests/app."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(("ends_with", "code"), [(0, 0), (3, 1)])
def test_the_dashboard_runs_on_the_store_and_on_this_machine_only(
    cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ends_with: int, code: int
) -> None:
    started: list[Any] = []

    def instead(command: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        started.append((command, env["LEANGNN_DB"]))
        return subprocess.CompletedProcess(command, ends_with)

    monkeypatch.setattr(subprocess, "run", instead)
    assert cli("serve", "--port", 9000).code == code
    [(command, store)] = started
    assert command[1:4] == ["-P", "-m", "app"]
    assert command[command.index("--server.address") + 1] == "127.0.0.1"
    assert command[command.index("--server.port") + 1] == "9000"
    assert store == str(tmp_path / "store.duckdb")
