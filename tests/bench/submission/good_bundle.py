"""One good bundle as plain values, and the means to break it."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from bench.datasets import registry

DATASET = "csbm(nodes=1200,degree=6.0,features=8,classes=3,signal=2.0)"
CURVE = "epoch,step,scored_seconds,train_loss,validation_metric,node_visits,edge_visits"


@dataclass
class Good:
    """A good bundle as plain values: ten splits of one method, believable in every figure."""

    manifest: dict[str, Any]
    parts: dict[str, bytes]
    data: Any = None

    def copy(self) -> Good:
        return Good(copy.deepcopy(self.manifest), dict(self.parts), self.data)

    @property
    def trial(self) -> dict[str, Any]:
        return self.manifest["trials"][0]

    def document(self) -> bytes:
        listed = {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            for name, content in self.parts.items()
        }
        return json.dumps({**self.manifest, "parts": listed}).encode()

    def zipped(self, document: bytes | None = None) -> bytes:
        return zipped({"manifest.json": document or self.document(), **self.parts})


def zipped(members: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, kind)
    return file.getvalue()


def good(cache: Path | None = None) -> Good:
    """The bundle that every case breaks."""
    data = registry.load(DATASET, cache_dir=cache)
    noise = np.random.default_rng(0)
    started = datetime(2026, 1, 2, 12, tzinfo=UTC)
    trials, parts = [], {}
    for split in range(10):
        name, nodes = f"{split:03d}", np.concatenate([data.splits[split].valid, data.splits[split].test])
        said = np.where(noise.random(nodes.size) < 0.8, data.y[nodes], (data.y[nodes] + 1) % data.classes)
        parts[f"predictions/{name}.csv"] = predictions_csv(nodes, said)
        valid, test = (
            share_right(data, nodes, said, part) for part in (data.splits[split].valid, data.splits[split].test)
        )
        climb = np.linspace(0.3, 1.0, 10) * valid
        parts[f"curves/{name}.csv"] = curve_csv(climb, noise.random(10))
        trials.append(
            {
                "id": name,
                "dataset": DATASET,
                "protocol": "settings",
                "session": "one",
                "split": split,
                "seed": 0,
                "device": "cpu",
                "started_at": (started + timedelta(minutes=split)).isoformat(),
                "ledger": {"load": 1.0, "preprocess": 0.5, "compile": 0.0, "train": 9.5, "evaluate": 1.0,
                           "checkpoint": 0.1, "idle": 0.4, "wall": 12.5},
                "validation_metric": valid,
                "test_metric": test,
                "selected_epoch": 10,
                "epochs": 10,
                "parameters": 1000,
                "peak_memory_bytes": 5_000_000,
            }
        )  # fmt: skip
    manifest = {
        "format": "leangnn-submission",
        "version": 1,
        "submitter": "A. Person",
        "method": {"backbone": "gcn", "strategy": "my_strategy"},
        "card": {"authors": "A. Person and B. Person", "licence": "MIT"},
        "machine": {"cpu_model": "Acme 1", "cpu_cores": 2, "memory_bytes": 2**34},
        "sessions": [{"id": "one", "started_at": started.isoformat(), "code_version": "1.0"}],
        "datasets": [{"name": DATASET, "version": data.version, "sha256": data.sha256}],
        "protocols": {"settings": {"epochs": 10, "learning_rate": 0.01}},
        "trials": trials,
    }
    return Good(manifest, parts, data)


def share_right(data: Any, nodes: np.ndarray, said: np.ndarray, part: np.ndarray) -> float:
    by_node = dict(zip(nodes.tolist(), said.tolist(), strict=True))
    return float(np.mean([by_node[node] == data.y[node] for node in part.tolist()]))


def predictions_csv(nodes: Any, values: Any) -> bytes:
    rows = [f"{node},{value}" for node, value in zip(nodes, values, strict=True)]
    return "\n".join(["node,prediction", *rows, ""]).encode()


def curve_csv(metric: Any, loss: Any) -> bytes:
    rows = [f"{e},{e},{e}.0,{loss[e - 1]},{metric[e - 1]!r},{e * 1200},{e * 7000}" for e in range(1, len(metric) + 1)]
    return "\n".join([CURVE, *(row.replace("np.float64(", "").replace(")", "") for row in rows), ""]).encode()
