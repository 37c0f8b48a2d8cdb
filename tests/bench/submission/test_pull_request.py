"""Bundles of a pull request, read from git as bytes: nothing is checked out, no link is followed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import corpus
import pytest

from bench.submission import pull_request
from bench.submission.check import Sources
from bench.submission.pull_request import changed, comment, reports
from db.bundle.report import Finding, Report


def git(repository: Path, *words: str) -> str:
    settings = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", repository, *settings, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def repository(sound: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose branch `theirs` brings a good bundle, a bad one, a link and code."""
    path = tmp_path_factory.mktemp("repository")
    git(path, "init", "-q", "-b", "main")
    (path / "submissions").mkdir()
    (path / "submissions" / "old.zip").write_bytes(b"old")
    git(path, "add", ".")
    git(path, "commit", "-qm", "base")
    git(path, "checkout", "-qb", "theirs")
    folder = path / "submissions"
    (folder / "good.zip").write_bytes(sound.zipped())
    (folder / "bad.zip").write_bytes(corpus.make("html_in_a_name", sound))
    (folder / "link.zip").symlink_to("/etc/passwd")
    (folder / "deep").mkdir()
    (folder / "deep" / "x.zip").write_bytes(b"x")
    (folder / "conftest.py").write_text("raise SystemExit('code of the pull request ran')")
    (path / "setup.py").write_text("raise SystemExit('code of the pull request ran')")
    git(path, "add", ".")
    git(path, "commit", "-qm", "theirs")
    git(path, "checkout", "-q", "main")
    git(path, "commit", "-q", "--allow-empty", "-m", "main went on")
    return path


def test_only_what_the_branch_adds_or_changes_is_looked_at(repository: Path) -> None:
    found = {item.path: item.mode for item in changed(repository, "main", "theirs")}
    assert found == {
        "submissions/bad.zip": "100644",
        "submissions/conftest.py": "100644",
        "submissions/deep/x.zip": "100644",
        "submissions/good.zip": "100644",
        "submissions/link.zip": "120000",
    }


def test_every_bundle_gets_its_report(repository: Path, cache: Path) -> None:
    found = dict(reports(repository, "main", "theirs", Sources(cache_dir=cache)))
    assert {path: report.refused for path, report in found.items()} == {
        "submissions/bad.zip": True,
        "submissions/deep/x.zip": True,
        "submissions/good.zip": False,
        "submissions/link.zip": True,
    }
    assert "a plain file submissions/NAME.zip" in found["submissions/link.zip"].errors[0].sentence
    assert not (repository / "submissions" / "good.zip").exists()
    text = comment(list(found.items()))
    assert "gcn+my_strategy" in text
    assert "<script>" not in text


def test_a_report_is_code_in_markdown_whatever_it_says() -> None:
    sneaky = "a sentence with ``` and **stars** and [a link](http://x) and @everyone"
    text = comment([("submissions/a.zip", Report().with_findings([Finding("error", "x", sneaky)]))])
    body = text.split("\n\n", 1)[1]
    assert all(line.startswith("    ") for line in body.splitlines() if line)
    assert comment([]).startswith("No bundle")


def test_the_module_says_by_its_exit_code_that_something_was_refused(
    repository: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "report.md"
    monkeypatch.chdir(repository)
    monkeypatch.setenv("LEANGNN_CACHE", str(cache))
    monkeypatch.setattr(sys, "argv", ["pull_request", "main", "theirs", str(report)])
    with pytest.raises(SystemExit) as ended:
        pull_request.main()
    assert ended.value.code == 1
    assert "submissions/bad.zip" in report.read_text()
