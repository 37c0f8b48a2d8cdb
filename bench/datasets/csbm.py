"""Contextual stochastic block model with dials for size, degree and homophily.

Source: Deshpande et al. 2018, arXiv:1807.09596.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.datasets.raw_files import RawFiles
from bench.datasets.raw_graph import RawGraph
from bench.datasets.registry import dataset
from bench.datasets.splits import stratified
from bench.errors import UsageError

_ROWS_AT_ONCE = 2**16


@dataset(
    "csbm",
    metric="accuracy",
    description="A generated graph of equal classes: dials for size, degree, homophily and signal",
    source="https://arxiv.org/abs/1807.09596",
)
def csbm(
    files: RawFiles,
    *,
    nodes: int = 10_000,
    degree: float = 10.0,
    homophily: float = 0.7,
    features: int = 32,
    classes: int = 4,
    signal: float = 1.0,
    seed: int = 0,
) -> RawGraph:
    """Equal classes; nodes * degree / 2 distinct undirected edges, each within a class with probability `homophily`.

    Features are standard normal noise around a class mean of length `signal` in a random direction. Splits: ten random
    stratified ones of 60/20/20 %.

    Raises:
        UsageError: dials that give no such graph.
    """
    edges = round(nodes * degree / 2)
    if classes < 2 or nodes < 10 * classes or features < 1 or not 0 <= homophily <= 1 or signal < 0:
        raise UsageError(
            "csbm needs at least 2 classes, 10 nodes a class, 1 feature, homophily from 0 to 1 and signal from 0, not "
            f"classes={classes}, nodes={nodes}, features={features}, homophily={homophily}, signal={signal}"
        )
    if not 1 <= edges <= nodes * (nodes // classes - 1) / 8:
        raise UsageError(f"csbm cannot place degree={degree} on nodes={nodes}, classes={classes}; take a lower degree")
    generator = np.random.default_rng(seed)
    # interleaved, so that drawing a member of a class is arithmetic
    y = np.arange(nodes) % classes
    means = generator.standard_normal((classes, features), dtype=np.float32)
    means *= np.float32(signal) / np.linalg.norm(means, axis=1, keepdims=True)
    x = generator.standard_normal((nodes, features), dtype=np.float32)
    for start in range(0, nodes, _ROWS_AT_ONCE):  # means[y] of all nodes would be as large as x
        rows = slice(start, start + _ROWS_AT_ONCE)
        x[rows] += means[y[rows]]
    edge_index = draw_edges(generator, y, classes, edges, homophily)
    return RawGraph(x=x, edge_index=edge_index, y=y, splits=stratified(y, train=0.6), classes=classes)


def draw_edges(
    generator: np.random.Generator, y: NDArray[np.int64], classes: int, edges: int, homophily: float
) -> NDArray[np.int64]:
    """Distinct undirected edges without self-loops, [2, edges]; node i is of class i modulo `classes`."""
    nodes = len(y)
    keys = np.empty(0, np.int64)
    while len(keys) < edges:
        wanted = edges - len(keys)
        drawn = wanted + wanted // 50 + 16
        sources = generator.integers(nodes, size=drawn)
        shift = generator.integers(1, classes, size=drawn)
        shift[generator.random(drawn) < homophily] = 0
        label = (y[sources] + shift) % classes
        members = (nodes - label + classes - 1) // classes
        targets = label + classes * (generator.random(drawn) * members).astype(np.int64)
        low, high = np.minimum(sources, targets), np.maximum(sources, targets)
        fresh = (low * nodes + high)[low != high]
        # sorting and comparing neighbours is ten times faster than np.unique here
        keys = np.concatenate([keys, fresh])
        keys.sort()
        keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])]
    # the keys are sorted, so that dropping the last ones would favour low nodes
    surplus = generator.choice(len(keys), len(keys) - edges, replace=False, shuffle=False)
    keys = np.delete(keys, surplus)
    return np.stack([keys // nodes, keys % nodes])
