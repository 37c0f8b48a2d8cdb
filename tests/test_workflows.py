"""GitHub would take every workflow: each is held to its schema, which check-jsonschema brings along."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.y*ml"))
NOWHERE = "http://127.0.0.1:9"


def check(*paths: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.github-workflows",
        *map(str, paths),
    ]
    # so that a schema that had to be downloaded could not be
    environment = {**os.environ, "http_proxy": NOWHERE, "https_proxy": NOWHERE, "NO_PROXY": ""}
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_every_workflow_keeps_to_the_schema() -> None:
    assert {path.stem for path in WORKFLOWS} >= {"ci", "nightly", "submission-comment", "submissions"}
    done = check(*WORKFLOWS)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("right", "wrong"), [("runs-on:", "run-on:"), ("contents: read", "contents: reed"), ("steps:", "step:")]
)
def test_a_workflow_that_github_would_refuse_is_refused(tmp_path: Path, right: str, wrong: str) -> None:
    text = (FOLDER / "nightly.yml").read_text()
    assert right in text
    planted = tmp_path / "planted.yml"
    planted.write_text(text.replace(right, wrong, 1))
    done = check(planted)
    assert done.returncode == 1 and "planted.yml" in done.stdout, done.stdout + done.stderr
