"""The trade-off: the test metric against each cost, with what no method beats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import streamlit as st

from app import charts, filters, format, notices, source, state
from app.command import run_command
from app.costs import ABSOLUTE, COSTS
from app.counted import by_method, counted, spreads
from app.highlights import cards, highlights
from app.places import Place, filters_of, main_places, place_of, places
from db.read import Overview, Reader
from db.records import MachineRecord
from db.scoring.board import BoardRow
from db.scoring.intervals import Interval

TITLE, ICON, ORDER = "Trade-off", ":material/scatter_plot:", 1
HEADING = "What accuracy costs"

_RATIO, _MEASURED = "ratio to full batch", "as measured"
_PANELS = 6
_LABELS = {cost.label: stem for stem, cost in COSTS.items()}


def render(reader: Reader) -> None:
    """Draw the page under its heading."""
    overview = source.overview(reader)
    if not overview.trials:
        notices.no_results(overview, reader.name)
        return
    if overview.stale:
        notices.stale(overview)
    rows = source.board(reader)
    known = state.choices(rows)
    wanted = filters.sidebar(known)
    shown = state.apply(rows, wanted, overview.datasets)
    if not shown:
        filters.nothing_matches(wanted)
        return
    picked = _picked(shown, overview)
    axis = _axis(picked)
    if len(picked) == 1:
        cards(highlights(next(iter(picked.values()))))
    _panels(reader, picked, axis, known, overview)
    st.caption(
        "The grey step joins the methods that none beats on both axes. Bars are 95 % intervals; hollow points have "
        "fewer than ten splits or seeds. Point at one for its figures and the command that repeats it."
        + (" Each ratio is to full batch of the same backbone, on the same machine." if axis.is_ratio else "")
    )


def _picked(shown: Sequence[BoardRow], overview: Overview) -> dict[str, list[BoardRow]]:
    """The rows of one place for each dataset in the picture."""
    names = sorted({row.dataset for row in shown})
    filters.say_ignored({"picture": names})
    chosen = st.multiselect(
        "Datasets in the picture",
        names,
        default=names[:1],
        max_selections=_PANELS,
        key="picture",
        bind="query-params",
        help="Each dataset has a picture of its own.",
    )
    chosen = chosen or names[:1]
    own = [row for row in shown if row.dataset in chosen]
    if len(chosen) == 1:
        place = _chosen_place(own, {machine.machine_id: machine for machine in overview.machines})
        return {chosen[0]: [row for row in own if place_of(row) == place]}
    return {dataset: [row for row in main_places(own) if row.dataset == dataset] for dataset in chosen}


def _chosen_place(own: Sequence[BoardRow], machines: Mapping[str, MachineRecord]) -> Place:
    found = places(own, machines)
    if len(found) == 1:
        return next(iter(found))
    by_label = {label: place for place, label in found.items()}
    filters.say_ignored({"place": list(by_label)})
    return by_label[st.selectbox("Measured on", list(by_label), key="place", bind="query-params", width=480)]


def _axis(picked: Mapping[str, Sequence[BoardRow]]) -> charts.Axis:
    filters.say_ignored({"against": list(_LABELS), "scale": [_RATIO, _MEASURED]})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = st.segmented_control(
            "Against", list(_LABELS), default=COSTS["time"].label, required=True, key="against", bind="query-params"
        )
        # without a candidate beside the references every ratio is 1
        candidates = any(row.method != row.reference for rows in picked.values() for row in rows)
        scale = st.segmented_control(
            "Scale",
            [_RATIO, _MEASURED],
            default=_RATIO if candidates else _MEASURED,
            required=True,
            key="scale",
            bind="query-params",
        )
    stem = _LABELS[label or COSTS["time"].label]
    if stem not in ABSOLUTE and scale == _MEASURED:
        st.caption(
            f"{COSTS[stem].label} is known as a ratio only, because it ends where the reference's target is met."
        )
    return charts.Axis(stem, scale == _RATIO or stem not in ABSOLUTE)


def _panels(
    reader: Reader,
    picked: Mapping[str, Sequence[BoardRow]],
    axis: charts.Axis,
    known: state.Choices,
    overview: Overview,
) -> None:
    alone = len(picked) == 1
    with st.container(horizontal=True):
        for dataset, rows in picked.items():
            with st.container(width="stretch" if alone else 440):
                if not alone:
                    st.markdown(f"**{format.plain(dataset)}**")
                chart = _chart(reader, rows, axis, known, overview, 320 if alone else 200)
                if chart is None:
                    st.info(
                        "No method of this dataset has both a metric and this cost. Choose another cost or dataset."
                    )
                    continue
                st.altair_chart(chart, alt=f"Test metric against {axis.title} for each method on {dataset}")


def _chart(
    reader: Reader,
    rows: Sequence[BoardRow],
    axis: charts.Axis,
    known: state.Choices,
    overview: Overview,
    height: int,
) -> alt.LayerChart | alt.FacetChart | None:
    commands, found = _behind(reader, rows, axis.stem, overview)
    frame = charts.pareto_frame(rows, axis, commands, found)
    if frame.empty:
        return None
    parts = known[charts.coloured_part(rows)]
    return charts.pareto_chart(frame, axis, format.words(rows[0].metric), parts, height)


def _behind(
    reader: Reader, rows: Sequence[BoardRow], stem: str, overview: Overview
) -> tuple[dict[str, str], dict[str, Interval]]:
    """The command of each row and, where the cost has a unit, its interval, by method."""
    trials = by_method(counted(source.trials(reader, **filters_of(rows[0])), overview.sessions))
    commands = {row.method: run_command(row, trials.get(row.method, []), overview.protocols) for row in rows}
    return commands, spreads(trials, COSTS[stem])
