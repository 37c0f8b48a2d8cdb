"""Many processes on one store at full size: writers side by side on a server, readers beside one writer on a file."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from db.read import Reader
from db.schema import CurvePoint, Predictions, Trial
from db.store import Store

pytestmark = pytest.mark.slow

WRITERS, TRIALS = 8, 10_000
READERS, TRIALS_BESIDE_READERS = 8, 20

# each writer stores its share, and every fifth trial of the next writer's as if it had run that one too
_SHARED_WRITER = """
import runpy, sys
samples = runpy.run_path(sys.argv[1])["Samples"]
from db.store import Store
number, writers, trials = map(int, sys.argv[3:])
store, session = Store(sys.argv[2]), f"s{number}"
store.record_session(samples.machine(), samples.session(session_id=session))
methods = [samples.method(), samples.method("gcn+cluster_gcn")]
stored = 0
for place in range(trials):
    own, next_one = place % writers == number, place % writers == (number + 1) % writers and place % 5 == 0
    if own or next_one:
        method = methods[place // 10 % 2]
        trial = samples.trial(method.name, place % 10, seed=place // 20, fingerprint=f"f{place}",
                              trial_id=f"t{place}-{number}", session_id=session)
        stored += store.record_trial(trial, samples.dataset(), method)
print(stored)
"""

_LONE_WRITER = """
import runpy, sys, time
samples = runpy.run_path(sys.argv[1])["Samples"]
from db.store import Store
store = Store(sys.argv[2])
for split in range(int(sys.argv[3])):
    assert store.record_trial(samples.trial(split=split), samples.dataset(), samples.method())
"""

# no pause between two looks: worse than any number of dashboards
_BUSY_READER = """
import sys, time
from pathlib import Path
from db.read import Reader
reader, seen, looks, end = Reader(sys.argv[1]), 0, 0, time.monotonic() + 300
while not Path(sys.argv[2]).exists() and time.monotonic() < end:
    looks += 1
    count, rows, curves = reader.overview().trials, reader.board(), reader.curves()
    assert seen <= count <= len(curves), (seen, count, len(curves))
    assert all(len(curve.epoch) == 2 for curve in curves.values())
    assert count == 0 or count <= rows[0].n <= len(curves)
    seen = count
print(looks)
"""


def _start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _end(process: subprocess.Popen[str]) -> str:
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return output


def _counts(connection: Connection) -> tuple[int, int, int]:
    """Trials, those with the two points of a whole curve, and predictions, in three queries."""
    points = select(func.count().label("points")).select_from(CurvePoint).group_by(CurvePoint.trial_id).subquery()
    whole = select(func.count()).select_from(points).where(points.c.points == 2)
    queries = (select(func.count(Trial.trial_id)), whole, select(func.count(Predictions.trial_id)))
    trials, curves, predictions = (connection.scalar(query) or 0 for query in queries)
    return trials, curves, predictions


def test_eight_writers_store_ten_thousand_trials_on_a_server_that_is_read_meanwhile(
    server_url: str, samples, samples_file: str
) -> None:
    writers = [_start(_SHARED_WRITER, samples_file, server_url, number, WRITERS, TRIALS) for number in range(WRITERS)]
    reader, seen = Reader(server_url), [0]
    while any(writer.poll() is None for writer in writers):
        found = reader.read(_counts, (0, 0, 0))
        assert len(set(found)) == 1, found
        overview, board = reader.overview(), reader.board()
        assert seen[-1] <= found[0] <= overview.trials <= sum(row.n for row in board)
        seen.append(overview.trials)
        time.sleep(1.0)
    assert sum(int(_end(writer)) for writer in writers) == TRIALS
    assert any(0 < count < TRIALS for count in seen)
    assert reader.read(_counts, (0, 0, 0)) == (TRIALS, TRIALS, TRIALS)
    trials = reader.trials()
    assert {trial.fingerprint for trial in trials} == {f"f{place}" for place in range(TRIALS)}
    assert {trial.attempt for trial in trials} == {1}
    by_session = Counter(trial.session_id for trial in trials)
    assert set(by_session) == {f"s{number}" for number in range(WRITERS)}
    assert {row.method: row.n for row in reader.board()} == dict.fromkeys(
        (samples.reference, "gcn+cluster_gcn"), TRIALS // 2
    )


def test_one_writer_and_eight_readers_of_a_file(path: Path, samples, samples_file: str, tmp_path: Path) -> None:
    samples.fill(Store(path))
    ended = tmp_path / "ended"
    readers = [_start(_BUSY_READER, path, ended) for _ in range(READERS)]
    writer = _start(_LONE_WRITER, samples_file, path, TRIALS_BESIDE_READERS)
    try:
        _end(writer)
    finally:
        ended.touch()
    assert all(int(_end(reader)) > 0 for reader in readers)
    reader = Reader(path)
    assert [trial.split for trial in reader.trials()] == list(range(TRIALS_BESIDE_READERS))
    assert len(reader.curves()) == TRIALS_BESIDE_READERS
    assert not list(path.parent.glob(".*.turn"))
