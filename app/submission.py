"""What the dashboard can say about an uploaded bundle: structure, plausibility, and the row that its claims would make.

Labels are not here, so no metric is computed again; `leangnn submit check` does that where a reviewer runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from db.bundle import preview, records
from db.bundle.errors import BundleError
from db.bundle.limits import UPLOAD_LIMITS
from db.bundle.manifest import Manifest
from db.bundle.plausibility import Contents, implausible, read_contents
from db.bundle.read import Bundle
from db.bundle.report import Finding, Report
from db.records import DatasetRecord
from db.scoring.board import BoardRow, as_json

BoardOf = Callable[[Sequence[str]], Sequence[BoardRow]]
"""The rows of the board on these datasets."""


def examine(content: bytes, datasets: Sequence[DatasetRecord], board_of: BoardOf) -> Report:
    """The report on a bundle, with metrics as it claims them.

    Args:
        content: of the uploaded file.
        datasets: those of the store.
    """
    report = Report()
    try:
        with Bundle(content, UPLOAD_LIMITS) as bundle:
            report = replace(report, submission_id=bundle.submission_id, method=bundle.manifest.method.name)
            contents = read_contents(bundle)
    except BundleError as error:
        return report.with_findings([Finding("error", "bundle", str(error))])
    report = report.with_findings(implausible(bundle.manifest, contents))
    known = {(dataset.name, dataset.version): dataset for dataset in datasets}
    wanted = [(dataset.name, dataset.version) for dataset in bundle.manifest.datasets]
    if missing := [name for name, version in wanted if (name, version) not in known]:
        sentence = f"this board has no results on {missing[0]} in that version, so no row can be shown"
        return report.with_findings([Finding("warning", "dataset", sentence)])
    if report.refused:
        return report
    own = {name: known[name, version] for name, version in wanted}
    return _placed(report, bundle.submission_id, bundle.manifest, contents, own, board_of)


def _placed(
    report: Report,
    submission_id: str,
    manifest: Manifest,
    contents: Contents,
    datasets: dict[str, DatasetRecord],
    board_of: BoardOf,
) -> Report:
    protocols = {key: records.Protocol(key, settings) for key, settings in manifest.protocols.items()}
    addition = records.addition(
        submission_id, manifest, contents.curves, datasets, protocols, records.claimed(manifest)
    )
    rows = preview.board_rows(addition)
    return replace(report, rows=as_json(rows), places=preview.places(rows, board_of(list(datasets))))
