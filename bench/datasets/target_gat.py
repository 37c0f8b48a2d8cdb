"""A random graph labelled by a random attention network, by the recipe of the layer-order set.

Source: Mustafa and Burkholz 2024, Dynamic Rescaling for training GNNs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.datasets.adjacency import to_csr
from bench.datasets.raw_files import RawFiles
from bench.datasets.raw_graph import RawGraph
from bench.datasets.registry import dataset
from bench.datasets.splits import stratified
from bench.errors import UsageError

_LEAK = 0.2


@dataset(
    "target-gat",
    metric="accuracy",
    description="A generated random graph labelled by clustering the outputs of a random attention network",
    source="https://github.com/RelationalML/Dynamic_Rescaling_GAT",
)
def target_gat(
    files: RawFiles,
    *,
    nodes: int = 5_000,
    probability: float = 0.0005,
    features: int = 10,
    classes: int = 2,
    layers: int = 5,
    seed: int = 0,
) -> RawGraph:
    """Erdos-Renyi graph, standard normal features, labels from K-means on the outputs of `target_outputs`.

    Class 0 is the largest. Splits: ten random stratified ones of 50/25/25 %.

    Raises:
        UsageError: dials that give no such graph.
    """
    if nodes < 20 * classes or classes < 2 or layers < 1 or features < 1 or not 0 < probability < 1:
        raise UsageError(
            "target-gat needs 2 classes, 20 nodes a class, 1 layer, 1 feature and a probability between 0 and 1, not "
            f"classes={classes}, nodes={nodes}, layers={layers}, features={features}, probability={probability}"
        )
    generator = np.random.default_rng(seed)
    edge_index = random_graph(generator, nodes, probability)
    x = generator.standard_normal((nodes, features))
    indptr, indices = to_csr(edge_index, nodes)
    outputs = target_outputs(generator, x, indptr, indices, [features] * (layers - 1) + [classes])
    y = _clusters(outputs, classes, seed)
    return RawGraph(x=x, edge_index=edge_index, y=y, splits=stratified(y, train=0.5), classes=classes)


def random_graph(generator: np.random.Generator, nodes: int, probability: float) -> NDArray[np.int64]:
    """Each pair of nodes is an edge with this probability, independently; [2, E], each edge once."""
    pairs = nodes * (nodes - 1) // 2
    wanted = generator.binomial(pairs, probability)
    chosen = np.sort(generator.choice(pairs, wanted, replace=False))
    # pair number p stands in row i of the upper triangle, whose first pair is number i * (2 * nodes - i - 1) / 2
    starts = np.arange(nodes) * (2 * nodes - np.arange(nodes) - 1) // 2
    first = np.searchsorted(starts, chosen, side="right") - 1
    return np.stack([first, chosen - starts[first] + first + 1])


def target_outputs(
    generator: np.random.Generator,
    x: NDArray[np.float64],
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    widths: list[int],
) -> NDArray[np.float64]:
    """Outputs [N, widths[-1]] of a GATv2 network with Xavier-normal weights shared by both ends of an edge.

    No bias, no self-loops, ReLU between layers; a node without neighbours has output 0.
    """
    hidden = x
    for number, width in enumerate(widths):
        if number:
            hidden = np.maximum(hidden, 0)
        weight = generator.normal(0, np.sqrt(2 / (hidden.shape[1] + width)), (hidden.shape[1], width))
        attention = generator.normal(0, np.sqrt(2 / (width + 1)), width)
        hidden = _attend(hidden @ weight, attention, indptr, indices)
    return hidden


def _attend(
    hidden: NDArray[np.float64], attention: NDArray[np.float64], indptr: NDArray[np.int64], indices: NDArray[np.int32]
) -> NDArray[np.float64]:
    receivers = np.repeat(np.arange(len(hidden)), np.diff(indptr))
    joined = hidden[receivers] + hidden[indices]
    scores = np.where(joined > 0, joined, _LEAK * joined) @ attention
    highest = np.full(len(hidden), -np.inf)
    np.maximum.at(highest, receivers, scores)
    weights = np.exp(scores - highest[receivers])
    weights /= np.bincount(receivers, weights, len(hidden))[receivers]
    result = np.zeros_like(hidden)
    np.add.at(result, receivers, weights[:, None] * hidden[indices])
    return result


def _clusters(outputs: NDArray[np.float64], classes: int, seed: int) -> NDArray[np.int64]:
    from sklearn.cluster import KMeans

    found = KMeans(classes, n_init=10, random_state=seed).fit_predict(outputs)
    by_size = np.argsort(-np.bincount(found, minlength=classes), kind="stable")
    return np.argsort(by_size)[found]
