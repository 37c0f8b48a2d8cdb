"""Cost of the store: what a runner pays per trial, and `leangnn board` or a page of the dashboard per look."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from bench.asv.sample_store import fill, sample_trials
from db.read import Reader
from db.store import Store


class Writing:
    """A trial with 50 curve points into a store of ten."""

    number = 1
    before = 10

    def setup(self) -> None:
        # asv runs every benchmark in a temporary folder of its own
        path = Path.cwd() / "writing.duckdb"
        path.unlink(missing_ok=True)
        fill(path, trials=self.before)
        self.store = Store(path)
        self.trials = islice(sample_trials(), self.before, None)

    def time_record_trial(self) -> None:
        self.store.record_trial(*next(self.trials))


class Reading:
    """240 trials with 50 curve points each; every call opens and closes the file as a command does."""

    timeout = 600

    def setup_cache(self) -> str:
        return str(fill(Path.cwd() / "sample.duckdb"))

    def time_trials(self, path: str) -> None:
        Reader(path).trials()

    def time_trials_of_one_dataset(self, path: str) -> None:
        Reader(path).trials(dataset="dataset-1")

    def time_curves(self, path: str) -> None:
        Reader(path).curves()

    def time_board(self, path: str) -> None:
        Reader(path).board()

    def time_board_of_one_dataset(self, path: str) -> None:
        Reader(path).board(dataset="dataset-1")

    def time_board_of_one_strategy(self, path: str) -> None:
        Reader(path).board(strategy="cluster_gcn")

    def peakmem_board(self, path: str) -> None:
        Reader(path).board()

    def track_bytes_per_trial(self, path: str) -> float:
        return Path(path).stat().st_size / len(Reader(path).trials())

    track_bytes_per_trial.unit = "bytes"  # type: ignore[attr-defined]
