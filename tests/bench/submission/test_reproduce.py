"""Reproduction: what is run, and what follows from what comes out."""

from __future__ import annotations

import runpy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.errors import BenchError, UsageError
from bench.plan import PlannedTrial
from bench.protocol import Protocol
from bench.runner import Options, Report, method_record
from bench.submission.agreement import agreement
from bench.submission.reproduce import FIRST_SEED, Verdict, fresh_groups, reproduce, state_of
from db import trust
from db.bundle import records
from db.bundle.plausibility import read_contents
from db.bundle.read import Bundle
from db.read import Reader
from db.records import DatasetRecord, MachineRecord, SessionRecord, Trust
from db.store import Store
from db.submitted import Submitted, submitted

NOON = datetime(2026, 1, 3, 12, tzinfo=UTC)
SMALL = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "db" / "bundle" / "small_bundle.py")))
METHOD, REFERENCE = "gcn+sgc", "gcn+full_batch"
CORA = DatasetRecord("cora", "1", "ab" * 32, 2708, 10556, 1433, 7, 1, "node", "accuracy", 0.81, None)
SETTINGS = Protocol(epochs=2, threads=7, jobs=3)
AGREE = agreement({(0, s): 0.8 for s in range(3)}, {(0, s): 0.8 for s in range(3)})
DIFFER = agreement({(0, s): 0.8 for s in range(3)}, {(0, s): 0.6 for s in range(3)})
OPEN = agreement({(0, 0): 0.8}, {(0, 0): 0.8})
NONE = (None, None, None)


def verdict(metric: Any, contradicted: bool = False) -> Verdict:
    return Verdict("cora", metric, (0.5, 0.4, 0.6), NONE, contradicted)


