"""What a night says: a JSON document for programs, Markdown for people, and one issue a regression.

The keys of the document are listed in `docs/nightly.md`; a key that is there stays.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.nightly.cases import FAILURE, METRIC, Case
from bench.nightly.night import Outlook
from db.scoring.history import Point
from db.scoring.regression import BASELINE, Outcome

FORMAT = 1
JSON_FILE, MARKDOWN_FILE = "report.json", "report.md"

WORDS = {
    "time_ratio": "scored time",
    "memory_ratio": "peak memory",
    "energy_ratio": "energy",
    METRIC: "test metric",
    FAILURE: "failed trials",
}
_SHOWN = 10
"""Newest nights of a series that Markdown shows."""


def make_folder(folder: Path) -> None:
    """Make the folder of a report, before the night rather than after it.

    Raises:
        BenchError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(f"no report can be written to '{folder}': {error.strerror}; name another folder") from error


def write(night: Outlook, folder: Path) -> dict[str, Any]:
    """Write `report.json` and `report.md` and return the document.

    Raises:
        BenchError: the folder cannot be written.
    """
    found = document(night)
    make_folder(folder)
    try:
        (folder / JSON_FILE).write_text(json.dumps(found, indent=2, allow_nan=False) + "\n")
        (folder / MARKDOWN_FILE).write_text(markdown(found))
    except OSError as error:
        raise BenchError(
            f"the report cannot be written to '{folder}': {error.strerror}; the night itself is stored"
        ) from error
    return found


def document(night: Outlook) -> dict[str, Any]:
    """The night in plain dictionaries and lists."""
    findings = [_finding(case) for case in night.cases]
    for finding in findings:
        if finding["outcome"] == Outcome.REGRESSION:
            finding["issue"] = _issue(finding, night)
    return {
        "format": FORMAT,
        "regressions": len(night.of(Outcome.REGRESSION)),
        "suite": night.session.suite,
        "session_id": night.session.session_id,
        "started_at": night.session.started_at.isoformat(),
        "code_version": night.session.code_version,
        "device": night.device,
        "machine": {
            "machine_id": night.machine.machine_id,
            "cpu": night.machine.cpu_model,
            "gpu": night.machine.gpu_model,
        },
        "nights_before": len(night.past.sessions),
        "compared": sum(case.is_judged for case in night.cases),
        "reruns": night.reruns,
        "outcomes": dict(sorted(Counter(case.verdict.outcome.value for case in night.cases).items())),
        "notices": [*night.past.notices, *night.missing],
        "findings": findings,
    }


def key(case: Case) -> str:
    """What makes a regression the same one on another night: the series and the quantity."""
    return hashlib.sha256(json.dumps([*case.place, case.quantity]).encode()).hexdigest()[:10]


def markdown(found: dict[str, Any]) -> str:
    """The document for people."""
    count = found["regressions"]
    verdict = f"**{count} regression{'s' if count > 1 else ''}.**" if count else "No regression."
    machine = found["machine"]["gpu"] if found["device"].startswith("cuda") else found["machine"]["cpu"]
    lines = [
        f"# Nightly {found['started_at'][:10]}",
        "",
        f"{verdict} Suite `{found['suite']}` at `{found['code_version']}` on {machine}: {found['compared']} series "
        f"held to {found['nights_before']} nights before, {found['reruns']} sessions to measure again.",
        "",
        *(f"- {_cell(notice)}" for notice in found["notices"]),
        "",
    ]
    for outcome, title in _SECTIONS:
        lines += _section(title, [finding for finding in found["findings"] if finding["outcome"] == outcome])
    rest = {name: number for name, number in found["outcomes"].items() if name not in dict(_SECTIONS)}
    lines += [f"- {number} {_REST[name]}" for name, number in rest.items()]
    return "\n".join(lines) + "\n"


_SECTIONS = (
    (Outcome.REGRESSION.value, "Regressions"),
    (Outcome.SUSPECTED.value, "Suspicious, and could not be measured again"),
    (Outcome.UNCONFIRMED.value, "Suspicious, and not confirmed"),
    (Outcome.NOT_MEASURED.value, "Not measured tonight"),
)
_REST = {
    Outcome.UNCHANGED.value: "unchanged",
    Outcome.NO_BASELINE.value: f"without a level to be held to: a cost needs {BASELINE} nights, a metric two pairs",
}


def _finding(case: Case) -> dict[str, Any]:
    verdict = case.verdict
    return {
        "key": key(case),
        "quantity": case.quantity,
        **case.place._asdict(),
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "value": case.value,
        "change": verdict.change,
        "p_value": verdict.p_value,
        "since": None if case.since is None else _point(case.since),
        "history": [_point(point) for point in case.nights],
        "issue": None,
    }


def _point(point: Point) -> dict[str, Any]:
    return {**asdict(point), "at": point.at.isoformat()}


def _issue(finding: dict[str, Any], night: Outlook) -> dict[str, str]:
    title = (
        f"Regression: {WORDS[finding['quantity']]} of {finding['method']} on {finding['dataset']} [{finding['key']}]"
    )
    gpu = f", {night.machine.gpu_model}" if night.machine.gpu_model else ""
    lines = [
        _cell(finding["reason"]),
        "",
        f"Night of {night.session.started_at:%Y-%m-%d}, suite `{night.session.suite}`, code "
        f"`{night.session.code_version}`, {night.machine.cpu_model}{gpu}, device {finding['device']}.",
    ]
    if finding["since"] is not None:
        lines += ["", f"It seems to begin on {finding['since']['at'][:10]} with `{finding['since']['code_version']}`."]
    lines += ["", *_history(finding)]
    return {"title": title, "body": "\n".join(lines) + "\n"}


def _history(finding: dict[str, Any]) -> list[str]:
    rows = [
        f"| {point['at'][:10]} | `{point['code_version'][:12]}` | {point['value']:.4f} | {point['n']} |"
        for point in finding["history"][-_SHOWN:]
    ]
    return ["| night | code | value | pairs |", "|---|---|---|---|", *rows] if rows else []


def _section(title: str, findings: list[dict[str, Any]]) -> list[str]:
    if not findings:
        return []
    rows = [
        f"| {WORDS[finding['quantity']]} | {_cell(finding['dataset'])} | {_cell(finding['method'])} | "
        f"{_change(finding)} | {_cell(finding['reason'])} |"
        for finding in findings
    ]
    return [f"## {title}", "", "| what | dataset | method | change | why |", "|---|---|---|---|---|", *rows, ""]


def _change(finding: dict[str, Any]) -> str:
    if finding["change"] is None:
        return ""
    return f"{finding['change']:+.4f}" if finding["quantity"] == METRIC else f"{finding['change']:+.1%}"


def _cell(text: str) -> str:
    """Text that cannot break a table or become a tag."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
