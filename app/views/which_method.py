"""Which method for my graph: an answer from the nearest measured graphs."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

import streamlit as st

from app import filters, format, notices, source
from app.advice_table import choices_frame, neighbours_frame, worded
from app.graph_form import asked, objection
from app.table import machine
from db.read import Overview, Reader
from db.scoring.advice import (
    FAR,
    LEAST_SPREAD,
    NEAREST,
    Choice,
    Graph,
    Neighbour,
    measured_quantities,
    neighbours,
    one_protocol,
    rank,
)
from db.scoring.board import BoardRow
from db.scoring.board_columns import RANKED_FROM

TITLE, ICON, ORDER = "Which method?", ":material/explore:", 6
HEADING = "Which method for my graph?"

_ORDER = [
    "name", "rank", "worth", "score", "n", "marks", "here", "fits", "time", "ratio", "memory", "energy", "graph",
    "method",
]  # fmt: skip

_FORMULAS = f"""
- **Distance**: of nodes, average degree, features and classes the logarithm is taken, homophily as it is. Each is
  divided by its standard deviation over the measured graphs (by no less than log 2, homophily by no less than
  {LEAST_SPREAD["homophily"]:g}). The distance is the root of the mean of the squared differences, over what you gave: 1
  is one standard deviation, and above {FAR:g} a graph is called far. Sets of many small graphs are left out.
- **Weight** of a graph: exp(-(d^2 - d0^2) / 2), with d its distance and d0 that of the nearest.
- **Worth** of a method on one graph: beside the most accurate full-batch reference there, the weighted mean of
  percentage points of the metric and of halvings of time, memory and energy (log2 of reference / method), with the
  weights that you set. With equal weights one point is worth half the time. Its worth here is the mean over the
  graphs, by their weights.
- **Order**: by worth. Methods that were not run on all of the graphs come after those that were, because means over
  different graphs cannot be compared; then those that failed on one; last those that surely need more than the cap.
- **Memory on your graph**: the tensors of full-batch training are proportional to nodes, edges, nodes x features,
  nodes x classes, features, classes, or fixed. So its peak grows by no more than the part that grows most and by no
  less than the part that grows least, from every graph that the method was measured on. Of other ways to train only
  this is assumed: a graph that is larger in none of these needs no more memory. Where that leaves nothing to say,
  the table has only what was measured.
