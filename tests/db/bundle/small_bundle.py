"""A small good bundle without labels behind it, loaded by path because several rooms use it."""

from __future__ import annotations

import hashlib
import json
import zipfile
from io import BytesIO
from typing import Any

DATASET = "cora"


def small(trials: int = 2, reference: bool = True, **changes: Any) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A manifest without its parts, and the parts: trials of `gcn+sgc` twice as fast as those of `gcn+full_batch`."""
    entries, parts = [], {}
    for position in range(2 * trials if reference else trials):
        name, of_reference, split = f"{position:03d}", position >= trials, position % trials
        seconds = 4.0 if of_reference else 2.0
        best = 0.8 - 0.001 * position
        rows = [
            f"{e},{e},{e * seconds / 2},{1 / (e + position)},{best - 0.4 * (2 - e)},{e * 10},{e * 50}" for e in (1, 2)
        ]
        header = "epoch,step,scored_seconds,train_loss,validation_metric,node_visits,edge_visits"
        parts[f"curves/{name}.csv"] = "\n".join([header, *rows, ""]).encode()
        said = [f"{node},{(node * (position + 3) + position) % 31}" for node in range(20)]
        parts[f"predictions/{name}.csv"] = "\n".join(["node,prediction", *said, ""]).encode()
        entries.append(
            {
                "id": name,
                "reference": of_reference,
                "dataset": DATASET,
                "protocol": "p",
                "session": "one",
                "split": split,
                "seed": 0,
                "device": "cpu",
                "started_at": f"2026-01-02T12:{position:02d}:00Z",
                "ledger": {"load": 0.5, "preprocess": 0.0, "compile": 0.0, "train": seconds, "evaluate": 0.5,
                           "checkpoint": 0.0, "idle": 0.0, "wall": seconds + 1.0},
                "validation_metric": best,
                "test_metric": 0.7 + 0.01 * split,
                "selected_epoch": 2,
                "parameters": 100,
                "peak_memory_bytes": 1_000_000 + position,
            }
        )  # fmt: skip
    manifest = {
        "format": "leangnn-submission",
        "version": 1,
        "submitter": "A. Person",
        "method": {"backbone": "gcn", "strategy": "sgc"},
        "card": {"authors": "A. Person"},
        "machine": {"cpu_model": "Acme 1", "cpu_cores": 2, "memory_bytes": 2**34},
        "sessions": [{"id": "one", "started_at": "2026-01-02T12:00:00Z", "code_version": "1"}],
        "datasets": [{"name": DATASET, "version": "1"}],
        "protocols": {"p": {"epochs": 2}},
        "trials": entries,
    }
    return manifest | changes, parts


def document(manifest: dict[str, Any], parts: dict[str, bytes]) -> bytes:
    """The manifest with its parts, as bytes."""
    listed = {n: {"sha256": hashlib.sha256(c).hexdigest(), "bytes": len(c)} for n, c in parts.items()}
    return json.dumps({**manifest, "parts": listed}).encode()


def zipped(manifest: dict[str, Any], parts: dict[str, bytes]) -> bytes:
    """A bundle as bytes."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"manifest.json": document(manifest, parts), **parts}.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()
