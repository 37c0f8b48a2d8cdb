"""Several processes on one DuckDB file: locks, readers beside a writer, and kills."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from db.database import LockedError
from db.read import Reader
from db.store import Store

_HOLD = """
import duckdb, sys, time
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
time.sleep(60)
"""

_WRITE = """
import runpy, sys
samples = runpy.run_path(sys.argv[1])["Samples"]
from db.store import Store
store = Store(sys.argv[2])
store.record_session(samples.machine(), samples.session())
print("ready", flush=True)
for split in range(int(sys.argv[3])):
    store.record_trial(samples.trial(split=split), samples.dataset(), samples.method())
    print(split, flush=True)
"""

_READ = """
import sys, time
from db.read import Reader
seen, end = 0, time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    reader = Reader(sys.argv[1])
    trials, curves = reader.trials(), reader.curves()
    assert len(trials) >= seen, (len(trials), seen)
    assert all(len(curve.epoch) == 2 for curve in curves.values())
    seen = len(trials)
    time.sleep(0.02)
print(seen)
"""


def _start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_held_file_is_named_with_its_holder_and_then_free(path: Path, samples) -> None:
    samples.fill(Store(path), samples.trial())
    with _start(_HOLD, path) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        for work in (lambda: samples.fill(Store(path, deadline=0.2)), Reader(path, deadline=0.2).trials):
            with pytest.raises(LockedError, match=rf"another process \(PID {holder.pid}\) holds '{path}'"):
                work()
        holder.kill()
    samples.fill(Store(path), samples.trial(split=1))
    assert len(Reader(path).trials()) == 2


def test_a_short_hold_is_waited_out(path: Path, samples) -> None:
    samples.fill(Store(path), samples.trial())
    with _start(_HOLD.replace("60", "0.5"), path) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert len(Reader(path).trials()) == 1


def test_one_writer_and_two_readers(path: Path, samples, samples_file: str) -> None:
    samples.fill(Store(path))
    count = 15
    processes = [_start(_WRITE, samples_file, path, count), _start(_READ, path, 3), _start(_READ, path, 3)]
    results = [(process.communicate(timeout=60), process.returncode) for process in processes]
    assert [code for _, code in results] == [0, 0, 0], results
    assert [trial.split for trial in Reader(path).trials()] == list(range(count))


def test_threads_of_one_process_write_and_read(path: Path, samples) -> None:
    samples.fill(Store(path))
    store, reader = Store(path), Reader(path)

    def write(split: int) -> int:
        store.record_trial(samples.trial(split=split), samples.dataset(), samples.method())
        return len(reader.trials())

    with ThreadPoolExecutor(3) as pool:
        seen = list(pool.map(write, range(9)))
    assert max(seen) <= 9
    assert [trial.split for trial in reader.trials()] == list(range(9))


def test_two_writers_lose_nothing(path: Path, samples, samples_file: str) -> None:
    processes = [_start(_WRITE, samples_file, path, 8), _start(_WRITE, samples_file, path, 12)]
    results = [(process.communicate(timeout=60), process.returncode) for process in processes]
    assert [code for _, code in results] == [0, 0], results
    assert [trial.split for trial in Reader(path).trials()] == list(range(12))


def test_a_kill_at_any_moment_leaves_whole_trials(path: Path, samples, samples_file: str) -> None:
    chance = random.Random(7)
    acknowledged: set[int] = set()
    for _ in range(4):
        writer = _start(_WRITE, samples_file, path, 500)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.5))
        writer.kill()
        output, _ = writer.communicate()
        acknowledged.update(int(line) for line in output.split("\n")[:-1])
        reader = Reader(path)
        trials = reader.trials()
        assert len({trial.fingerprint for trial in trials}) == len(trials)
        assert acknowledged <= {trial.split for trial in trials}
        curves = reader.curves()
        for trial in trials:
            assert len(curves[trial.trial_id].epoch) == 2
            assert reader.predictions(trial.trial_id) == samples.trial().predictions
        assert len(curves) == len(trials)


def test_a_kill_while_the_file_is_made_leaves_none_or_a_whole_one(path: Path, samples_file: str) -> None:
    chance = random.Random(11)
    for number in range(3):
        target = path.with_name(f"{number}.duckdb")
        writer = _start(_WRITE, samples_file, target, 1)
        while writer.poll() is None and not any(target.parent.glob(f".{target.name}.*")):
            time.sleep(0.001)
        time.sleep(chance.uniform(0.0, 0.1))
        writer.kill()
        writer.communicate()
        assert target.exists() == Reader(target).exists()
