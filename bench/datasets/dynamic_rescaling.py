"""The two released synthetic sets of Dynamic Rescaling for training GNNs (Mustafa and Burkholz 2024)."""

from __future__ import annotations

import numpy as np

from bench.datasets.declaration import Loader, Sizes
from bench.datasets.raw_files import RawFiles, raw_file
from bench.datasets.raw_graph import RawGraph
from bench.datasets.registry import dataset
from bench.datasets.splits import from_masks


def _register(name: str, file: str, description: str, sizes: Sizes) -> None:
    path = f"dynamic_rescaling/{file}.npz"
    dataset(
        name,
        metric="accuracy",
        description=description,
        sizes=sizes,
        licence="none stated",
        source="https://github.com/RelationalML/Dynamic_Rescaling_GAT",
        # released as a pickle, which would have to be executed; the arrays are checked as plain .npz
        files=[raw_file(path)],
    )(_loader(path))


def _loader(path: str) -> Loader:
    def load(files: RawFiles) -> RawGraph:
        with np.load(files.path(path)) as arrays:
            return RawGraph(
                x=arrays["x"],
                edge_index=arrays["edge_index"],
                y=arrays["y"],
                splits=from_masks(arrays["train_mask"], arrays["val_mask"], arrays["test_mask"]),
            )

    return load


_register(
    "layer-order",
    "layer_order",
    "A random graph labelled by a random attention network; the majority class is 92 % of the test nodes",
    Sizes(nodes=5_000, features=10, classes=2, edges=12_516),
)
_register(
    "grokking",
    "grokking",
    "A small random graph labelled by a random convolutional network",
    Sizes(nodes=100, features=10, classes=2, edges=92),
)
