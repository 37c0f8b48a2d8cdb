"""One issue a regression, on a `gh` that writes down what it is asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.nightly.issues import main

GH = """#!{python}
import json, sys
from pathlib import Path
log = Path({log!r})
text = sys.stdin.read() if "--body-file" in sys.argv else ""
log.write_text(log.read_text() + json.dumps([sys.argv[1:], text]) + "\\n")
if sys.argv[1:3] == ["issue", "list"]:
    print(Path({open!r}).read_text())
elif {refuses!r}:
    sys.exit("HTTP 403: not allowed")
"""
ISSUE = {"title": "Regression: scored time of gcn on cora [abc123]", "body": "It is slower.\n"}


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Install a `gh`; returns what it was asked."""

    def install(open_issues: list[dict], refuses: bool = False):
        log, listing = tmp_path / "log", tmp_path / "open.json"
        log.write_text("")
        listing.write_text(json.dumps(open_issues))
        script = tmp_path / "bin" / "gh"
        script.parent.mkdir()
        script.write_text(GH.format(python=sys.executable, log=str(log), open=str(listing), refuses=refuses))
        script.chmod(0o755)
        monkeypatch.setenv("PATH", str(script.parent))
        return lambda: [json.loads(line) for line in log.read_text().splitlines()]

    return install


@pytest.fixture
def report(tmp_path: Path) -> str:
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"findings": [{"key": "abc123", "issue": ISSUE}, {"key": "other", "issue": None}]}))
    return str(path)


def test_a_new_regression_opens_an_issue(gh, report) -> None:
    asked = gh([{"number": 3, "title": "Regression: of something else [ffffff]"}])
    assert main(report) == 0
    listed, label, created = asked()
    assert listed[0][:4] == ["issue", "list", "--state", "open"]
    assert label[0][:3] == ["label", "create", "regression"]
    assert created == [
        ["issue", "create", "--title", ISSUE["title"], "--label", "regression", "--body-file", "-"], ISSUE["body"],
    ]  # fmt: skip


def test_a_known_regression_gets_a_comment(gh, report) -> None:
    asked = gh([{"number": 7, "title": "Regression: retitled by a person [abc123]"}])
    assert main(report) == 0
    assert asked()[1:] == [[["issue", "comment", "7", "--body-file", "-"], ISSUE["body"]]]


def test_a_refusal_is_one_sentence(gh, report, capsys) -> None:
    gh([], refuses=True)
    assert main(report) == 1
    assert capsys.readouterr().err == "gh refused: HTTP 403: not allowed\n"


def test_without_gh_it_says_so(report, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(report) == 1
    assert "gh is not installed" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, "not json", "[]", '{"findings": [{}]}'])
def test_what_is_no_report_is_refused(tmp_path, capsys, content) -> None:
    path = tmp_path / "report.json"
    if content is not None:
        path.write_text(content)
    assert main(str(path)) == 1
    assert "leangnn nightly --report FOLDER" in capsys.readouterr().err


def test_it_needs_nothing_installed() -> None:
    root = Path(__file__).parents[3]
    code = "import sys; sys.path.insert(0, '.'); import bench.nightly.issues"
    # -S leaves site-packages out
    assert subprocess.run([sys.executable, "-S", "-c", code], cwd=root).returncode == 0