@pytest.mark.parametrize(
    ("verdicts", "state"),
    [
        ([verdict(AGREE)], Trust.REPRODUCED),
        ([verdict(AGREE), verdict(OPEN)], Trust.CHECKED),
        ([verdict(AGREE), verdict(DIFFER)], Trust.DISPUTED),
        ([verdict(AGREE, contradicted=True)], Trust.DISPUTED),
        ([], Trust.CHECKED),
    ],
)
def test_the_state_that_follows(verdicts: list[Verdict], state: Trust) -> None:
    assert state_of(verdicts, Trust.CHECKED) is state


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with one approved submission: four splits, each twice as fast as its reference."""
    path = tmp_path / "board.duckdb"
    with Bundle(SMALL.zipped(*SMALL.small(trials=4))) as bundle:
        curves, claims = read_contents(bundle).curves, records.claimed(bundle.manifest)
        protocols = {"p": records.Protocol(SETTINGS.key(), SETTINGS.settings())}
        datasets = {"cora": CORA}
        addition = records.addition(bundle.submission_id, bundle.manifest, curves, datasets, protocols, claims)
    trust.add(Store(path), addition, {}, "me", "test")
    trust.move(Store(path), addition.submission_id, Trust.CHECKED, "me", "test")
    return path


def only(store: Path) -> Submitted:
    [item] = submitted(store)
    return item


def test_fresh_seeds_run_beside_their_reference_with_the_same_settings(store: Path) -> None:
    item = only(store)
    trials = Reader(store).trials(machine_id=item.record.machine_id)
    [group] = fresh_groups(item, trials, seeds=None)
    assert [(t.method.name, t.split, t.seed) for t in group.planned[:4]] == [
        (REFERENCE, 0, FIRST_SEED),
        (METHOD, 0, FIRST_SEED),
        (METHOD, 1, FIRST_SEED),
        (REFERENCE, 1, FIRST_SEED),
    ]
    assert len(group.planned) == 2 * 4 * 3  # three seeds a split make at least ten trials
    assert {trial.protocol.epochs for trial in group.planned} == {2}
    assert {(trial.protocol.jobs, trial.protocol.threads) for trial in group.planned} == {(1, None)}
    used = [replace(trial, seed=FIRST_SEED) for trial in trials if trial.split == 0]
    [avoiding] = fresh_groups(item, used, seeds=2)
    assert {trial.seed for trial in avoiding.planned} == {FIRST_SEED + 1, FIRST_SEED + 2}


def test_what_is_not_approved_or_not_ours_is_not_run(store: Path) -> None:
    item = only(store)
    fresh = Submitted(item.record, item.events[:1])
    with pytest.raises(UsageError, match="is self_reported; approve it before it is run here"):
        fresh_groups(fresh, [], None)
    foreign = Submitted(replace(item.record, method="gcn+my_strategy"), item.events)
    with pytest.raises(BenchError, match="'gcn\\+my_strategy' cannot be run here"):
        fresh_groups(foreign, [], None)


def invented_run(store: Path, shift: float, factor: float = 1.0) -> Any:
    """A stand-in for the runner that stores what a run would, with metrics shifted and costs of the method scaled."""

    def run(trials: list[PlannedTrial], options: Options, listener: Any) -> Report:
        writer = Store(store)
        machine = MachineRecord("here", "Acme 2", 2, 2**34)
        writer.record_session(machine, SessionRecord("s", "here", NOON, None, "test", "1"))
        claimed = {(t.method, t.split): t for t in Reader(store).trials(trust="checked")}
        protocol = replace(trials[0].protocol, threads=2)
        for number, planned in enumerate(trials):
            theirs = claimed[(planned.method.name, planned.split)]
            cost = theirs.ledger.train * (factor if planned.method.name == METHOD else 1.0)
            record = replace(
                theirs, trial_id=f"t{number}", fingerprint=f"t{number}", session_id="s", machine_id="here",
                seed=planned.seed, protocol=protocol.key(), protocol_settings=protocol.settings(),
                started_at=NOON + timedelta(seconds=number), trust=Trust.MEASURED_HERE,
                test_metric=theirs.test_metric + shift, ledger=replace(theirs.ledger, train=cost, wall=cost + 1),
            )  # fmt: skip
            writer.record_trial(record, CORA, method_record(planned.method))
        return Report()

    return run


@pytest.mark.parametrize(
    ("shift", "factor", "state"),
    [(0.001, 1.0, Trust.REPRODUCED), (-0.05, 1.0, Trust.DISPUTED), (0.001, 3.0, Trust.DISPUTED)],
    ids=["agrees", "another metric", "dearer than its reference"],
)
def test_the_verdict_is_stored_with_its_figures(
    store: Path, monkeypatch: pytest.MonkeyPatch, shift: float, factor: float, state: Trust
) -> None:
    monkeypatch.setattr("bench.submission.reproduce.run", invented_run(store, shift, factor))
    item = only(store)
    event, [found] = reproduce(item.record.submission_id[:12], Options(str(store)), None, "rita", seeds=1)
    assert (event.state, event.submission_id) == (state, item.record.submission_id)
    assert found.metric.difference == pytest.approx(shift)
    assert found.time_claimed[0] == pytest.approx(0.5)
    assert found.time_measured[0] == pytest.approx(0.5 * factor)
    newest = only(store).newest
    assert newest == event
    assert newest.evidence == {"verdicts": [found.as_json()]}
    assert newest.why.startswith("reproduction with fresh seeds: cora: metric")
    here = Reader(store).trials(method=METHOD, trust="measured_here")
    assert {(trial.split, trial.seed) for trial in here} == {(split, FIRST_SEED) for split in range(4)}


def test_a_run_that_was_stopped_leaves_no_verdict(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.submission.reproduce.run", lambda *words: Report(interrupted=True))
    with pytest.raises(BenchError, match="the reproduction was stopped"):
        reproduce(only(store).record.submission_id, Options(str(store)), None, "rita")
    assert only(store).newest.state is Trust.CHECKED
