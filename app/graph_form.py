"""The form in which a graph is described: numbers that stay in the URL, or an edge list that fills them in."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app import filters, format
from db.errors import StoreError
from db.graph_file import LARGEST, MeasuredGraph, measure
from db.scoring.advice import QUANTITIES, Graph

_COUNTS = {"nodes": "Nodes", "edges": "Edges", "features": "Features", "classes": "Classes"}
_HELP = {
    "edges": "Each undirected edge once.",
    "features": "Numbers that each node has.",
    "classes": "Different labels.",
}
_MOST = 10**12
_LARGEST_CAP = 1e9
_DEFAULT_WEIGHTS = {"accuracy": 2, "time": 1, "memory": 1, "energy": 0}
_LARGEST_WEIGHT = 3
_EDGES_FILE, _LABELS_FILE, _REPORT = "edges_file", "labels_file", "_measured"


class Asked(NamedTuple):
    """What the reader wants to know."""

    graph: Graph
    cap_bytes: float | None
    weights: dict[str, int]
    """Of `db.scoring.advice.QUANTITIES`."""


def asked() -> Asked:
    """Draw the form and read it."""
    _upload()
    filters.say_ignored({}, _unreadable())
    with st.container(horizontal=True):
        counts = {name: _count(name) for name in _COUNTS}
        homophily, cap = _homophily(), _cap()
    st.markdown("What matters, and how much (0 is not at all):")
    with st.container(horizontal=True):
        weights = {name: _weight(name) for name in QUANTITIES}
    edges = counts.pop("edges")
    graph = Graph(edges=None if edges is None else 2 * edges, edge_homophily=homophily, **counts)
    return Asked(graph, None if cap is None else 1e6 * cap, weights)


def objection(graph: Graph) -> str | None:
    """Why there is no such graph, in one sentence; None where there may be."""
    if graph.nodes and graph.edges and graph.edges > graph.nodes * (graph.nodes - 1):
        return f"{graph.nodes:,} nodes cannot have {graph.edges // 2:,} edges; look at the two numbers again."
    return None


def _upload() -> None:
    with st.expander("Measure an edge list instead", icon=":material/upload_file:"):
        st.markdown(
            "A text file with two node numbers a line (CSV, tab or space between), and if you have them labels: one a "
            "line in the order of the nodes, or node number and label. Both are measured in memory and thrown away."
        )
        with st.form("measure", clear_on_submit=True, border=False):
            largest = LARGEST // 10**6
            kinds = ["csv", "tsv", "txt"]
            st.file_uploader("Edge list", kinds, key=_EDGES_FILE, max_upload_size=largest)
            st.file_uploader("Labels, if you have them", kinds, key=_LABELS_FILE, max_upload_size=largest)
            st.form_submit_button("Measure", on_click=_measure, icon=":material/straighten:")
    report = st.session_state.get(_REPORT)
    if isinstance(report, MeasuredGraph):
        st.success(format.plain(_said(report)), icon=":material/straighten:")
    elif report is not None:
        st.error(format.plain(report))


def _measure() -> None:
    """Fill in the numbers of the uploaded graph; a callback, because widgets can change only before they are drawn."""
    edges: UploadedFile | None = st.session_state.get(_EDGES_FILE)
    labels: UploadedFile | None = st.session_state.get(_LABELS_FILE)
    try:
        if edges is None:
            raise StoreError("Choose an edge list first.")
        found = measure(edges.getvalue(), None if labels is None else labels.getvalue())
    except StoreError as error:
        st.session_state[_REPORT] = str(error)
        return
    finally:
        _throw_away(edges)
        _throw_away(labels)
    st.session_state[_REPORT] = found
    st.session_state["nodes"], st.session_state["edges"] = found.nodes, found.edges
    if found.classes is not None:
        st.session_state["classes"] = found.classes or None
        st.session_state["homophily"] = None if found.edge_homophily is None else round(found.edge_homophily, 4)


def _throw_away(file: UploadedFile | None) -> None:
    # Streamlit keeps an upload until the browser's session ends
    context = get_script_run_ctx()
    if file is not None and context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)


def _said(graph: MeasuredGraph) -> str:
    parts = [
        f"{graph.nodes:,} nodes",
        f"{graph.edges:,} edges",
        f"average degree {graph.average_degree:.2f}",
    ]
    if graph.classes is not None:
        parts.append(f"{format.count(graph.classes, 'class', 'classes')} on {graph.labelled:,} nodes")
        homophily = {"edge homophily": graph.edge_homophily, "adjusted homophily": graph.adjusted_homophily}
        parts += [f"{name} {'unknown' if value is None else f'{value:.3f}'}" for name, value in homophily.items()]
    return f"Measured and thrown away: {', '.join(parts)}."


def _count(name: str) -> int | None:
    return st.number_input(
        _COUNTS[name], 1, _MOST, value=None, step=1, key=name, bind="query-params", help=_HELP.get(name), width=170
    )


def _homophily() -> float | None:
    share = "Share of edges that join two nodes of one class."
    return st.number_input(
        "Edge homophily",
        0.0,
        1.0,
        value=None,
        step=0.05,
        format="%.3f",
        key="homophily",
        bind="query-params",
        help=share,
        width=170,
    )


def _cap() -> float | None:
    return st.number_input(
        "Memory cap, MB",
        1.0,
        _LARGEST_CAP,
        value=None,
        step=100.0,
        format="%.0f",
        key="cap",
        bind="query-params",
        help="Of training alone; 16 GB are 16000.",
        width=170,
    )


def _weight(name: str) -> int:
    start, key = _DEFAULT_WEIGHTS[name], f"weight_{name}"
    return st.slider(name.capitalize(), 0, _LARGEST_WEIGHT, start, key=key, bind="query-params", width=210)


def _unreadable() -> list[str]:
    """The words of the URL that are no number in the range of their widget, as `name=word`."""
    limits: dict[str, tuple[float, float]] = dict.fromkeys(_COUNTS, (1, _MOST))
    limits |= {"homophily": (0, 1), "cap": (1, _LARGEST_CAP)}
    limits |= {f"weight_{name}": (0, _LARGEST_WEIGHT) for name in QUANTITIES}
    return [
        f"{name}={word}"
        for name, ends in limits.items()
        for word in st.query_params.get_all(name)
        if word and not _is_within(word, ends)
    ]


def _is_within(word: str, limits: tuple[float, float]) -> bool:
    try:
        return limits[0] <= float(word) <= limits[1]
    except ValueError:
        return False
