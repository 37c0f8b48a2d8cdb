"""The board: what each method reaches on each dataset, and at what cost."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import streamlit as st

from app import charts, filters, format, notices, source, state, table
from app.columns import columns
from app.command import run_command, trials_of
from app.details import details
from app.highlights import highlights
from app.legend import LEGEND
from app.places import Place, place_of, places
from db.read import Reader, StoreContents
from db.records import MachineRecord
from db.scoring.board import BoardRow

TITLE, ICON, ORDER = "Board", ":material/leaderboard:", 0

Machines = Mapping[str, MachineRecord]

_ROW, _ROWS_IN_SIGHT = 38, 16


def render(reader: Reader) -> None:
    """Draw the page."""
    contents = source.contents(reader, reader.name)
    st.title("Accuracy, and what it costs", anchor=False)
    if not contents.trials:
        notices.no_results(contents, reader.name)
        return
    if contents.stale:
        notices.stale(contents)
    rows = source.scored(contents, reader.name, contents.read_at)
    machines = {machine.machine_id: machine for machine in contents.machines}
    st.caption(_summary(rows, contents, reader.name))
    wanted = filters.sidebar(state.choices(rows))
    shown = state.apply(rows, wanted)
    if not shown:
        _nothing_matches(wanted)
        return
    _picture(shown, rows, contents, machines)
    _table(shown, contents, machines)
    _how_to_read()


def _summary(rows: Sequence[BoardRow], contents: StoreContents, name: str) -> str:
    datasets, methods = len({row.dataset for row in rows}), len({row.method for row in rows})
    failed = sum(not trial.status.has_metric for trial in contents.trials)
    parts = [
        format.count(datasets, "dataset"),
        format.count(methods, "method"),
        format.count(len(contents.trials), "trial") + (f" ({failed} failed)" if failed else ""),
        f"{PurePosixPath(name).name}, read {contents.read_at:%Y-%m-%d %H:%M} UTC",
    ]
    return format.plain(" · ".join(parts))


def _nothing_matches(wanted: state.Filters) -> None:
    with st.container(border=True):
        st.subheader("No row matches these filters", anchor=False)
        st.button("Clear filters", on_click=filters.clear, key="clear_all", type="primary")
        st.markdown("Or measure it:")
        dataset, backbone = (next(iter(wanted.chosen.get(name, ())), None) for name in ("dataset", "backbone"))
        words = ["leangnn", "run", "--dataset", dataset or "digits-knn", "--method", backbone or "gcn"]
        st.code(shlex.join(words), language="bash")


def _picture(shown: Sequence[BoardRow], rows: Sequence[BoardRow], contents: StoreContents, machines: Machines) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = sorted({row.dataset for row in shown})
        dataset = st.selectbox("Dataset in the picture", names, key="picture", bind="query-params", width=320)
        own = [row for row in shown if row.dataset == dataset]
        place = _chosen_place(own, machines)
        own = [row for row in own if place_of(row) == place]
        # without a candidate beside the references every ratio is 1
        default = "time_ratio" if any(row.method != row.reference for row in own) else "scored_seconds"
        axis = st.segmented_control(
            "Against",
            list(charts.AXES),
            default=default,
            format_func=lambda name: charts.AXES[name].label,
            key="against",
            bind="query-params",
        )
    _cards(own)
    commands = {row.method: run_command(row, trials_of(row, contents.trials)) for row in own}
    axis = axis or default
    frame = charts.pareto_frame(own, axis, commands)
    if frame.empty:
        st.info("No method of this dataset has both a metric and this cost. Choose another cost or dataset.")
        return
    parts = state.choices(rows)[charts.coloured_part(own)]
    chart = charts.pareto_chart(frame, axis, format.words(own[0].metric), parts)
    st.altair_chart(chart, alt=f"Test metric against {charts.AXES[axis].title} for each method on {dataset}")
    st.caption(
        "The grey step joins the methods that none beats on both axes. Bars are 95 % intervals; hollow points have "
        "fewer than ten splits or seeds. Point at one for its figures and the command that repeats it."
        + (" Each ratio is to full batch of the same backbone." if charts.AXES[axis].is_ratio else "")
    )


def _chosen_place(own: Sequence[BoardRow], machines: Machines) -> Place:
    found = places(own, machines)
    if len(found) == 1:
        return next(iter(found))
    by_label = {label: place for place, label in found.items()}
    return by_label[st.selectbox("Measured on", list(by_label), key="place", bind="query-params", width=320)]


def _cards(own: Sequence[BoardRow]) -> None:
    with st.container(horizontal=True):
        for title, figure, row in highlights(own):
            name = format.plain(row.method)
            st.metric(title, figure, name, delta_color="off", delta_arrow="off", border=True, width="stretch")


def _table(shown: Sequence[BoardRow], contents: StoreContents, machines: Machines) -> None:
    st.subheader(f"All rows ({len(shown)})", anchor=False)
    event = st.dataframe(
        table.styled(table.frame(shown, machines), shown),
        hide_index=True,
        column_config=columns(),
        on_select="rerun",
        selection_mode="single-row",
        placeholder=format.NOTHING,
        row_height=_ROW,
        height=_ROW * (min(len(shown), _ROWS_IN_SIGHT) + 1) + 2,
        key="board",
        alt="The board: one row for each dataset and method",
    )
    selected = [shown[index] for index in event.selection.rows if index < len(shown)]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption("Tick a row to see its figures in words and the command that repeats it.", width=480)
        csv, icon = table.csv(shown), ":material/download:"
        st.download_button("Download CSV", csv, "leangnn-board.csv", "text/csv", icon=icon, on_click="ignore")
    if selected:
        details(selected[0], trials_of(selected[0], contents.trials), machines)


def _how_to_read() -> None:
    with st.expander("How to read this", icon=":material/help:"):
        st.markdown(LEGEND)
