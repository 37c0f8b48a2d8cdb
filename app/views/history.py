"""What each method cost from session to session, and where that changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import streamlit as st

from app import filters, format, notices, source
from app.history_charts import (
    QUANTITIES,
    Course,
    course,
    history_chart,
    levels_frame,
    newest_first,
    overview_frame,
    points_frame,
)
from app.table import machine_words
from db.read import Overview, Reader
from db.scoring.board_columns import RANKED_FROM
from db.scoring.history import histories

TITLE, ICON, ORDER = "History", ":material/timeline:", 5
HEADING = "What changed from session to session"

_LABELS = {quantity.label: name for name, quantity in QUANTITIES.items()}
_DATE = "YYYY-MM-DD HH:mm"

_LEGEND = f"""
- A **point** is one session: the ratio (of the metric, the difference) to full batch of the same backbone, of trials
  that ran interleaved in that session, so that a slow machine cancels. Its bar is the 95 % interval over splits and
  seeds. Hollow: fewer than {RANKED_FROM} of them.
- A **level** is a run of sessions that noise cannot tell apart; blue lines are their means. A diamond marks the first
  session of a new level: orange for the worse, blue for the better. Of costs lower is better, of the metric higher.
- A change is where a level begins, and no proof yet: the nightly check measures a suspicion again before it calls it a
  regression. See [Rules](rules#history).
"""


def render(reader: Reader) -> None:
    """Draw the page under its heading."""
    overview = source.overview(reader)
    if not overview.trials:
        notices.no_results(overview, reader.name)
        return
    if overview.stale:
        notices.stale(overview)
    dataset, quantity = _choices(overview)
    courses, trials = _courses(reader, reader.name, overview.read_at, dataset, quantity, overview)
    if not courses:
        _nothing(dataset, quantity)
        return
    _changes(courses, overview)
    _one_method(courses, trials, overview)
    _how_to_read()


def _choices(overview: Overview) -> tuple[str, str]:
    names = sorted({dataset.name for dataset in overview.datasets})
    filters.say_ignored({"dataset": names, "quantity": list(_LABELS)})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        dataset = st.selectbox("Dataset", names, key="dataset", bind="query-params", width=320)
        label = st.segmented_control(
            "Quantity", list(_LABELS), default=next(iter(_LABELS)), required=True, key="quantity", bind="query-params"
        )
    return dataset, _LABELS[label or next(iter(_LABELS))]


@st.cache_resource(max_entries=16, show_spinner="Pairing the sessions ...")
def _courses(
    _reader: Reader, name: str, read_at: datetime, dataset: str, quantity: str, _overview: Overview
) -> tuple[list[Course], dict[tuple[Any, ...], str]]:
    """All series of a dataset, and a trial to link to by session and series; `name` and `read_at` say which reading."""
    trials = source.trials(_reader, dataset=dataset)
    found = histories(trials, _overview.sessions, _overview.methods, quantity)
    return newest_first([course(series) for series in found]), {
        (trial.session_id, *_place(trial)): trial.trial_id for trial in trials if trial.status.has_metric
    }


def _place(item: Any) -> tuple[Any, ...]:
    return item.dataset_version, item.method, item.machine_id, item.device, item.protocol


def _nothing(dataset: str, quantity: str) -> None:
    label = QUANTITIES[quantity].label.lower()
    with st.container(border=True):
        st.subheader("No series yet", anchor=False)
        st.markdown(
            f"A point of a series is one session in which a method ran beside its reference. {format.plain(dataset)} "
            f"has none with a figure for {label}. Run a method there, and again after the next change of the code:"
        )
        st.code("leangnn run quick", language="bash")


def _changes(courses: Sequence[Course], overview: Overview) -> None:
    st.subheader("Newest changes first", anchor=False)
    machines = {machine.machine_id: machine for machine in overview.machines}
    frame = overview_frame(courses, machines)
    column = st.column_config
    st.dataframe(
        frame,
        hide_index=True,
        placeholder=format.NOTHING,
        column_config={
            "name": column.TextColumn("Method", pinned=True, width="medium"),
            "change": column.TextColumn("Last change", help="From the level before to the level now."),
            "worse": column.CheckboxColumn("For the worse"),
            "since": column.DatetimeColumn("Since", format=_DATE, timezone="UTC", width=140),
            "commit": column.TextColumn("At commit"),
            "now": column.TextColumn("Newest session"),
            "sessions": column.NumberColumn("Sessions"),
            "last": column.DatetimeColumn("Measured last", width=140, format=_DATE, timezone="UTC"),
            "machine": column.TextColumn("Machine"),
            "protocol": column.TextColumn("Protocol"),
            "method": column.TextColumn("With all parameters"),
        },
        alt="One row for each series, those with the newest change first",
    )


def _one_method(courses: Sequence[Course], trials: dict[tuple[Any, ...], str], overview: Overview) -> None:
    names = list(dict.fromkeys(each.series.method for each in courses))
    filters.say_ignored({"method": names})
    method = st.selectbox("Method", names, key="method", bind="query-params", width=560)
    machines = {machine.machine_id: machine for machine in overview.machines}
    for found in courses:
        series = found.series
        if series.method != method:
            continue
        place = _place(series)
        links = {
            point.session_id: f"trial?id={quote(trials[point.session_id, *place], safe='')}" for point in series.points
        }
        frame = points_frame(found, links)
        where = f"{series.device}, {machine_words(series.machine_id, series.device, machines)}"
        st.caption(format.plain(f"{where} · protocol {series.protocol} · version {series.dataset_version}"))
        count = format.count(len(found.changes), "change")
        st.altair_chart(
            history_chart(frame, levels_frame(found), series.quantity),
            alt=f"{QUANTITIES[series.quantity].label} of {method} over {len(series.points)} sessions, with {count}",
        )
        _sessions(frame)


def _sessions(frame: Any) -> None:
    column = st.column_config
    st.dataframe(
        frame.iloc[::-1],
        hide_index=True,
        placeholder=format.NOTHING,
        column_order=["at", "said", "interval", "n", "change", "commit", "session", "trial"],
        column_config={
            "at": column.DatetimeColumn("Session began", format=_DATE, timezone="UTC"),
            "said": column.TextColumn("Value"),
            "interval": column.TextColumn("95 % interval", help="By Student's t over splits and seeds."),
            "n": column.NumberColumn("n", help="Splits and seeds in the value."),
            "change": column.TextColumn("Change", help="A new level begins with this session."),
            "commit": column.TextColumn("Commit"),
            "session": column.TextColumn("Session"),
            "trial": column.LinkColumn("Trial", display_text="open"),
        },
        alt="One row for each session, the newest first",
    )


def _how_to_read() -> None:
    with st.expander("How to read this", icon=":material/help:"):
        st.markdown(_LEGEND)
