"""The run behind this example: a perceptron of scikit-learn on node features, which is no method of LeanGNN.

`python submissions/example/run.py FOLDER` trains it on three splits and writes the folder that
`leangnn submit pack --from-folder FOLDER` makes a bundle of. LeanGNN is used to load the graph and for nothing else.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier

from bench.datasets import registry
from bench.meters import hardware

DATASET = "csbm(nodes=300,degree=6.0,features=8,classes=3,signal=2.0)"
EPOCHS, SPLITS = 20, (0, 1, 2)


def main() -> None:
    folder = Path(sys.argv[1])
    for name in ("curves", "predictions"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    started, machine = datetime.now(UTC), hardware.machine()
    data = registry.load(DATASET)
    trials = [trial(split, folder) for split in SPLITS]
    manifest = {
        "format": "leangnn-submission",
        "version": 1,
        "submitter": "The LeanGNN maintainers",
        "method": {"backbone": "sklearn_mlp(hidden=16)", "strategy": "minibatch"},
        "card": {
            "authors": "The LeanGNN maintainers",
            "licence": "MIT",
            "description": "An example of a bundle written by hand; a perceptron that sees no edge.",
        },
        "machine": {
            "cpu_model": machine.cpu_model,
            "cpu_cores": machine.cpu_cores,
            "memory_bytes": machine.memory_bytes,
        },
        "sessions": [
            {
                "id": "one",
                "started_at": started.isoformat(timespec="milliseconds"),
                "finished_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "code_version": "1",
                "environment": {"python": platform.python_version(), "scikit-learn": sklearn.__version__},
            }
        ],
        "datasets": [{"name": DATASET, "version": data.version, "sha256": data.sha256}],
        "protocols": {"adam": {"optimizer": "adam", "learning_rate": 0.01, "epochs": EPOCHS}},
        "trials": trials,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def trial(split: int, folder: Path) -> dict:
    """Train on one split, write its two CSV files, and return its entry of the manifest."""
    begun, began = datetime.now(UTC), time.perf_counter()
    data = registry.load(DATASET)
    load = time.perf_counter() - began
    parts, x = data.splits[split], np.asarray(data.x)
    model = MLPClassifier(hidden_layer_sizes=(16,), learning_rate_init=0.01, batch_size=32, random_state=0)
    train = evaluate = 0.0
    curve, best, kept, step, visits = [], -1.0, None, 0, 0
    for epoch in range(1, EPOCHS + 1):
        clock = time.perf_counter()
        model.partial_fit(x[parts.train], data.y[parts.train], classes=np.arange(data.classes))
        train += time.perf_counter() - clock
        step, visits = step + -(-parts.train.size // 32), visits + parts.train.size
        clock = time.perf_counter()
        said = model.predict(x)
        metric = float(np.mean(said[parts.valid] == data.y[parts.valid]))
        if metric > best:
            best, selected, kept = metric, epoch, said
        evaluate += time.perf_counter() - clock
        curve.append([epoch, step, train, model.loss_, metric, visits, 0])
    wall = time.perf_counter() - began
    name = f"split{split}"
    write(folder / "curves" / f"{name}.csv",
          "epoch,step,scored_seconds,train_loss,validation_metric,node_visits,edge_visits", curve)  # fmt: skip
    nodes = np.concatenate([parts.valid, parts.test])
    write(folder / "predictions" / f"{name}.csv", "node,prediction", zip(nodes, kept[nodes], strict=True))
    return {
        "id": name,
        "dataset": DATASET,
        "protocol": "adam",
        "session": "one",
        "split": split,
        "seed": 0,
        "device": "cpu",
        "started_at": begun.isoformat(timespec="milliseconds"),
        "ledger": {"load": load, "preprocess": 0.0, "compile": 0.0, "train": train, "evaluate": evaluate,
                   "checkpoint": 0.0, "idle": wall - load - train - evaluate, "wall": wall},
        "validation_metric": best,
        "test_metric": float(np.mean(kept[parts.test] == data.y[parts.test])),
        "selected_epoch": selected,
        "epochs": EPOCHS,
        "parameters": sum(weights.size for weights in (*model.coefs_, *model.intercepts_)),
    }  # fmt: skip


def write(path: Path, header: str, rows) -> None:
    path.write_text("\n".join([header, *(",".join(str(value) for value in row) for row in rows), ""]))


if __name__ == "__main__":
    main()
