"""One issue a regression, opened or continued with GitHub's own command line.

`python -m bench.nightly.issues report.json` needs `gh`, logged in (in a workflow: `GH_TOKEN`), and nothing of ours but
the report, so that the job that may write issues installs nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LABEL = "regression"


def main(path: str) -> int:
    """Open or comment; 1 when the report cannot be read or `gh` refuses."""
    try:
        findings = json.loads(Path(path).read_text())["findings"]
        issues = {finding["key"]: finding["issue"] for finding in findings if finding["issue"] is not None}
    except (OSError, ValueError, KeyError, TypeError) as error:
        return _say(f"'{path}' is no report of a nightly ({error}); write one with: leangnn nightly --report FOLDER")
    try:
        for key, issue in issues.items():
            print(_tell(key, issue["title"], issue["body"]))
    except FileNotFoundError:
        return _say("gh is not installed; see https://cli.github.com")
    except subprocess.CalledProcessError as error:
        return _say(f"gh refused: {' '.join(error.stderr.split()) or error}")
    return 0


def _tell(key: str, title: str, body: str) -> str:
    """A comment on the open issue whose title carries the key, or a new issue; returns its address."""
    listed = _gh("issue", "list", "--state", "open", "--label", LABEL, "--limit", "1000", "--json", "number,title")
    found: list[dict[str, Any]] = json.loads(listed)
    same = [issue["number"] for issue in found if f"[{key}]" in issue["title"]]
    if same:
        return _gh("issue", "comment", str(same[0]), "--body-file", "-", text=body)
    _gh("label", "create", LABEL, "--force", "--description", "Found by the nightly", "--color", "B60205")
    return _gh("issue", "create", "--title", title, "--label", LABEL, "--body-file", "-", text=body)


def _gh(*words: str, text: str | None = None) -> str:
    done = subprocess.run(["gh", *words], input=text, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _say(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
