"""Each source paper: its published figures beside ours, cell by cell, and what its released code changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

import streamlit as st

from app import filters, format, notices, papers, source
from db.published import Published
from db.read import Reader
from db.scoring.published import Cell, Verdict, cells
from db.scoring.released import Effect

TITLE, ICON, ORDER = "Papers", ":material/menu_book:", 4
HEADING = "Published, and measured here"

_NAMES = {
    "multiscale": "Multiscale training",
    "rescaling": "Dynamic rescaling",
    "lowbit": "Low-bit quantization",
    "reference": "Reference numbers",
}
_TABLES_AT_ONCE = 6
_LEGEND = """
- **Reproduced**: the published value lies in our 95 % interval, widened on both sides by the published spread; or our
  whole interval lies within 0.5 points of it (5 % for a ratio). A wide interval reproduces much, so read n with it.
- **Not comparable**: another dataset, split, hardware or quantity, or a published value that nobody could read. The
  reason stands beside it.
- **Not run**: the command that runs it stands beside it. `leangnn reproduce` with `--run` runs all that is missing.
- The **difference** is ours minus the published value; its interval is ours, widened by the published spread.
- Ours has the settings of the paper: only rows with the preset and protocol of the command count.
"""


def render(reader: Reader) -> None:
    """Draw the page under its heading."""
    overview = source.overview(reader)
    if not overview.trials:
        notices.no_results(overview, reader.name)
        return
    if overview.stale:
        notices.stale(overview)
    published = source.published(reader)
    if not published.figures:
        _nothing()
        return
    paper = _paper(published)
    own = [cell for cell in _compared(reader, reader.name, overview.read_at) if cell.figure.paper == paper]
    _counts(own)
    shown = _narrowed(own)
    _picture(shown)
    _tables(shown)
    _findings([each for each in published.effects if each.finding.paper == paper])
    with st.expander("How to read this", icon=":material/help:"):
        st.markdown(_LEGEND)


@st.cache_resource(max_entries=2, show_spinner="Holding ours against the papers ...")
def _compared(_reader: Reader, name: str, read_at: datetime) -> list[Cell]:
    """All cells; `name` and `read_at` say which reading this is."""
    published = source.published(_reader)
    return cells(published.figures, source.board(_reader), published.measured)


def _nothing() -> None:
    with st.container(border=True):
        st.subheader("No published figures are stored yet", anchor=False)
        st.markdown("Each of these stores what was published and shows what ours says to it; nothing is run:")
        st.markdown("\n".join(f"- {format.code(f'leangnn reproduce {name}')}" for name in _NAMES))


def _paper(published: Published) -> str:
    stored = {figure.paper for figure in published.figures}
    known = {**{name: title for name, title in _NAMES.items() if name in stored}, **{name: name for name in stored}}
    titles = {name: _NAMES.get(name, name) for name in known}
    filters.say_ignored({"paper": list(titles.values())})
    label = st.segmented_control(
        "Paper",
        list(titles.values()),
        default=next(iter(titles.values())),
        required=True,
        key="paper",
        bind="query-params",
    )
    return next((name for name, title in titles.items() if title == label), next(iter(titles)))


def _counts(own: Sequence[Cell]) -> None:
    with st.container(horizontal=True):
        for verdict, number in papers.counts(own).items():
            st.metric(papers.said(verdict), number, border=True, width="stretch")


def _narrowed(own: Sequence[Cell]) -> list[Cell]:
    verdicts = [verdict.value for verdict in Verdict]
    datasets = sorted({papers.dataset_of(cell) for cell in own})
    filters.say_ignored({"verdict": verdicts, "dataset": datasets})
    with st.container(horizontal=True):
        chosen = st.multiselect("Verdict", verdicts, key="verdict", bind="query-params", placeholder="all", width=360)
        wanted = st.multiselect("Dataset", datasets, key="dataset", bind="query-params", placeholder="all", width=480)
    return papers.narrowed(own, chosen, wanted)


def _picture(shown: Sequence[Cell]) -> None:
    points = papers.drawn(shown)
    if points.empty:
        st.info("No cell here has both a published test metric and a measurement of ours, so there is no picture.")
        return
    st.altair_chart(
        papers.chart(points),
        alt=f"Our test metric against the published one for {len(points)} cells, with the diagonal of agreement",
    )
    st.caption(
        "On the dashed line ours is the published value. Upright bars are our 95 % intervals, level ones the published "
        "spread. Point at one for its figures."
    )


def _tables(shown: Sequence[Cell]) -> None:
    st.subheader(f"Cell by cell ({len(shown)})", anchor=False)
    if not shown:
        st.info("No cell matches these choices.")
        return
    for position, (place, own) in enumerate(papers.by_place(shown).items()):
        label = f"{format.plain(place)} ({len(own)})"
        with st.expander(label, expanded=position < _TABLES_AT_ONCE):
            if own[0].figure.source:
                st.caption(format.plain(f"Source: {own[0].figure.source}"))
            _table(own, place)


def _table(own: Sequence[Cell], place: str) -> None:
    column = st.column_config
    event = st.dataframe(
        papers.frame(own),
        hide_index=True,
        placeholder=format.NOTHING,
        on_select="rerun",
        selection_mode="single-row",
        key="/".join(own[0].figure.figure_id.split("/")[:2]),
        column_order=["cell", "verdict", "published", "ours", "n", "difference", "why", "command"],
        column_config={
            "cell": column.TextColumn("Cell", pinned=True, width="medium"),
            "verdict": column.TextColumn("Verdict"),
            "published": column.TextColumn("Published", help="As printed; ± is the printed spread."),
            "ours": column.TextColumn("Ours", help="Mean test metric with its 95 % interval."),
            "n": column.TextColumn("n", help="Splits and seeds behind ours."),
            "difference": column.TextColumn("Difference", help="Ours minus the published value."),
            "why": column.TextColumn("Why", width="large"),
            "command": column.TextColumn("Command", width="large", help="Tick the row to copy it."),
        },
        alt=f"Published figures beside ours: {place}",
    )
    for index in event.selection.rows:
        if index < len(own):
            _details(own[index])


def _details(cell: Cell) -> None:
    figure = cell.figure
    st.markdown(
        format.plain(f"{cell.label}: {papers.said(cell.verdict)}" + (f", {cell.reason}" if cell.reason else ""))
    )
    if figure.method:
        st.code(f"{figure.method}  on  {figure.dataset}", language=None, wrap_lines=True)
    if figure.note:
        st.caption(format.plain(figure.note))
    if figure.command:
        st.code(figure.command, language="bash", wrap_lines=True)


def _findings(effects: Sequence[Effect]) -> None:
    if not effects:
        return
    st.subheader("What the released code does differently", anchor=False)
    st.caption(
        "The effect is the release minus our reading of the paper, paired by split and seed, with 95 % interval."
    )
    for title, members in groupby(effects, key=lambda each: each.finding.title):
        own = list(members)
        with st.container(border=True):
            st.markdown(f"**{format.plain(title)}**")
            st.markdown(format.plain(own[0].finding.text))
            if own[0].finding.quantity is None:
                st.caption(format.plain(f"Not measurable here: {own[0].reason}."))
                continue
            column = st.column_config
            st.dataframe(
                papers.effects_frame(own),
                hide_index=True,
                column_config={
                    "rows": column.TextColumn("Rows", pinned=True),
                    "effect": column.TextColumn(
                        "Effect", help="Of the test metric in points, or of seconds as a ratio."
                    ),
                    "n": column.TextColumn("n", help="Splits and seeds that both sides have."),
                    "why": column.TextColumn("Why"),
                    "command": column.TextColumn("Command", width="large"),
                },
                alt=f"Measured effect: {title}",
            )
