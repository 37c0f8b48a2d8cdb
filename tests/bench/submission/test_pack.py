"""From a store to a bundle and from there to an empty store: the same row of the board."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bench.errors import UsageError
from bench.submission.check import Sources, check
from bench.submission.pack import pack
from db import trust
from db.bundle.read import Bundle
from db.bundle.write import save
from db.read import Reader
from db.records import Status
from db.store import Store

SMALL = "gcn(layers=2,hidden=8)"
METHOD = f"{SMALL}+watches_labels"
CARD = {"authors": "A. Person", "licence": "MIT", "derived_from": "gcn+full_batch"}


@pytest.fixture(scope="module")
def measured(ran: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a run, with one more trial that failed and says so in words that no bundle takes."""
    store = tmp_path_factory.mktemp("store") / "own.duckdb"
    store.write_bytes(ran.store.read_bytes())
    [finished] = Reader(store).trials(method=METHOD)
    record = replace(
        finished, trial_id="f", fingerprint="f", seed=7, status=Status.CRASHED, reason="ValueError: <lost>\nits way",
        log_tail="/home/me/secret.py", ledger=None, test_metric=None, validation_metric=None, selected_epoch=None,
        further_metrics=None, predictions_sha256=None,
    )  # fmt: skip
    [dataset], methods = Reader(store).datasets(), {method.name: method for method in Reader(store).methods()}
    Store(store).record_trial(record, dataset, methods[METHOD])
    return store


@pytest.fixture(scope="module")
def sources(measured: Path, harness: Any) -> Sources:
    return Sources(measured, harness.data, harness.cache)


@pytest.fixture(scope="module")
def bundle(sources: Sources) -> bytes:
    return pack(METHOD, sources, submitter="A. Person", card=CARD)


def test_the_round_trip_gives_the_same_row(
    bundle: bytes, sources: Sources, measured: Path, harness: Any, tmp_path: Path
) -> None:
    save(bundle, tmp_path / "bundle.zip")
    empty = tmp_path / "empty.duckdb"
    checked = check(tmp_path / "bundle.zip", Sources(empty, harness.data, harness.cache))
    assert checked.report.errors == []
    assert not empty.exists()
    assert checked.addition is not None
    trust.add(Store(empty), checked.addition, checked.report.as_json(), "me", "test")
    after = [asdict(row) for row in Reader(empty).board()]
    mine = [asdict(row) for row in Reader(measured).board() if row.method in {row["method"] for row in after}]
    before = [row for row in mine if row["protocol"] == after[0]["protocol"]]
    # the two that tell a submission from one's own measurement
    own = {"machine_id": checked.addition.machine.machine_id, "trust": "self_reported"}
    # and the one that is adjusted for all candidates of a dataset, of which this store has fewer
    adjusted = {"p_value": None}
    assert [row | adjusted for row in after] == [row | own | adjusted for row in before]
    assert [row["method"] for row in after] in ([METHOD, f"{SMALL}+full_batch"], [f"{SMALL}+full_batch", METHOD])
    assert any(row["time_ratio"] is not None for row in after)
    [there], [here] = Reader(empty).machines(), Reader(measured).machines()
    assert {**asdict(there), "machine_id": ""} == {**asdict(here), "machine_id": ""}


def test_trials_come_back_as_they_were_but_for_what_stays_at_home(
    bundle: bytes, sources: Sources, measured: Path
) -> None:
    addition = check(bundle, sources).addition
    assert addition is not None
    theirs = {(t.method, t.seed): t for t in addition.trials}
    same = ("dataset_version", "protocol", "protocol_settings", "status", "started_at", "ledger", "validation_metric",
            "test_metric", "further_metrics", "selected_epoch", "parameters", "model_bytes", "peak_memory_bytes",
            "memory", "energy", "environment", "schedule")  # fmt: skip
    packed = [trial for trial in Reader(measured).trials() if (trial.method, trial.seed) in theirs]
    assert len(packed) == len(theirs) == 3
    for trial in packed:
        found = theirs[(trial.method, trial.seed)]
        for name in same:
            assert getattr(found, name) == getattr(trial, name), name
    failed = theirs[(METHOD, 7)]
    assert (failed.reason, failed.log_tail, failed.curve) == ("ValueError: ?lost? its way", None, ())
    with Bundle(bundle) as opened:
        assert "secret" not in opened.manifest.model_dump_json()
        assert opened.manifest.card.derived_from == "gcn+full_batch"


def test_the_same_store_gives_the_same_bytes(bundle: bytes, sources: Sources) -> None:
    assert pack(METHOD, sources, submitter="A. Person", card=CARD) == bundle


def test_the_reference_that_ran_beside_a_trial_goes_along_and_not_a_newer_one(
    bundle: bytes, sources: Sources, measured: Path, tmp_path: Path
) -> None:
    store = tmp_path / "longer.duckdb"
    store.write_bytes(measured.read_bytes())
    reader = Reader(store)
    finished = next(trial for trial in reader.trials(method=METHOD) if trial.status.has_metric)
    [reference] = reader.trials(
        method=f"{SMALL}+full_batch", session_id=finished.session_id, protocol=finished.protocol
    )
    [session] = [each for each in reader.sessions() if each.session_id == reference.session_id]
    later = reference.started_at + timedelta(days=1)
    Store(store).record_session(reader.machines()[0], replace(session, session_id="later", started_at=later))
    newer = replace(reference, trial_id="newer", fingerprint="newer", session_id="later", started_at=later)
    methods = {method.name: method for method in reader.methods()}
    assert Store(store).record_trial(newer, reader.datasets()[0], methods[newer.method])
    longer = Sources(store, sources.data_dir, sources.cache_dir)
    assert pack(METHOD, longer, submitter="A. Person", card=CARD) == bundle


def test_what_the_store_does_not_have_is_said(sources: Sources) -> None:
    with pytest.raises(UsageError, match="the store has no such trials measured here"):
        pack("gin+full_batch", sources, submitter="A", card=CARD)
    with pytest.raises(UsageError, match="the store has no such trials measured here"):
        pack(METHOD, sources, submitter="A", card=CARD, machine="nowhere")


def test_what_a_stranger_sent_is_not_packed_as_ones_own(bundle: bytes, sources: Sources, tmp_path: Path) -> None:
    store = tmp_path / "strangers.duckdb"
    addition = check(bundle, sources).addition
    assert addition is not None
    trust.add(Store(store), addition, {}, "me", "test")
    with pytest.raises(UsageError, match="no such trials measured here"):
        pack(METHOD, Sources(store, sources.data_dir, sources.cache_dir), submitter="B", card=CARD)
