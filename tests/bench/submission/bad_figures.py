"""Bundles that are well-formed and cannot be true."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from cases import edited, put
from good_bundle import Good, curve_csv, predictions_csv

CURVE_0, SAID_0 = "curves/000.csv", "predictions/000.csv"

edited("claim_above_predictions", "claims the test accuracy 0.99, but its predictions give",
       put("trials", 0, "test_metric", value=0.99))  # fmt: skip
edited("ledger_does_not_close", "the ledger of trial 000 sums to 12.5 s and its wall time is 20 s",
       put("trials", 0, "ledger", "wall", value=20.0))  # fmt: skip
edited("curve_longer_than_the_ledger", "ends at 10 scored seconds, but", put("trials", 0, "ledger", value={
    "load": 1.0, "preprocess": 0.0, "compile": 0.0, "train": 2.0, "evaluate": 9.0, "checkpoint": 0.1, "idle": 0.4,
    "wall": 12.5}))  # fmt: skip
edited("memory_under_the_parameters", "less than the 4,000,000 bytes of its own parameters",
       lambda b: b.trial.update(parameters=1_000_000, peak_memory_bytes=1000))  # fmt: skip
edited("session_too_short", "session one lasted 60 s, but its trials took 125 s",
       lambda b: b.manifest["sessions"][0].update(finished_at="2026-01-02T12:01:00Z"))  # fmt: skip
edited("started_before_its_session", "started before its session",
       put("sessions", 0, "started_at", value="2026-01-02T12:00:30Z"))  # fmt: skip
edited("more_epochs_than_it_ran", "ran 5 epochs, but its curve goes to epoch 10", put("trials", 0, "epochs", value=5))
edited("selected_without_evaluation", "in which its curve has no evaluation",
       put("trials", 0, "selected_epoch", value=99))  # fmt: skip
edited(
    "unknown_optimizer", "no optimizer is called 'rm -rf'", put("protocols", "settings", "optimizer", value="rm -rf")
)
edited("other_version_of_the_data", "and ours is", put("datasets", 0, "version", value="0.0"))
edited("other_data", "another SHA-256 than ours", put("datasets", 0, "sha256", value="0" * 64))


def renamed_dataset(name: str) -> Callable[[Good], None]:
    def edit(bundle: Good) -> None:
        bundle.manifest["datasets"][0]["name"] = name
        for trial in bundle.manifest["trials"]:
            trial["dataset"] = name

    return edit


edited(
    "dataset_of_a_billion_nodes",
    "nodes=1000000000 of .* is above 2 times its default",
    renamed_dataset("csbm(nodes=1000000000)"),
)
edited("unknown_dataset", "there is no dataset 'imagenet'", renamed_dataset("imagenet"))
edited("split_that_does_not_exist", "ran split 77", put("trials", 0, "split", value=77))


def select_by_test(bundle: Good) -> None:
    rows = bundle.parts[CURVE_0].decode().split("\n")
    metric = rows[8].split(",")[4]
    bundle.trial.update(selected_epoch=8, validation_metric=float(metric))


edited("selected_by_test", "the epoch must be selected by validation, never by test", select_by_test)


def copied(path: str) -> Callable[[Good], None]:
    def edit(bundle: Good) -> None:
        bundle.trial.update(split=0, seed=0)
        bundle.manifest["trials"][1].update(split=0, seed=1)
        for name in ("curves", "predictions") if path == "curves" else ("predictions",):
            bundle.parts[f"{name}/001.csv"] = bundle.parts[f"{name}/000.csv"]
        bundle.manifest["trials"][1].update({k: bundle.trial[k] for k in ("validation_metric", "test_metric")})

    return edit


edited("identical_curves", "have other seeds or splits and the same curve", copied("curves"))
edited("identical_predictions", "have other seeds and the same predictions", copied("predictions"))


def with_labels(bundle: Good, *parts: str) -> None:
    """Put true labels for predictions of the first trial."""
    split = bundle.data.splits[0]
    rows = dict(line.split(",") for line in bundle.parts[SAID_0].decode().split("\n")[1:-1])
    for name in parts:
        rows |= {str(node): str(bundle.data.y[node]) for node in getattr(split, name).tolist()}
    bundle.parts[SAID_0] = predictions_csv(rows.keys(), rows.values())
    if "test" in parts:
        bundle.trial["test_metric"] = 1.0


edited("test_labels_as_predictions", "standard errors apart; test labels must not be seen",
       lambda bundle: with_labels(bundle, "test"))  # fmt: skip


def all_labels(bundle: Good) -> None:
    with_labels(bundle, "valid", "test")
    bundle.trial["validation_metric"] = 1.0
    bundle.parts[CURVE_0] = curve_csv(
        np.array([0.33, 0.34, 0.33, 0.35, 0.34, 0.33, 0.34, 0.35, 0.34, 1.0]), np.ones(10)
    )


edited(
    "all_labels_and_an_impossible_curve", "right on all .* test labels, and its curve does not climb there", all_labels
)