- Times are never scaled: they are those of the graph in the line.
"""


def render(reader: Reader) -> None:
    """Draw the page under its heading."""
    overview = source.overview(reader)
    if not overview.trials:
        notices.no_results(overview, reader.name)
        return
    if overview.stale:
        notices.stale(overview)
    st.markdown("Say what you know of your graph. Leave out what you do not know.")
    graph, cap, weights = asked()
    if graph == Graph():
        st.info("Type in at least one number of your graph, or let an edge list be measured.")
        return
    if wrong := objection(graph):
        st.warning(wrong)
        return
    rows = _one_machine(source.board(reader), overview)
    measured = {(row.dataset, row.dataset_version) for row in rows}
    datasets = [each for each in overview.datasets if (each.name, each.version) in measured]
    near = neighbours(graph, datasets)[:NEAREST]
    if not near:
        st.info("No measured graph has all the properties that you gave. Leave one out, or measure your graph:")
        st.code("leangnn run --dataset my-graph.toml --method gcn", language="bash")
        return
    _nearest(graph, near)
    usable = _usable(weights, one_protocol(rows, near))
    if usable:
        _ranking(rank(graph, near, rows, usable, overview.datasets, cap), near, graph, cap)
    with st.expander("How this is computed", icon=":material/help:"):
        st.markdown(_FORMULAS)


def _one_machine(rows: Sequence[BoardRow], overview: Overview) -> list[BoardRow]:
    """The rows of one device and machine, the one with most rows unless another is chosen."""
    machines = {each.machine_id: each for each in overview.machines}
    groups: dict[tuple[str, str], list[BoardRow]] = {}
    for row in rows:
        groups.setdefault((row.device, row.machine_id), []).append(row)
    labels: dict[str, list[BoardRow]] = {}
    for (device, machine_id), own in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        label = f"{device} · {machine(own[0], machines)}"
        labels[f"{label} · {machine_id}" if label in labels else label] = own
    if len(labels) == 1:
        return next(iter(labels.values()))
    filters.say_ignored({"machine": list(labels)})
    return labels[st.selectbox("Measured on", list(labels), key="machine", bind="query-params", width=480)]


def _nearest(graph: Graph, near: Sequence[Neighbour]) -> None:
    st.subheader("The nearest measured graphs", anchor=False)
    nearest = near[0]
    if nearest.distance > FAR:
        st.warning(
            f"Even the nearest, {format.plain(nearest.dataset.name)}, is far: {nearest.distance:.1f} standard "
            "deviations away. What was best there need not be best on your graph; measure a few candidates on it.",
            icon=":material/social_distance:",
        )
    column = st.column_config
    st.dataframe(
        neighbours_frame(graph, near),
        hide_index=True,
        placeholder=format.NOTHING,
        column_config={
            "graph": column.TextColumn("Graph", pinned=True),
            "distance": column.NumberColumn("Distance", format="%.2f", help="In standard deviations; see below."),
            "weight": column.NumberColumn("Weight", format="%.2f", help="Of this graph in the ranking."),
            "nodes": column.NumberColumn("Nodes", format="localized"),
            "degree": column.NumberColumn("Average degree", format="%.1f"),
            "features": column.NumberColumn("Features", format="localized"),
            "classes": column.NumberColumn("Classes"),
            "homophily": column.NumberColumn("Edge homophily", format="%.3f"),
            "differs": column.TextColumn("Yours has", width="large"),
        },
        alt="The nearest measured graphs with their distance and properties",
    )


def _usable(weights: Mapping[str, int], groups: Sequence[Sequence[BoardRow]]) -> dict[str, float]:
    """The weights of what was measured on these graphs; empty, with a sentence, where nothing is left."""
    wanted = {name: float(weight) for name, weight in weights.items() if weight > 0}
    if not wanted:
        st.info("Give at least one of accuracy, time, memory and energy a weight.")
        return {}
    measured = measured_quantities(groups)
    if lost := [name for name in wanted if name not in measured]:
        st.info(f"Nothing of {' or '.join(lost)} was measured on these graphs, so it has no say.")
    usable = {name: weight for name, weight in wanted.items() if name in measured}
    if not usable and not measured:
        st.info("None of these graphs has a full-batch reference with a result on this machine.")
    return usable


def _ranking(found: Sequence[Choice], near: Sequence[Neighbour], graph: Graph, cap: float | None) -> None:
    st.subheader("Methods, best first", anchor=False)
    best = next((choice for choice in found if choice.worth is not None and choice.fits is not False), None)
    if best is None:
        st.info("No method measured on these graphs fits under this memory cap.")
    else:
        st.markdown(f"Try **{format.plain(best.method)}** first:")
        st.code(shlex.join(["leangnn", "run", "--dataset", "my-graph.toml", "--method", best.method]), language="bash")
    if not graph.is_whole:
        st.caption("For the memory on your graph, and the cap, give nodes, edges, features and classes.")
    column = st.column_config
    st.dataframe(
        worded(choices_frame(found, near)),
        hide_index=True,
        placeholder=format.NOTHING,
        column_order=_ORDER,
        column_config={
            "rank": column.NumberColumn("Rank"),
            "name": column.TextColumn("Method", pinned=True, width=200),
            "worth": column.NumberColumn("Worth", help="Weighted points and halvings; see below."),
            "graph": column.TextColumn("Measured on", help="The nearest graph with a result: score and costs are its."),
            "score": column.TextColumn("Score", help="Mean test metric with its 95 % interval."),
            "n": column.NumberColumn("n", help="Splits and seeds with a result."),
            "marks": column.ListColumn("Marks", help=f"provisional: fewer than {RANKED_FROM} splits or seeds."),
            "time": column.NumberColumn("Scored time there"),
            "ratio": column.TextColumn("Time ratio", help="To full batch of the same backbone; 95 % interval."),
            "memory": column.NumberColumn("Peak memory there"),
            "here": column.TextColumn("Peak memory on yours", help="Bounds, where they can be defended; see below."),
            "fits": None if cap is None else column.TextColumn("Under the cap"),
            "energy": column.NumberColumn("Energy there"),
            "method": column.TextColumn("With all parameters"),
        },
        alt="The methods measured on the nearest graphs, best first",
    )
    st.caption("Methods whose score intervals overlap cannot be told apart by their score alone.")
