"""`leangnn serve`."""

from __future__ import annotations

import subprocess

import typer

from bench import dashboard
from bench.cli.words import store_to_show


def serve_dashboard(db: str, host: str, port: int) -> None:
    """Run the dashboard until it is stopped."""
    shown = store_to_show(db)
    command = [*dashboard.command(port), "--server.address", host, "--browser.gatherUsageStats", "false"]
    try:
        code = subprocess.run(command, env=dashboard.environment(shown)).returncode
    except KeyboardInterrupt:
        return
    if code:
        raise typer.Exit(1)
