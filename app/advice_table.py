"""Tables of the page that advises on a method: the nearest graphs, and the methods measured on them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
from pandas.io.formats.style import Styler

from app import format as words
from app.format import NOTHING
from app.names import short_names
from db.records import DatasetRecord
from db.scoring.advice import Bounds, Choice, Graph, Neighbour
from db.scoring.board import BoardRow

FITS = {True: "yes", False: "no", None: "cannot be said"}
"""What `Choice.fits` is called where there is a cap."""


def neighbours_frame(graph: Graph, near: Sequence[Neighbour]) -> pd.DataFrame:
    """One line a measured graph: its distance, its properties and how they differ."""
    return pd.DataFrame(
        [
            {
                "graph": neighbour.dataset.name,
                "distance": neighbour.distance,
                "weight": neighbour.weight,
                "nodes": neighbour.dataset.nodes,
                "degree": neighbour.dataset.edges / neighbour.dataset.nodes if neighbour.dataset.nodes else None,
                "features": neighbour.dataset.features,
                "classes": neighbour.dataset.classes,
                "homophily": neighbour.dataset.edge_homophily,
                "differs": "; ".join(differences(graph, neighbour.dataset)) or "in nothing that was given",
            }
            for neighbour in near
        ]
    )


def differences(graph: Graph, dataset: DatasetRecord) -> list[str]:
    """What of a graph is larger or smaller than of a measured one, in words; only what was given."""
    given = {
        "nodes": (graph.nodes, dataset.nodes),
        "neighbours a node": (_degree(graph), _degree(dataset)),
        "features": (graph.features, dataset.features),
        "classes": (graph.classes, dataset.classes),
    }
    found = [
        f"{_times(own / other)} the {name}" for name, (own, other) in given.items() if own and other and own != other
    ]
    if graph.edge_homophily is not None and dataset.edge_homophily is not None:
        more = graph.edge_homophily - dataset.edge_homophily
        if abs(more) >= 0.005:
            found.append(f"homophily {more:+.2f}")
    return found


def choices_frame(found: Sequence[Choice], near: Sequence[Neighbour]) -> pd.DataFrame:
    """One line a method, best first, with the figures of the nearest graph that it has a result on."""
    order = [neighbour.dataset.name for neighbour in near]
    names, lines = short_names(choice.method for choice in found), []
    for place, choice in enumerate(found, 1):
        row = min(choice.rows, key=lambda row: (row.mean is None, order.index(row.dataset)))
        lines.append(
            {
                "rank": place,
                "name": names[choice.method],
                "method": choice.method,
                "worth": choice.worth,
                "graph": row.dataset,
                "score": words.percent_interval(row.mean, row.ci_low, row.ci_high),
                "n": row.n,
                "marks": marks(choice, row),
                "time": row.scored_seconds,
                "ratio": words.ratio_interval(row.time_ratio, row.time_ratio_low, row.time_ratio_high),
                "memory": row.peak_memory_bytes,
                "here": bounds_words(choice.memory),
                "fits": FITS[choice.fits],
                "energy": row.energy_joules,
            }
        )
    frame = pd.DataFrame(lines)
    return frame.astype(dict.fromkeys(("worth", "time", "memory", "energy"), float)) if lines else frame


def worded(frame: pd.DataFrame) -> Styler:
    """The table of `choices_frame` with its numbers in words; sorting goes by the numbers."""
    said = {"worth": lambda worth: f"{worth:+.2f}", "time": words.seconds, "memory": words.size, "energy": words.joules}
    return frame.style.format(said, na_rep=NOTHING)


def marks(choice: Choice, row: BoardRow) -> list[str]:
    """What a reader should know before believing a line."""
    found = [row.status] if row.status == "provisional" else []
    found += [f"failed on {failed.dataset}" for failed in choice.rows if failed.status == "failed"]
    found += [f"not run on {choice.missing} of the graphs"] if choice.missing else []
    return found + ([row.trust] if row.trust in ("disputed", "retracted") else [])


def bounds_words(bounds: Bounds) -> str:
    """`12 MB to 48 MB`, `at least 12 MB`, `at most 48 MB`; nothing where nothing can be said."""
    low, high = bounds
    if low is None and high is None:
        return NOTHING
    if low is None:
        return f"at most {words.size(high)}"
    if high is None:
        return f"at least {words.size(low)}"
    ends = words.size(low), words.size(high)
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def _degree(graph: Graph | DatasetRecord) -> float | None:
    return graph.edges / graph.nodes if graph.edges and graph.nodes else None


def _times(factor: float) -> str:
    if math.isclose(factor, 1, rel_tol=0.005):
        return "1.0x"
    return f"{factor:.1f}x" if 1 <= factor < 10 else f"{factor:,.0f}x" if factor >= 10 else f"{factor:.2g}x"
