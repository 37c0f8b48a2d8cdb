"""Records of a small invented benchmark, as `samples`, also loaded by the child processes of the tests."""

from __future__ import annotations

import socket
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from db.records import (
    CurvePoint,
    DatasetRecord,
    DynamicsRecord,
    Ledger,
    MachineRecord,
    MethodRecord,
    SessionRecord,
    Status,
    TrialRecord,
)
from db.store import record_trial

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
REFERENCE = "gcn+full_batch"


class Samples:
    """Makers of records; keywords replace fields."""

    noon = NOON
    reference = REFERENCE

    @staticmethod
    def machine(**changes: Any) -> MachineRecord:
        fields = {"machine_id": "laptop", "cpu_model": "Acme 1", "cpu_cores": 2, "memory_bytes": 2**34}
        return MachineRecord(**(fields | changes))

    @staticmethod
    def session(**changes: Any) -> SessionRecord:
        fields: dict[str, Any] = {
            "session_id": "s1",
            "machine_id": "laptop",
            "started_at": NOON,
            "suite": "quick",
            "command": "leangnn run quick",
            "code_version": "abc123",
            "environment": {"python": "3.11", "threads": 2},
            "calibration_before": {"gemm": 0.01},
        }
        return SessionRecord(**(fields | changes))

    @staticmethod
    def dataset(**changes: Any) -> DatasetRecord:
        fields: dict[str, Any] = {
            "name": "cora",
            "version": "1",
            "sha256": "ab" * 32,
            "nodes": 2708,
            "edges": 10556,
            "features": 1433,
            "classes": 7,
            "graphs": 1,
            "level": "node",
            "metric": "accuracy",
            "edge_homophily": 0.81,
            "adjusted_homophily": None,
        }
        return DatasetRecord(**(fields | changes))

    @staticmethod
    def method(name: str = REFERENCE, **changes: Any) -> MethodRecord:
        backbone, strategy, *rest = name.split("+")
        fields: dict[str, Any] = {
            "name": name,
            "backbone": backbone,
            "strategy": strategy,
            "rescaler": rest[0] if rest else None,
            "quantizer": None,
            "track": "training",
            "reference": f"{backbone}+full_batch",
        }
        return MethodRecord(**(fields | changes))

    @staticmethod
    def trial(method: str = REFERENCE, split: int = 0, seconds: float = 2.0, **changes: Any) -> TrialRecord:
        fields: dict[str, Any] = {
            "trial_id": f"{method}/{split}",
            "fingerprint": f"{method}/{split}",
            "session_id": "s1",
            "machine_id": "laptop",
            "dataset": "cora",
            "dataset_version": "1",
            "method": method,
            "protocol": "p1",
            "protocol_settings": {"epochs": 100, "learning_rate": 0.01},
            "preset": None,
            "split": split,
            "seed": 0,
            "repeat": 0,
            "device": "cpu",
            "status": Status.FINISHED,
            "started_at": NOON + timedelta(minutes=split),
            "ledger": Ledger(0.5, 0.25 * seconds, 0.0, 0.75 * seconds, 0.1, 0.0, 0.4, seconds + 1.0),
            "validation_metric": 0.8,
            "test_metric": 0.8,
            "peak_memory_bytes": 1000,
            "memory": {"rss": {"bytes": 1000, "definition": "peak"}},
            "energy": {"reason": "no meter"},
            "curve": (
                CurvePoint(1, 1, 1.0, 1.9, 0.5, 2708, 10556),
                CurvePoint(2, 2, 2.0, 1.1, 0.8, 5416, 21112),
            ),
            "further_metrics": {"test_balanced_accuracy": 0.75, "validation_balanced_accuracy": 0.7},
            "dynamics": (
                DynamicsRecord("weight_norm", (0, 10), ((1.5, 2.5), (1.0, 3.0))),
                DynamicsRecord("weight_norm_imbalance", (0, 10), (((-0.5, 0.0, 0.5),), ((-0.25, 0.0, 0.25),))),
            ),
            "predictions": b"\x00\x01\xff",
        }
        return TrialRecord(**(fields | changes))

    @classmethod
    def fill(cls, store: Any, *trials: TrialRecord) -> None:
        """Record one session and these trials with their dataset and method."""
        store.record_session(cls.machine(), cls.session())

        def work(connection: sqlalchemy.Connection) -> None:
            for trial in trials:
                record_trial(connection, trial, cls.dataset(name=trial.dataset), cls.method(trial.method))

        # one transaction, because each opens and closes the file
        store.write(work)


@pytest.fixture
def samples() -> type[Samples]:
    return Samples


@pytest.fixture
def samples_file() -> str:
    """For child processes: `runpy.run_path(samples_file)["Samples"]`."""
    return __file__


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.duckdb"


class Server:
    """A PostgreSQL server of this test run's own, in a folder."""

    def __init__(self, binaries: Path, folder: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        # PostgreSQL refuses to run as root
        self._as_user = ["runuser", "-u", "postgres", "--"] if Path(folder).owner() == "root" else []
        if self._as_user:
            subprocess.run(["chown", "postgres", folder], check=True)
        self._folder, self._control = folder, [str(binaries / "pg_ctl"), "-D", f"{folder}/data"]
        self._options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._call(str(binaries / "initdb"), "-D", f"{folder}/data", "-A", "trust", "-U", "postgres", "--no-sync")
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"

    def start(self) -> None:
        # its output goes to a file, because the server would keep a pipe open
        with Path(self._folder, "control").open("w") as output:
            words = ["-w", "-o", self._options, "-l", f"{self._folder}/log", "start"]
            subprocess.run([*self._as_user, *self._control, *words], check=True, cwd=self._folder, stdout=output)

    def stop(self, mode: str) -> None:
        """`immediate` is a crash, `fast` drops the connections and then ends in order."""
        self._call(*self._control, "-m", mode, "-w", "stop")

    def new_database(self, name: str) -> str:
        """The URL of a database without tables."""
        self.run(f"CREATE DATABASE {name}")
        return self.url.rsplit("/", 1)[0] + f"/{name}"

    def run(self, statement: str) -> list[Any]:
        """The rows of a statement that may stand in no transaction."""
        url = self.url.replace("postgresql:", "postgresql+psycopg:")
        engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
        with engine.connect() as connection:
            result = connection.exec_driver_sql(statement)
            return list(result.all()) if result.returns_rows else []

    def _call(self, *words: str) -> None:
        subprocess.run([*self._as_user, *words], check=True, capture_output=True, cwd=self._folder)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A running PostgreSQL server; whoever stops it starts it again."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed under /usr/lib/postgresql")
    with tempfile.TemporaryDirectory(prefix="leangnn-postgres-") as folder:
        server = Server(found[-1].parent, folder)
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")


@pytest.fixture
def server_url(server: Server, request: pytest.FixtureRequest) -> str:
    """A database without tables on a server."""
    return server.new_database(f"t{abs(hash(request.node.nodeid)):x}")


@pytest.fixture(params=["duckdb", "postgresql"])
def url(request: pytest.FixtureRequest, path: Path) -> str:
    """A database without tables, of each kind."""
    found: str = str(path) if request.param == "duckdb" else request.getfixturevalue("server_url")
    return found
