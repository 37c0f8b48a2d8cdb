"""A made-up store as large as a public board may become: nightly sessions of many methods on many datasets.

Rows are made by DuckDB itself, from hashes of their numbers, so that the same size gives the same store.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

from sqlalchemy import Connection, insert

from db.convert import plain_row
from db.records import DatasetRecord, MachineRecord, MethodRecord, SessionRecord
from db.schema import Dataset, Method
from db.store import Store

_BACKBONES = ("gcn", "sage", "gat", "gin", "appnp")
_REFERENCE = "full_batch"
_VARIANTS = (
    *(_REFERENCE, "coarse_to_fine", "sub_to_full", "multiscale_gradient", "neighbor_sampling", "cluster_gcn"),
    *("graph_saint", "random_nodes", "full_batch+dr_rg", "full_batch+minmax"),
)
_FIRST_NIGHT = datetime(2026, 1, 1, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Size:
    """How many of everything; every method runs on every dataset, split, machine and night."""

    datasets: int
    backbones: int
    splits: int
    machines: int
    nights: int
    points: int
    """Evaluations a trial."""

    @property
    def methods(self) -> int:
        """Each backbone with each variant."""
        return self.backbones * len(_VARIANTS)

    @property
    def trials(self) -> int:
        """All of them."""
        return self.datasets * self.methods * self.splits * self.machines * self.nights


LARGE = Size(datasets=20, backbones=5, splits=10, machines=2, nights=5, points=100)
"""100,000 trials and 10 million evaluations."""

SMALL = Size(datasets=2, backbones=1, splits=3, machines=1, nights=2, points=20)


def fill(path: Path, size: Size) -> Path:
    """Make the store in a new file; returns `path`.

    Raises:
        StoreError: the file cannot be written.
    """
    store = Store(path)
    for machine, night in product(range(size.machines), range(size.nights)):
        store.record_session(_machine(machine), _session(machine, night))

    def work(connection: Connection) -> None:
        connection.execute(insert(Dataset), [plain_row(_dataset(number)) for number in range(size.datasets)])
        connection.execute(insert(Method), [plain_row(method) for method in _methods(size)])
        connection.exec_driver_sql(_TRIALS.format(**vars(size), methods=size.methods, trials=size.trials))
        connection.exec_driver_sql(_POINTS.format(points=size.points))
        connection.exec_driver_sql(_DYNAMICS)

    store.write(work)
    return path


def _machine(number: int) -> MachineRecord:
    machine = MachineRecord(f"machine-{number}", f"some CPU {number}", 2 + 14 * number, 2**34)
    return replace(machine, gpu_model="some GPU", gpu_memory_bytes=2**37, gpu_driver="570") if number else machine


def _session(machine: int, night: int) -> SessionRecord:
    began = _FIRST_NIGHT + timedelta(days=night)
    return SessionRecord(
        f"machine-{machine}/{night}", f"machine-{machine}", began, "nightly", "leangnn run nightly", f"{night:040x}",
        {"python": "3.11", "torch": "2.13", "threads": 2}, began + timedelta(hours=6), {"gemm": 0.01}, {"gemm": 0.01},
    )  # fmt: skip


def _dataset(number: int) -> DatasetRecord:
    nodes, homophily = int(1000 * 1.4**number), (number + 0.5) % 10 / 10
    return DatasetRecord(
        f"dataset-{number:02d}", "1", f"{number:064x}", nodes, 6 * nodes, 64, 7, 1, "node", "accuracy", homophily,
        homophily - 0.1,
    )  # fmt: skip


def _methods(size: Size) -> list[MethodRecord]:
    """In the order of the numbers that `_TRIALS` gives them, which is that of their names."""
    found = []
    for backbone, variant in product(_BACKBONES[: size.backbones], _VARIANTS):
        strategy, _, added = variant.partition("+")
        rescaler, quantizer = (added or None, None) if added.startswith("dr") else (None, added or None)
        found.append(
            MethodRecord(
                f"{backbone}+{variant}", backbone, strategy, rescaler, quantizer,
                "low_bit" if quantizer else "training", f"{backbone}+{_REFERENCE}",
            )
        )  # fmt: skip
    return sorted(found, key=lambda method: method.name)


# chance(number, purpose) lies between 0 and 1; whatever hangs on the seconds of a trial that failed is null
_TRIALS = """
CREATE TEMP MACRO chance(number, purpose) AS (hash(number * 16 + purpose) % 1000003) / 1000003.0;
INSERT INTO trials BY NAME
WITH known AS (SELECT name, strategy, row_number() OVER (ORDER BY name) - 1 AS method FROM methods),
numbered AS (
    SELECT range AS number, range % {methods} AS method, range // {methods} % {datasets} AS dataset,
        range // ({methods} * {datasets}) % {splits} AS split,
        range // ({methods} * {datasets} * {splits}) % {machines} AS machine,
        range // ({methods} * {datasets} * {splits} * {machines}) AS night
    FROM range({trials})
), ended AS (
    SELECT *, CASE WHEN chance(number, 0) < 0.97 THEN 'finished' WHEN chance(number, 0) < 0.98 THEN 'timed_out'
        WHEN chance(number, 0) < 0.99 THEN 'out_of_memory' ELSE 'crashed' END AS status,
        TIMESTAMP '2026-01-01 02:00:00' + to_days(CAST(night AS INTEGER)) + to_seconds(number % 20000) AS started_at
    FROM numbered JOIN known USING (method)
), drawn AS (
    SELECT *, CASE status WHEN 'finished' THEN
            (0.5 + method % 10 / 5.0) * (1 + dataset) * exp(0.2 * chance(number, 1) - night / 50.0) END AS seconds,
        CASE status WHEN 'finished' THEN 0.6 + dataset % 5 / 20.0 + chance(method + 50 * dataset, 2) / 20
            + split / 500.0 + chance(number, 3) / 25 END AS metric,
        md5('trial ' || number) AS drawn_name
    FROM ended
)
SELECT
    printf('%08x-%04x-7%s-8%s-%s', epoch_ms(started_at) // 65536, epoch_ms(started_at) % 65536,
        substr(drawn_name, 1, 3), substr(drawn_name, 4, 3), substr(drawn_name, 7, 12)) AS trial_id,
    md5('fingerprint ' || number) AS fingerprint,
    'machine-' || machine || '/' || night AS session_id,
    'machine-' || machine AS machine_id,
    printf('dataset-%02d', dataset) AS dataset,
    '1' AS dataset_version,
    name AS method,
    'protocol' AS protocol,
    '{{"epochs": {points}, "seconds": null, "learning_rate": 0.01, "weight_decay": 0.0005, "evaluate_every": 1}}'
        AS protocol_settings,
    'nightly' AS preset, split, 0 AS seed, 0 AS repeat,
    CASE machine WHEN 0 THEN 'cpu' ELSE 'cuda' END AS device,
    status, started_at, 1 AS attempt,
    CASE WHEN seconds IS NULL THEN 'it was ' || status || ', as such trials are' END AS reason,
    1.0 + 0 * seconds AS load_seconds, seconds / 10 AS preprocess_seconds, 0 * seconds AS compile_seconds,
    seconds AS train_seconds, seconds / 5 AS evaluate_seconds, 0 * seconds AS checkpoint_seconds,
    0.5 + 0 * seconds AS idle_seconds, 1.5 + seconds * 1.3 AS wall_seconds,
    metric + 0.01 AS validation_metric, metric AS test_metric,
    '{{"test_balanced_accuracy": ' || metric || ', "validation_balanced_accuracy": ' || metric || '}}'
        AS further_metrics,
    {points} AS selected_epoch, {points} AS epochs, 100000 AS parameters,
    400000 // (1 + method % 3) AS model_bytes,
    CAST(1e8 * (0.3 + method % 7 / 5.0) * (1 + 0.05 * chance(number, 4)) AS BIGINT) AS peak_memory_bytes,
    '{{"rss_above_start": {{"bytes": 100000000, "definition": "peak resident set of the process above its level '
        || 'before the model was built, evaluation left out"}}}}' AS memory,
    CASE machine WHEN 1 THEN 50.0 * seconds END AS energy_joules,
    CASE machine WHEN 1 THEN '{{"idle_watts": 70.0}}' ELSE '{{"reason": "no energy meter on this machine"}}' END
        AS energy,
    0.01 * (1 + dataset) * (1 + 0.1 * chance(number, 5)) + 0 * seconds AS inference_seconds,
    1000000 AS node_visits, 6000000 AS edge_visits,
    CASE strategy WHEN 'coarse_to_fine' THEN '[{{"scales": [2], "epoch": 0, "scored_seconds": 0.1, "steps": 40, '
        || '"node_visits": 1000, "edge_visits": 6000}}, {{"scales": [0], "epoch": 40, "scored_seconds": 0.5, '
        || '"steps": 60, "node_visits": 90000, "edge_visits": 600000}}]' END AS schedule,
    '{{"threads": 2, "allocator": "MALLOC_ARENA_MAX=1", "warm_up_seconds": 0.2, "wall_seconds": 60.0}}' AS environment,
    'measured_here' AS trust
FROM drawn ORDER BY number
"""

_POINTS = """
INSERT INTO curve_points BY NAME
SELECT trial_id, CAST(step AS INTEGER) AS position, step + 1 AS epoch, step + 1 AS step,
    coalesce(preprocess_seconds + train_seconds, 10.0) * (step + 1) / {points} AS scored_seconds,
    2.0 / (step + 1) AS train_loss,
    coalesce(validation_metric, 0.6) * (1 - exp(-6.0 * (step + 1) / {points}))
        + (hash(trial_id, step) % 1009) / 100900.0 AS validation_metric,
    1000 * (step + 1) AS node_visits, 6000 * (step + 1) AS edge_visits
FROM trials, (SELECT range AS step FROM range({points}))
"""

_DYNAMICS = """
INSERT INTO dynamics BY NAME
SELECT trial_id, 'relative_gradient_norm' AS quantity, '[0, 10, 20, 30]' AS epochs,
    '[[1.0, 2.0, 3.0], [0.5, 1.0, 2.0], [0.4, 0.9, 1.8], [0.3, 0.8, 1.7]]' AS "values"
FROM trials WHERE split = 0
"""
