"""How often an edge joins equal labels, plain and adjusted for class sizes (Platonov et al. 2023, arXiv:2209.06177)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def homophily(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], y: NDArray[np.int64]
) -> tuple[float | None, float | None]:
    """`homophily_of_ends` of a graph's edges.

    Args:
        indptr, indices: CSR adjacency.
        y: int64 [N], -1 is unlabelled.
    """
    return homophily_of_ends(np.repeat(y, np.diff(indptr)), y[indices])


def homophily_of_ends(receivers: NDArray[np.int64], senders: NDArray[np.int64]) -> tuple[float | None, float | None]:
    """Edge homophily h and adjusted homophily (h - sum_k p_k^2) / (1 - sum_k p_k^2).

    p_k is the share of edge ends in class k, so that the second number is 0 for a graph whose edges ignore
    labels. Edges with an unlabelled end do not count. An undirected edge may stand once or in both directions.

    Args:
        receivers, senders: int64 [E], the labels of each edge's two ends, -1 is unlabelled.

    Returns:
        Both numbers; None where there is no labelled edge, and None for the second where all ends are of one class.
    """
    labelled = (receivers >= 0) & (senders >= 0)
    receivers, senders = receivers[labelled], senders[labelled]
    if len(receivers) == 0:
        return None, None
    edge = float(np.mean(receivers == senders))
    classes = int(max(receivers.max(), senders.max())) + 1
    ends = np.bincount(receivers, minlength=classes) + np.bincount(senders, minlength=classes)
    expected = float(np.sum((ends / ends.sum()) ** 2))
    if expected >= 1.0:
        return edge, None
    return edge, (edge - expected) / (1.0 - expected)
