"""Every dataset in the store: what it is, and how much of it was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from app import filters, format, notices, source
from app.datasets_table import Covered, board_link, datasets_frame
from db.coverage import Coverage
from db.read import Overview, Reader
from db.records import DatasetRecord

TITLE, ICON, ORDER = "Datasets", ":material/dataset:", 8
HEADING = "The graphs that are measured on"

_ENTRIES = "Entries of the adjacency: an undirected edge counts twice."
_HOMOPHILY = "Share of edges that join two nodes of one class."
_ADJUSTED = "Corrected for the sizes of the classes: 0 where edges ignore labels (Platonov et al. 2023)."


def render(reader: Reader) -> None:
    """Draw the page under its heading."""
    overview = source.overview(reader)
    if not overview.trials:
        notices.no_results(overview, reader.name)
        return
    if overview.stale:
        notices.stale(overview)
    covered = source.coverage(reader)
    _table(overview, covered)
    _one(overview, covered)


def _table(overview: Overview, covered: Covered) -> None:
    column = st.column_config
    st.dataframe(
        datasets_frame(overview.datasets, covered),
        hide_index=True,
        placeholder=format.NOTHING,
        column_config={
            "dataset": column.TextColumn("Dataset", pinned=True),
            "substitute": column.TextColumn("Stands in for", help="Never to be reported as that set."),
            "nodes": column.NumberColumn("Nodes", format="localized"),
            "edges": column.NumberColumn("Edges", format="localized", help=_ENTRIES),
            "degree": column.NumberColumn("Average degree", format="%.1f"),
            "features": column.NumberColumn("Features", format="localized"),
            "classes": column.NumberColumn("Classes"),
            "graphs": column.NumberColumn("Graphs", format="localized"),
            "homophily": column.NumberColumn("Edge homophily", format="%.3f", help=_HOMOPHILY),
            "adjusted": column.NumberColumn("Adjusted homophily", format="%.3f", help=_ADJUSTED),
            "level": column.TextColumn("Labels of", help="What a label belongs to."),
            "metric": column.TextColumn("Metric"),
            "methods": column.NumberColumn("Methods"),
            "trials": column.NumberColumn("Trials", format="localized", help="However they ended."),
            "splits": column.NumberColumn("Splits", help="That were trained on."),
            "newest": column.DatetimeColumn("Measured last", format="YYYY-MM-DD HH:mm", timezone="UTC"),
            "version": column.TextColumn("Version"),
            "sha256": column.TextColumn("SHA-256", help="The first twelve digits; below is the whole."),
            "board": column.LinkColumn("Board", display_text="open"),
        },
        alt="One row for each dataset",
    )


def _one(overview: Overview, covered: Covered) -> None:
    by_label = _labelled(overview.datasets)
    filters.say_ignored({"dataset": list(by_label)})
    label = st.selectbox("Dataset", list(by_label), key="dataset", bind="query-params", width=420)
    dataset = by_label[label]
    with st.container(border=True):
        st.markdown(f"**{format.plain(dataset.name)}**")
        if dataset.description:
            st.markdown(format.plain(dataset.description))
        if dataset.substitute_for:
            st.warning(
                f"It stands in for {format.plain(dataset.substitute_for)} and must never be reported as that set.",
                icon=":material/swap_horiz:",
            )
        own = covered.get((dataset.name, dataset.version))
        lines = _facts(dataset, own)
        st.markdown("\n".join(f"- {format.plain(line)}" for line in lines))
        st.markdown(format.code(dataset.sha256))
        st.caption("SHA-256 of its arrays, splits included. The same number means the same data.")
        st.markdown(f"[Its rows on the board]({board_link(dataset.name)})")


def _facts(dataset: DatasetRecord, own: Coverage | None) -> list[str]:
    graphs = f" in {dataset.graphs:,} graphs" if dataset.graphs > 1 else ""
    homophily = {"edge homophily": dataset.edge_homophily, "adjusted homophily": dataset.adjusted_homophily}
    known = [f"{name} {value:.3f}" for name, value in homophily.items() if value is not None]
    measured = (
        "no trials yet"
        if own is None
        else f"{format.count(own.trials, 'trial')} of {format.count(own.methods, 'method')} on "
        f"{format.count(own.splits, 'split')}, the newest of {own.newest:%Y-%m-%d %H:%M} UTC"
    )
    return [
        f"{dataset.nodes:,} nodes and {dataset.edges:,} adjacency entries{graphs}",
        f"{dataset.features:,} features, {dataset.classes:,} classes",
        "; ".join(known) or "homophily is not defined for it",
        f"labels belong to a {dataset.level}; the metric is {format.words(dataset.metric)}",
        measured,
        f"version {dataset.version}",
    ]


def _labelled(datasets: Sequence[DatasetRecord]) -> dict[str, DatasetRecord]:
    """By name, and where several versions are stored by name and version."""
    names = Counter(dataset.name for dataset in datasets)
    return {
        dataset.name if names[dataset.name] == 1 else f"{dataset.name}, version {dataset.version}": dataset
        for dataset in datasets
    }
