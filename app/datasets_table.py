"""The datasets of a store as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import pandas as pd

from app import format as words
from db.coverage import Coverage
from db.records import DatasetRecord

Covered = Mapping[tuple[str, str], Coverage]


def datasets_frame(datasets: Sequence[DatasetRecord], covered: Covered) -> pd.DataFrame:
    """One line a dataset and version, with counts as numbers, so that a table sorts them."""
    lines = []
    for dataset in datasets:
        own = covered.get((dataset.name, dataset.version))
        lines.append(
            {
                "dataset": dataset.name,
                "substitute": dataset.substitute_for,
                "nodes": dataset.nodes,
                "edges": dataset.edges,
                "degree": dataset.edges / dataset.nodes if dataset.nodes else None,
                "features": dataset.features,
                "classes": dataset.classes,
                "graphs": dataset.graphs,
                "homophily": dataset.edge_homophily,
                "adjusted": dataset.adjusted_homophily,
                "level": dataset.level,
                "metric": words.words(dataset.metric),
                "methods": own.methods if own else 0,
                "trials": own.trials if own else 0,
                "splits": own.splits if own else 0,
                "newest": own.newest if own else None,
                "version": dataset.version,
                "sha256": dataset.sha256[:12],
                "board": board_link(dataset.name),
            }
        )
    frame = pd.DataFrame(lines)
    return frame.astype(dict.fromkeys(("degree", "homophily", "adjusted"), float))


def board_link(dataset: str) -> str:
    """The address of the board with this dataset alone, from another page."""
    return "./?" + urlencode({"dataset": dataset})
