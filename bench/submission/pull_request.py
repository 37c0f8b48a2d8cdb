"""Checking the bundles of a pull request: `python -m bench.submission.pull_request BASE HEAD REPORT`.

Bundles are read from git's objects as bytes. Nothing of the pull request is checked out, imported or run, and a link is
not followed, because a blob that is a link is not a file.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.submission import words
from bench.submission.check import Sources, check
from db.bundle.limits import LIMITS
from db.bundle.report import Finding, Report

FOLDER = "submissions"
MOST = 20
"""Bundles that one pull request may bring."""
_BUNDLE = re.compile(rf"{FOLDER}/[A-Za-z0-9][A-Za-z0-9._-]{{0,99}}\.zip")
_REGULAR_FILE = "100644"


class Changed(NamedTuple):
    """One file that a pull request adds or changes."""

    path: str
    mode: str
    blob: str


def changed(repository: Path, base: str, head: str) -> list[Changed]:
    """The files under submissions/ that `head` adds or changes since it left `base`."""
    raw = _git(repository, "diff", "--raw", "-z", "--no-renames", "--no-abbrev", "--diff-filter=AM", f"{base}...{head}",
               "--", f"{FOLDER}/")  # fmt: skip
    fields = raw.decode(errors="surrogateescape").split("\0")[:-1]
    return [
        Changed(path, about.split(" ")[1], about.split(" ")[3])
        for about, path in zip(fields[::2], fields[1::2], strict=True)
    ]


def reports(repository: Path, base: str, head: str, sources: Sources) -> Iterator[tuple[str, Report]]:
    """The report on every bundle, by path."""
    bundles = [item for item in changed(repository, base, head) if item.path.endswith(".zip")]
    for item in bundles[:MOST]:
        yield _shown(item.path), _report(repository, item, sources)
    if len(bundles) > MOST:
        sentence = f"the pull request brings {len(bundles)} bundles; at most {MOST} are checked at a time"
        yield "the rest", Report().with_findings([Finding("error", "number", sentence)])


def _report(repository: Path, item: Changed, sources: Sources) -> Report:
    if not _BUNDLE.fullmatch(item.path) or item.mode != _REGULAR_FILE:
        sentence = f"a bundle is a plain file {FOLDER}/NAME.zip, with a name of letters, digits, dots and dashes"
        return Report().with_findings([Finding("error", "path", sentence)])
    if (size := int(_git(repository, "cat-file", "-s", item.blob))) > LIMITS.file:
        sentence = f"the file has {size / 2**20:,.1f} MiB; a bundle may have {LIMITS.file / 2**20:.0f} MiB"
        return Report().with_findings([Finding("error", "bundle", sentence)])
    return check(_git(repository, "cat-file", "blob", item.blob), sources).report


def comment(found: list[tuple[str, Report]]) -> str:
    """Markdown in which every line of a report is indented code, so that nothing in it is taken for markup."""
    if not found:
        return "No bundle was added or changed under `submissions/`.\n"
    parts = ["Bundles in this pull request, checked with the labels and the code of the base branch.\n"]
    for path, report in found:
        parts += ["\n".join(f"    {line}" for line in [path, *words.lines(report)]), ""]
    return "\n".join(parts)


def _shown(path: str) -> str:
    return "".join(c if c.isprintable() and c.isascii() else "?" for c in path)[:120]


def _git(repository: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", repository, *arguments], check=True, capture_output=True).stdout


def main() -> None:
    """Write the report; the exit code is 1 when a bundle is refused."""
    base, head, path = sys.argv[1:4]
    store = sys.argv[4] if len(sys.argv) > 4 else None
    found = list(reports(Path.cwd(), base, head, Sources(store)))
    Path(path).write_text(comment(found))
    sys.exit(any(report.refused for _, report in found))


if __name__ == "__main__":
    main()
