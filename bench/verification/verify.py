"""All of a store, checked: the board against its rows, the rows against what lies behind them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sqlalchemy import select

from bench.datasets import registry
from bench.datasets.graph_data import GraphData
from bench.errors import DataError, UsageError
from bench.verification import trials as checks
from bench.verification.figures import all_rows, key_of, on_front
from bench.verification.trials import Difference, same
from db.parquet import MANIFEST, is_snapshot
from db.read import Reader
from db.records import TrialRecord
from db.schema import Predictions
from db.scoring.board import BoardRow
from db.scoring.curve import Curve

_AT_ONCE = 200
_AGAIN = ":again"
"""How the suite of a session ends that measured again what a night made suspicious (docs/nightly.md)."""


@dataclass
class Report:
    """What was checked.

    Attributes:
        checked: how many figures, trials or files each check looked at.
        skipped: how many a check could not look at, by reason.
        differences: one sentence each, with the row or trial it is about.
    """

    checked: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def add(self, check: str, name: str, differences: Iterable[Difference], count: int = 1) -> None:
        """Note one look at something called `name`."""
        self.checked[check] += count
        self.differences += [f"{name}: {each}" for each in differences]


def verify(db: str, data_dir: str | None = None) -> Report:
    """Check a store or the folder of a snapshot.

    Raises:
        StoreError: it cannot be read.
    """
    report = Report()
    if is_snapshot(db):
        _check_files(Path(db), report)
    reader = Reader(db)
    trials, curves = reader.trials(), reader.curves()
    _check_board(reader, trials, curves, report)
    labels = _Labels(data_dir)
    for start in range(0, len(trials), _AT_ONCE):
        chunk = trials[start : start + _AT_ONCE]
        predictions = _predictions(reader, [trial.trial_id for trial in chunk])
        for trial in chunk:
            _check_trial(trial, curves.get(trial.trial_id), predictions.get(trial.trial_id), labels, report)
    return report


def _predictions(reader: Reader, trial_ids: Sequence[str]) -> dict[str, bytes]:
    """The stored predictions of these trials, in one query: opening a snapshot takes longer than reading it."""
    query = select(Predictions.trial_id, Predictions.data).where(Predictions.trial_id.in_(trial_ids))
    return reader.read(lambda connection: {row.trial_id: row.data for row in connection.execute(query)}, {})


def _check_files(folder: Path, report: Report) -> None:
    tables = json.loads((folder / MANIFEST).read_text())["tables"]
    for table, expected in tables.items():
        path = folder / f"{table}.parquet"
        found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
        wrong = [] if found == expected["sha256"] else [Difference("sha256", expected["sha256"], found)]
        report.add("files of the snapshot", path.name, wrong)


def _check_board(reader: Reader, trials: Sequence[TrialRecord], curves: Mapping[str, Curve], report: Report) -> None:
    shown = {key_of(row): row for row in reader.board()}
    expected = all_rows(_of_the_board(reader, trials), curves, reader.methods(), reader.datasets())
    for key in sorted({*shown, *expected}):
        name = "  ".join(key)
        if key not in shown or key not in expected:
            there = "shown" if key in shown else "not shown"
            report.add("rows of the board", name, [Difference("the row", there, "the opposite")])
            continue
        report.add("rows of the board", name, [])
        figures = asdict(shown[key])
        wrong = [
            Difference(what, figures[what], value)
            for what, value in expected[key].items()
            if not same(figures[what], value)
        ]
        report.add("figures of the board", name, wrong, len(expected[key]))
    for row, others in _with_others(shown.values()):
        found = on_front(row, others)
        wrong = [] if found == row.pareto else [Difference("pareto", row.pareto, found)]
        report.add("figures of the board", "  ".join(key_of(row)), wrong)


def _of_the_board(reader: Reader, trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    """All trials but those that a night measured again: they were chosen by their outcome, so they are in no mean."""
    again = {session.session_id for session in reader.sessions() if (session.suite or "").endswith(_AGAIN)}
    return [trial for trial in trials if trial.session_id not in again]


def _with_others(rows: Iterable[BoardRow]) -> Iterator[tuple[BoardRow, list[BoardRow]]]:
    """Each row with the other rows of its place."""
    places: dict[tuple[str, ...], list[BoardRow]] = defaultdict(list)
    for row in rows:
        places[key_of(row)[:-1]].append(row)
    for members in places.values():
        for row in members:
            yield row, [other for other in members if other is not row]


def _check_trial(
    trial: TrialRecord, curve: Curve | None, predictions: bytes | None, labels: _Labels, report: Report
) -> None:
    name = f"trial {trial.trial_id} ({trial.dataset}, {trial.method}, split {trial.split}, seed {trial.seed})"
    report.add("hashes", name, checks.hash_differences(trial, predictions))
    if trial.ledger is not None:
        report.add("ledgers", name, checks.ledger_differences(trial.ledger))
    if not trial.status.has_metric:
        return
    report.add("curves", name, checks.curve_differences(trial, curve))
    if predictions is None:
        report.skipped["metrics: no predictions are stored"] += 1
        return
    data = labels.of(trial)
    if data is None:
        report.skipped[f"metrics: the labels of {trial.dataset} are not here"] += 1
    else:
        report.add("metrics from predictions", name, checks.metric_differences(trial, predictions, data))


class _Labels:
    """Datasets with all their labels, each loaded once; None where it is not here in that version."""

    def __init__(self, data_dir: str | None) -> None:
        self._data_dir = data_dir
        self._loaded: dict[str, GraphData | None] = {}

    def of(self, trial: TrialRecord) -> GraphData | None:
        name = trial.dataset
        if name not in self._loaded:
            try:
                self._loaded[name] = registry.load(name, self._data_dir)
            except (DataError, UsageError):
                self._loaded[name] = None
        data = self._loaded[name]
        return None if data is None or data.version != trial.dataset_version else data
