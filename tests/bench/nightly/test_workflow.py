"""The workflow of the nightly: it asks for little, runs nothing that could change, and calls what a person can type."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from asv.commands import make_argparser

from bench import suite
from bench.cli import main

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / ".github/workflows/nightly.yml").read_text()
WORKFLOW: dict[Any, Any] = yaml.safe_load(TEXT)
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]
STEPS = [(job, step) for job, body in JOBS.items() for step in body["steps"]]
COMMANDS = sorted({line for _, step in STEPS for line in step.get("run", "").splitlines()})


def test_it_runs_on_a_schedule_and_on_demand_one_at_a_time() -> None:
    # YAML 1.1 reads the word `on` as true
    triggers = WORKFLOW[True]
    assert set(triggers) == {"schedule", "workflow_dispatch"}
    [schedule] = triggers["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* \*", schedule["cron"])
    # a night that is under way is worth more than one that begins
    assert WORKFLOW["concurrency"] == {"group": "nightly", "cancel-in-progress": False}


def test_each_job_may_do_only_what_it_does() -> None:
    assert WORKFLOW["permissions"] == {}
    assert {name: job["permissions"] for name, job in JOBS.items()} == {
        "cpu": {"contents": "read", "actions": "read"},
        "gpu": {"contents": "read", "actions": "read"},
        "issues": {"contents": "read", "issues": "write"},
        "publish": {"contents": "read", "pages": "write", "id-token": "write"},
    }
    checkouts = [step for _, step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert len(checkouts) == len(JOBS)
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_every_action_is_pinned_to_a_commit_and_names_its_version() -> None:
    used = re.findall(r"uses: (\S+)(.*)", TEXT)
    assert len(used) == sum("uses" in step for _, step in STEPS)
    for action, comment in used:
        assert re.fullmatch(r"actions/[\w/-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action
    # one version of one action
    pins = {re.sub(r"(/\w+)?@", "@", action.removeprefix("actions/")) for action, _ in used}
    assert len({pin.partition("@")[0] for pin in pins}) == len(pins)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_is_one_that_a_person_can_type(line: str) -> None:
    words = shlex.split(line)
    if words[0] == ".venv/bin/leangnn":
        command: Any = typer.main.get_command(main.app)
        rest = words[1:]
        while hasattr(command, "commands"):
            command = command.commands[rest.pop(0)]
        command.make_context(command.name, rest)  # raises for an option that does not exist
    elif words[0] == ".venv/bin/asv":
        parser, _ = make_argparser()
        parser.parse_args(words[1:])
    elif words[0] == "make":
        assert subprocess.run(["make", "-n", *words[1:]], cwd=ROOT, capture_output=True).returncode == 0
    elif words[:2] == ["python3", "-m"]:
        assert importlib.util.find_spec(words[2]) is not None
    else:
        assert words[0] == "cat"


def test_the_suite_that_it_runs_is_shipped() -> None:
    named = {words[words.index("--suite") + 1] for words in map(str.split, COMMANDS) if "--suite" in words}
    assert named == {"nightly"} <= set(suite.names())


def test_no_text_from_outside_reaches_a_shell() -> None:
    assert all("${{" not in step.get("run", "") for _, step in STEPS)


def test_the_gpu_job_runs_only_where_the_repository_says_that_there_is_a_runner() -> None:
    assert JOBS["gpu"]["if"] == "vars.LEANGNN_GPU_RUNNER == 'true'"
    assert JOBS["gpu"]["runs-on"] == ["self-hosted", "gpu"]
    assert "--device cuda" in "\n".join(step.get("run", "") for step in JOBS["gpu"]["steps"])
    # and the jobs that need it go on without it
    assert all("!cancelled()" in JOBS[name]["if"] for name in ("issues", "publish"))


def test_only_the_main_branch_publishes_and_opens_issues() -> None:
    assert all("github.ref == 'refs/heads/main'" in JOBS[name]["if"] for name in ("issues", "publish"))


def test_what_is_downloaded_was_uploaded() -> None:
    uploaded = {step["with"]["name"] for _, step in STEPS if "upload-artifact@" in step.get("uses", "")}
    assert uploaded == {"store-cpu", "store-gpu", "report-cpu", "report-gpu", "asv-results"}
    for _, step in STEPS:
        if "download-artifact@" in step.get("uses", ""):
            wanted = step["with"].get("name") or step["with"]["pattern"]
            assert any(fnmatch(name, wanted) for name in uploaded), wanted


@pytest.mark.parametrize("job", ["cpu", "gpu"])
def test_the_store_of_a_night_is_kept_also_when_it_found_a_regression(job: str) -> None:
    steps = JOBS[job]["steps"]
    restored, saved = (
        next(step for step in steps if f"cache/{what}@" in step.get("uses", "")) for what in ("restore", "save")
    )
    assert restored["with"]["path"] == saved["with"]["path"]
    assert restored["with"]["key"] == saved["with"]["key"]
    assert saved["with"]["key"].startswith(restored["with"]["restore-keys"])
    nightly = next(index for index, step in enumerate(steps) if "leangnn nightly" in step.get("run", ""))
    assert all("!cancelled()" in step["if"] for step in steps[nightly + 1 :])
    assert [f"leangnn db export store-{job}" in step.get("run", "") for step in steps[nightly + 1 :]].count(True) == 1
    # an older schema is brought up to date before it is read
    imports = next(step["run"] for step in steps if "db import" in step.get("run", ""))
    assert imports.index(f"db upgrade --db store-{job}") < imports.index("db import")
