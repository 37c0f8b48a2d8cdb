"""Chameleon and Squirrel without the duplicated nodes that leak from training to test.

Source: Platonov et al. 2023, arXiv:2302.11640.
"""

from __future__ import annotations

from bench.datasets.adjacency import Direction
from bench.datasets.declaration import Loader, Sizes
from bench.datasets.heterophilous import read
from bench.datasets.raw_files import RawFiles, raw_file
from bench.datasets.raw_graph import RawGraph
from bench.datasets.registry import dataset

_SOURCE = "https://github.com/yandex-research/heterophilous-graphs"


def _register(name: str, description: str, sizes: Sizes) -> None:
    stem = name.replace("-", "_")
    undirected, directed = f"{stem}.npz", f"{stem}_directed.npz"
    files = [
        raw_file(f"heterophilous_filtered/{file}", f"{_SOURCE}/raw/main/data/{file}", only_for=("direction", direction))
        for file, direction in ((undirected, "both"), (directed, "stored"))
    ]
    dataset(
        name,
        metric="accuracy",
        description=description,
        sizes=sizes,
        licence="MIT",
        source=_SOURCE,
        files=files,
    )(_loader(stem))


def _loader(stem: str) -> Loader:
    def load(files: RawFiles, *, direction: Direction = "both") -> RawGraph:
        # the directed edges are published as a file of their own
        suffix = "" if direction == "both" else "_directed"
        return read(files, f"heterophilous_filtered/{stem}{suffix}.npz", direction)

    return load


_register(
    "chameleon-filtered",
    "Wikipedia pages on chameleons, duplicates removed; class of traffic",
    Sizes(nodes=890, features=2_325, classes=5, edges=17_708),
)
_register(
    "squirrel-filtered",
    "Wikipedia pages on squirrels, duplicates removed; class of traffic",
    Sizes(nodes=2_223, features=2_089, classes=5, edges=93_996),
)
