"""A report in lines of plain text, for a terminal and for a comment on a pull request."""

from __future__ import annotations

from typing import Any

from bench.cli import output
from db.bundle.report import Place, Report

_FINDINGS = 30


def lines(report: Report) -> list[str]:
    """What a person reads, the verdict first."""
    name = "a file that cannot be read" if report.submission_id is None else report.submission_id[:12]
    said = [f"submission  {name}{f'  {report.method}' if report.method else ''}", f"verdict     {_verdict(report)}"]
    said += [f"{finding.level:<11} {finding.rule}: {finding.sentence}" for finding in report.findings[:_FINDINGS]]
    if (more := len(report.findings) - _FINDINGS) > 0:
        said.append(f"and {more} more findings; --json shows them all")
    if report.figures:
        largest = max(abs(figure.claimed - figure.recomputed) for figure in report.figures)
        said.append(f"recomputed  {len(report.figures)} metrics with our labels; largest difference {largest:.2g}")
    places = {place.dataset: place for place in report.places}
    return said + [_row(row, places.get(row["dataset"])) for row in report.rows]


def _verdict(report: Report) -> str:
    counts = f"{len(report.errors)} errors, {len(report.warnings)} warnings"
    return f"refused, {counts}" if report.refused else f"accepted for review, {counts}"


def _row(row: dict[str, Any], place: Place | None) -> str:
    words = [
        f"{output.interval(row['mean'], row['ci_low'], row['ci_high'])} % {row['metric']} (n = {row['n']})",
        *(f"{name} ratio {_ratio(row, name)}" for name in ("time", "memory", "target") if row[f"{name}_ratio"]),
        row["status"],
    ]
    if place is not None:
        words.append(f"place {place.rank} of {place.rows} by the mean")
    return f"board       {row['dataset']}: {'; '.join(words)}"


def _ratio(row: dict[str, Any], name: str) -> str:
    return output.ratio(*(row[f"{name}_ratio{end}"] for end in ("", "_low", "_high")))
