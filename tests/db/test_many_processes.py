"""Many processes on one store at full size: writers side by side on a server, readers beside one writer on a file."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import streamlit as st
from sqlalchemy import Connection, func, select

from app import source
from db.read import Reader
from db.schema import CurvePoint, Dynamics, Predictions, Trial
from db.store import Store

pytestmark = pytest.mark.slow

WRITERS, TRIALS = 8, 10_000
READERS, BESIDE_READERS = 8, 20
A_NIGHT = 20
"""Two methods on ten splits, which every night of the file measures again; so the newest are its board."""
SHOWN_WITHIN = 60.0

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
import runpy, sys
from datetime import timedelta
samples = runpy.run_path(sys.argv[1])["Samples"]
from db.store import Store
store = Store(sys.argv[2])
methods = [samples.method(), samples.method("gcn+cluster_gcn")]
for place in range(int(sys.argv[3]), int(sys.argv[4])):
    method = methods[place // 10 % 2]
    trial = samples.trial(method.name, place % 10, fingerprint=f"f{place}", trial_id=f"t{place}",
                          started_at=samples.noon + timedelta(days=place // 20, minutes=place % 10))
    assert store.record_trial(trial, samples.dataset(), method)
"""

# no pause between two looks: worse than any number of dashboards
_BUSY_READER = """
import runpy, sys, time
from pathlib import Path
from db.read import Reader
noon = runpy.run_path(sys.argv[1])["NOON"]
reader, seen, end = Reader(sys.argv[2]), [0], time.monotonic() + 300
while not Path(sys.argv[3]).exists() and time.monotonic() < end:
    count, rows = reader.overview().trials, reader.board()
    nights = (max(row.measured_at for row in rows) - noon).days + 1
    assert seen[-1] <= count <= 20 * nights and [row.n for row in rows] == [10, 10], (seen, count, rows)
    curves = reader.curves(f"t{place}" for place in range(count - 20, count))
    assert [len(curve.epoch) for curve in curves.values()] == [2] * 20, curves
    seen.append(count)
print(*seen[1:])
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


def _shown(dashboard: Reader) -> tuple[int, int]:
    """Trials that the dashboard counts, and those behind the rows of its board; each is as new as its last look."""
    return source.overview(dashboard).trials, sum(row.n for row in source.board(dashboard))


def _fill_up_to(path: Path, samples, trials: int) -> None:
    """Store the trials of one night and repeat them for the others: a file takes minutes for so many single writes."""
    methods = (samples.reference, "gcn+cluster_gcn")
    store = Store(path)
    samples.fill(
        store,
        *(
            samples.trial(methods[place // 10], place % 10, fingerprint=f"f{place}", trial_id=f"t{place}")
            for place in range(A_NIGHT)
        ),
    )

    def repeat(connection: Connection) -> None:
        place = f"(substr(trial_id, 2)::BIGINT + {A_NIGHT} * night)"
        of_trial = f", 'f' || {place} AS fingerprint, started_at + night * INTERVAL 1 DAY AS started_at"
        for table in (Trial, CurvePoint, Dynamics, Predictions):
            changes = f"'t' || {place} AS trial_id{of_trial if table is Trial else ''}"
            connection.exec_driver_sql(
                f"INSERT INTO {table.__tablename__} SELECT stored.* REPLACE ({changes}) "
                f"FROM {table.__tablename__} stored CROSS JOIN range(1, {trials // A_NIGHT}) nights(night)"
            )

    store.write(repeat)


@pytest.fixture
def dashboard(server_url: str) -> Iterator[Reader]:
    """The reader that the pages of a dashboard on the server share."""
    yield source.reader(server_url)
    st.cache_resource.clear()


def test_eight_writers_store_ten_thousand_trials_on_a_server_whose_dashboard_is_read_meanwhile(
    server_url: str, dashboard: Reader, samples, samples_file: str
) -> None:
    writers = [_start(_SHARED_WRITER, samples_file, server_url, number, WRITERS, TRIALS) for number in range(WRITERS)]
    reader, seen = Reader(server_url), [(0, 0)]
    while any(writer.poll() is None for writer in writers):
        seen.append(_shown(dashboard))
        found = reader.read(_counts, (0, 0, 0))
        assert len(set(found)) == 1, found
        assert all(before <= shown <= found[0] for before, shown in zip(*seen[-2:], strict=True)), (seen, found)
        time.sleep(1.0)
    assert sum(int(_end(writer)) for writer in writers) == TRIALS
    assert all(any(0 < count < TRIALS for count in counts) for counts in zip(*seen, strict=True))
    assert reader.read(_counts, (0, 0, 0)) == (TRIALS, TRIALS, TRIALS)
    end = time.monotonic() + SHOWN_WITHIN
    while _shown(dashboard) != (TRIALS, TRIALS) and time.monotonic() < end:
        time.sleep(0.5)
    assert _shown(dashboard) == (TRIALS, TRIALS)
    trials = reader.trials()
    assert {trial.fingerprint for trial in trials} == {f"f{place}" for place in range(TRIALS)}
    assert {trial.attempt for trial in trials} == {1}
    by_session = Counter(trial.session_id for trial in trials)
    assert set(by_session) == {f"s{number}" for number in range(WRITERS)}
    assert {row.method: row.n for row in reader.board()} == dict.fromkeys(
        (samples.reference, "gcn+cluster_gcn"), TRIALS // 2
    )


def test_one_writer_and_eight_readers_of_a_file_with_ten_thousand_trials(
    path: Path, samples, samples_file: str, tmp_path: Path
) -> None:
    _fill_up_to(path, samples, TRIALS - BESIDE_READERS)
    ended = tmp_path / "ended"
    readers = [_start(_BUSY_READER, samples_file, path, ended) for _ in range(READERS)]
    writer = _start(_LONE_WRITER, samples_file, path, TRIALS - BESIDE_READERS, TRIALS)
    try:
        _end(writer)
    finally:
        ended.touch()
    counts = [[int(count) for count in _end(reader).split()] for reader in readers]
    assert all(counts)
    assert any(TRIALS - BESIDE_READERS < count < TRIALS for own in counts for count in own)
    reader = Reader(path)
    assert reader.read(_counts, (0, 0, 0)) == (TRIALS, TRIALS, TRIALS)
    assert {trial.fingerprint for trial in reader.trials()} == {f"f{place}" for place in range(TRIALS)}
    newest = samples.noon + timedelta(days=TRIALS // A_NIGHT - 1, minutes=9)
    assert [(row.n, row.measured_at) for row in reader.board()] == [(10, newest)] * 2
    assert not list(path.parent.glob(".*.turn"))
