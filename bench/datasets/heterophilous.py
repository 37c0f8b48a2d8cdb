"""The heterophilous graphs of Platonov et al. 2023 (arXiv:2302.11640), with their ten official splits."""

from __future__ import annotations

import numpy as np

from bench.datasets.adjacency import Direction
from bench.datasets.declaration import Loader, Sizes
from bench.datasets.graph_data import Metric
from bench.datasets.raw_files import RawFile, RawFiles, raw_file
from bench.datasets.raw_graph import RawGraph
from bench.datasets.registry import dataset
from bench.datasets.splits import from_masks

_SOURCE = "https://github.com/yandex-research/heterophilous-graphs"


def _register(name: str, metric: Metric, description: str, sizes: Sizes, git_blob: str | None = None) -> None:
    stem = name.replace("-", "_")
    path, url = f"heterophilous/{stem}/raw/{stem}.npz", f"{_SOURCE}/raw/main/data/{stem}.npz"
    file = RawFile(path, url, git_blob=git_blob) if git_blob else raw_file(path, url)
    dataset(
        name,
        metric=metric,
        description=description,
        sizes=sizes,
        licence="MIT",
        source=_SOURCE,
        files=[file],
    )(_loader(path))


def _loader(path: str) -> Loader:
    def load(files: RawFiles, *, direction: Direction = "both") -> RawGraph:
        # the files store each edge once, from the lower to the higher node
        return read(files, path, direction)

    return load


def read(files: RawFiles, path: str, direction: Direction) -> RawGraph:
    """Read the `.npz` layout of this benchmark: features, labels, pairs, masks [10, N]."""
    with np.load(files.path(path)) as arrays:
        return RawGraph(
            x=arrays["node_features"],
            edge_index=arrays["edges"].T,
            y=arrays["node_labels"],
            splits=from_masks(arrays["train_masks"], arrays["val_masks"], arrays["test_masks"]),
            direction=direction,
        )


_register(
    "roman-empire",
    "accuracy",
    "Words of one long article, joined when they follow or depend on each other; syntactic role",
    Sizes(nodes=22_662, features=300, classes=18, edges=65_854, stored_edges=32_927),
    git_blob="1f9bae5e95b28e529015269e98acb237b65d8d3b",
)
_register(
    "amazon-ratings",
    "accuracy",
    "Products often bought together; class of the mean rating",
    Sizes(nodes=24_492, features=300, classes=5, edges=186_100, stored_edges=93_050),
    git_blob="29647a8b0ff0ef856d73d683a8c3595bd5efbd38",
)
_register(
    "minesweeper",
    "roc_auc",
    "A 100 x 100 grid with mines; which cell hides one",
    Sizes(nodes=10_000, features=7, classes=2, edges=78_804, stored_edges=39_402),
)
_register(
    "tolokers",
    "roc_auc",
    "Crowd workers who worked on the same task; who was banned",
    Sizes(nodes=11_758, features=10, classes=2, edges=1_038_000, stored_edges=519_000),
)
_register(
    "questions",
    "roc_auc",
    "Users who answered each other's questions; who stayed active",
    Sizes(nodes=48_921, features=301, classes=2, edges=307_080, stored_edges=153_540),
    git_blob="4c7cb65057dbc9771af00fdfdee64a41b3875079",
)

_PARTIAL = "incomplete/heterophilous/amazon_ratings/raw/amazon_ratings.npz"

dataset(
    "amazon-ratings-partial",
    metric="accuracy",
    description="amazon-ratings with 98.8 % of its edges and splits drawn again by the published rule",
    sizes=Sizes(nodes=24_492, features=300, classes=5, edges=183_808, stored_edges=91_904),
    licence="MIT",
    source=_SOURCE,
    files=[raw_file(_PARTIAL)],
    substitute_for="amazon-ratings",
)(_loader(_PARTIAL))
