"""The workflows that check strangers' bundles: what they may do, and that nothing of a pull request is run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

WORKFLOWS = Path(__file__).parents[1] / ".github" / "workflows"
BOTH = ("submissions.yml", "submission-comment.yml")


def load(name: str) -> dict[Any, Any]:
    return yaml.safe_load((WORKFLOWS / name).read_text())


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("name", BOTH)
def test_no_secret_is_named_and_no_event_text_becomes_shell(name: str) -> None:
    text, workflow = (WORKFLOWS / name).read_text(), load(name)
    assert not re.search(r"secrets\s*[.\[]\s*\w", text)
    assert "pull_request_target" not in text
    for step in steps(workflow):
        # what strangers choose (branch names, titles) reaches a shell through variables only
        assert "${{" not in step.get("run", "")
        assert re.fullmatch(r"actions/[a-z-]+@v\d+", step.get("uses", "actions/none@v1"))


def test_the_check_can_only_read_and_runs_the_base_branch() -> None:
    workflow = load("submissions.yml")
    # YAML 1.1 reads the key `on` as true
    assert workflow[True]["pull_request"] == {"paths": ["submissions/**"]}
    assert workflow["permissions"] == {"contents": "read"}
    check = workflow["jobs"]["check"]
    assert "permissions" not in check
    assert check["if"] == "github.event_name == 'pull_request'"
    checkouts = [step for step in check["steps"] if step.get("uses", "").startswith("actions/checkout")]
    assert [step["with"] for step in checkouts] == [
        {"ref": "${{ github.event.pull_request.base.sha }}", "fetch-depth": 0, "persist-credentials": False}
    ]
    shell = "\n".join(step.get("run", "") for step in check["steps"])
    assert not re.search(r"git (checkout|switch|merge|reset|restore|pull|worktree|archive)", shell)
    assert '.venv/bin/python -m bench.submission.pull_request "$BASE" "$HEAD"' in shell


def test_merged_bundles_are_added_on_the_main_branch() -> None:
    workflow = load("submissions.yml")
    assert workflow[True]["push"] == {"branches": ["main"], "paths": ["submissions/**"]}
    add = workflow["jobs"]["add"]
    assert add["if"] == "github.event_name == 'push'"
    assert any("leangnn submit add" in step.get("run", "") for step in add["steps"])


def test_the_comment_has_least_permissions_and_runs_nothing_of_ours() -> None:
    workflow = load("submission-comment.yml")
    assert workflow[True] == {"workflow_run": {"workflows": ["submissions"], "types": ["completed"]}}
    assert load("submissions.yml")["name"] == "submissions"
    assert workflow["permissions"] == {}
    assert workflow["jobs"]["comment"]["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert all("uses" not in step for step in steps(workflow))
    shell = "\n".join(step["run"] for step in steps(workflow))
    assert not re.search(r"python|leangnn|make |bash |sh |eval|source ", shell)


def test_a_report_is_commented_only_when_nothing_but_bundles_changed() -> None:
    [find, comment] = load("submission-comment.yml")["jobs"]["comment"]["steps"]
    assert comment["if"] == "steps.find.outputs.others == '0'"
    pattern = re.search(r"grep -cvE '([^']+)'", find["run"])[1]
    for path, is_bundle in [
        ("submissions/mine.zip", True),
        ("submissions/../.github/workflows/submissions.zip", False),
        (".github/workflows/submissions.yml", False),
        ("submissions/mine.zip/../x", False),
        ("submissions/run.py", False),
    ]:
        assert bool(re.fullmatch(pattern, path)) is is_bundle
