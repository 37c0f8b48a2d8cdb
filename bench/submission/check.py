"""Checking a bundle: nothing in it is believed that can be computed again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.datasets.graph_data import GraphData
from bench.errors import BenchError
from bench.protocol import Protocol
from bench.submission import labels
from db import trust
from db.bundle import preview, records
from db.bundle.errors import BundleError
from db.bundle.limits import LIMITS, Limits
from db.bundle.manifest import Manifest
from db.bundle.plausibility import Contents, implausible, read_contents
from db.bundle.read import Bundle
from db.bundle.records import Addition, Scored
from db.bundle.report import Finding, Recomputed, Report
from db.read import Reader
from db.scoring.board import as_json
from methods.errors import SpecError


@dataclass(frozen=True)
class Sources:
    """What a bundle is held against.

    Attributes:
        store: path or URL of the store whose board it would join; None for none.
        data_dir, cache_dir: see `bench.datasets.registry`.
    """

    store: str | Path | None = None
    data_dir: str | Path | None = None
    cache_dir: str | Path | None = None


@dataclass(frozen=True)
class Checked:
    """The report on a bundle, and its records when it is not refused."""

    report: Report
    addition: Addition | None = None


@dataclass
class _Scores:
    """What scoring with our labels gave."""

    datasets: dict[str, GraphData] = field(default_factory=dict)
    by_trial: dict[str, Scored] = field(default_factory=dict)
    figures: list[Recomputed] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def check(source: str | Path | bytes, sources: Sources, limits: Limits = LIMITS) -> Checked:
    """Check a bundle; the store is only read.

    What costs least comes first, so that a bad bundle is refused before anything heavy is loaded.

    Raises:
        StoreError: the store cannot be read.
    """
    report = Report(labels=True)
    try:
        with Bundle(source, limits) as bundle:
            report = replace(report, submission_id=bundle.submission_id, method=bundle.manifest.method.name)
            contents = read_contents(bundle)
            report = report.with_findings(implausible(bundle.manifest, contents))
            protocols, wrong = _protocols(bundle.manifest)
            report = report.with_findings(wrong)
            scores = _scores(bundle, contents, sources)
            report = replace(report, figures=tuple(scores.figures)).with_findings(scores.findings)
    except BundleError as error:
        return Checked(report.with_findings([Finding("error", "bundle", str(error))]))
    if not report.refused:
        report = report.with_findings(_known_methods(bundle.manifest))
    if report.refused:
        return Checked(report)
    addition = records.addition(
        bundle.submission_id,
        bundle.manifest,
        contents.curves,
        {name: data.record() for name, data in scores.datasets.items()},
        protocols,
        scores.by_trial,
    )
    return _placed(report, addition, sources)


def _protocols(manifest: Manifest) -> tuple[dict[str, records.Protocol], list[Finding]]:
    """Every protocol with all its settings and our hash of them."""
    found, wrong = {}, []
    for key, settings in manifest.protocols.items():
        try:
            protocol = Protocol.from_settings(settings)
        except BenchError as error:
            wrong.append(Finding("error", "protocol", f"protocol {key}: {error}"))
        else:
            found[key] = records.Protocol(protocol.key(), protocol.settings())
    return found, wrong


def _scores(bundle: Bundle, contents: Contents, sources: Sources) -> _Scores:
    scores = _Scores()
    for dataset in bundle.manifest.datasets:
        try:
            scores.datasets[dataset.name] = labels.load(dataset, sources.data_dir, sources.cache_dir)
        except BenchError as error:
            scores.findings.append(Finding("error", "dataset", str(error)))
    for trial in bundle.manifest.trials:
        data = scores.datasets.get(trial.dataset)
        if not trial.has_metric or data is None:
            continue
        try:
            scored, findings = labels.judge(trial, bundle.predictions(trial.id), data, contents.curves[trial.id])
        except BenchError as error:
            scores.findings.append(Finding("error", "predictions", str(error), (trial.id,)))
            continue
        scores.findings += findings
        scores.by_trial[trial.id] = Scored(*scored)
        assert trial.test_metric is not None and trial.validation_metric is not None
        scores.figures += [
            Recomputed(trial.id, "validation", trial.validation_metric, scored.validation_metric),
            Recomputed(trial.id, "test", trial.test_metric, scored.test_metric),
        ]
    return scores


def _known_methods(manifest: Manifest) -> Iterable[Finding]:
    """A method of ours must be spelled as the board spells it; others are taken as they are."""
    from bench.runner import method_record
    from methods.method import Method

    for record in records.method_records(manifest):
        try:
            method = Method.parse(record.name)
        except SpecError as error:
            sentence = f"'{record.name}' is no method of LeanGNN, so it cannot be reproduced here: {error}"
            yield Finding("warning", "method", sentence)
            continue
        if method_record(method) != record:
            yield Finding("error", "method", f"'{record.name}' is spelled '{method.name}' on the board")


def _placed(report: Report, addition: Addition, sources: Sources) -> Checked:
    if sources.store is not None and (reason := trust.refusal(sources.store, addition)) is not None:
        return Checked(report.with_findings([Finding("error", "store", reason)]))
    rows = preview.board_rows(addition)
    names = tuple({row.dataset for row in rows})
    board = [] if sources.store is None else Reader(sources.store).board(dataset=names)
    report = replace(report, rows=as_json(rows), places=preview.places(rows, board))
    return Checked(report, addition)
