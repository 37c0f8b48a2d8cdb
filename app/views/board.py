"""The board: what each method reaches on each dataset, and at what cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import pandas as pd
import streamlit as st

from app import filters, format, notices, paging, source, standings, state, table
from app.columns import columns, standing_columns
from app.command import run_command
from app.details import details
from app.downloads import FORMATS
from app.highlights import cards, highlights
from app.legend import LEGEND
from app.places import filters_of, main_places, place_of
from db.read import Overview, Reader
from db.scoring.aggregate import aggregate
from db.scoring.board import BoardRow

TITLE, ICON, ORDER = "Board", ":material/leaderboard:", 0
HEADING = "Accuracy, and what it costs"

_EACH, _TOGETHER = "each dataset", "ranked together"
_ROW, _ROWS_IN_SIGHT, _NAMES = 38, 16, 12


def render(reader: Reader) -> None:
    """Draw the page under its heading."""
    overview = source.overview(reader)
    if not overview.trials:
        notices.no_results(overview, reader.name)
        return
    if overview.stale:
        notices.stale(overview)
    rows = source.board(reader)
    st.caption(_summary(rows, overview, reader.name))
    wanted = filters.sidebar(state.choices(rows))
    shown = state.apply(rows, wanted, overview.datasets)
    if not shown:
        filters.nothing_matches(wanted)
        return
    if len({row.dataset for row in shown}) > 1 and _view(rows) == _TOGETHER:
        _standings(reader, shown, overview)
    else:
        _each_dataset(reader, shown, overview)
    with st.expander("How to read this", icon=":material/help:"):
        st.markdown(LEGEND)


def _summary(rows: Sequence[BoardRow], overview: Overview, name: str) -> str:
    datasets, methods = len({row.dataset for row in rows}), len({row.method for row in rows})
    parts = [
        format.count(datasets, "dataset"),
        format.count(methods, "method"),
        format.count(overview.trials, "trial") + (f" ({overview.failed:,} failed)" if overview.failed else ""),
        f"{PurePosixPath(name).name}, read {overview.read_at:%Y-%m-%d %H:%M} UTC",
    ]
    return format.plain(" · ".join(parts))


def _view(rows: Sequence[BoardRow]) -> str:
    filters.say_ignored({"view": [_EACH, _TOGETHER]})
    # the default hangs on the store and not on the filters, so that a link without a view means one view
    default = _TOGETHER if len(rows) > paging.PAGE else _EACH
    view = st.segmented_control(
        "View", [_EACH, _TOGETHER], default=default, required=True, key="view", bind="query-params"
    )
    return view or default


def _select(label: str, options: Sequence[str], key: str) -> str:
    filters.say_ignored({key: options})
    return st.selectbox(label, options, key=key, bind="query-params", width=320)


def _each_dataset(reader: Reader, shown: Sequence[BoardRow], overview: Overview) -> None:
    if len({(row.dataset, place_of(row)) for row in shown}) == 1:
        cards(highlights(shown))
    st.subheader(f"All rows ({len(shown):,})", anchor=False)
    order = _select("Sorted by", [paging.BY_DATASET, *paging.ORDERS], "order")
    _rows(reader, paging.ordered(shown, order), overview, "board")


def _rows(reader: Reader, rows: Sequence[BoardRow], overview: Overview, key: str) -> None:
    machines = {machine.machine_id: machine for machine in overview.machines}
    drawn = _page(rows, f"{key}_page")
    frame, alt = table.frame(drawn, machines), "The board: one row for each dataset and method"
    chosen = _table(drawn, frame, table.styled, columns, alt, key)
    _under(rows, f"leangnn-{key}", "Tick a row to see its figures in words and the command that repeats it.")
    for row in chosen:
        trials = source.trials(reader, method=row.method, **filters_of(row))
        details(row, run_command(row, trials, overview.protocols), machines)


def _standings(reader: Reader, shown: Sequence[BoardRow], overview: Overview) -> None:
    counted = main_places(shown)
    datasets = sorted({row.dataset for row in counted})
    by = _select("Ranked by", list(standings.BY), "by")
    found = aggregate(counted, datasets, standings.BY[by])
    st.subheader(f"{format.count(len(found), 'method')} over {format.count(len(datasets), 'dataset')}", anchor=False)
    names = ", ".join(datasets[:_NAMES]) + (f" and {len(datasets) - _NAMES} more" if len(datasets) > _NAMES else "")
    left_out = len(shown) - len(counted)
    elsewhere = f"; {format.count(left_out, 'row')} of other places left out" if left_out else ""
    st.caption(
        f"Ranks by {by}, computed anew for the methods and datasets that the filters leave: "
        + format.plain(f"{names}. Each dataset counts where most of its rows were measured{elsewhere}.")
    )
    drawn = _page(found, "ranks_page")
    frame, alt = standings.frame(drawn), "Methods by their mean rank over the datasets"
    chosen = _table(drawn, frame, standings.styled, standing_columns, alt, "ranks")
    _under(
        found, "leangnn-ranks", "Choose the datasets on the left; none chosen means all. Tick a method for its rows."
    )
    for ticked in chosen:
        _rows(reader, [row for row in counted if row.method == ticked.method], overview, "rows")


def _page(rows: Sequence[Any], key: str) -> Sequence[Any]:
    last = paging.pages(rows)
    if last == 1:
        return rows
    filters.say_ignored({key: [str(number) for number in range(1, last + 1)]})
    number = st.pagination(last, key=key, bind="query-params")
    st.caption(paging.drawn(rows, number))
    return paging.page(rows, number)


def _table(
    rows: Sequence[Any],
    frame: pd.DataFrame,
    styled: Callable[..., Any],
    columns: Callable[..., dict[str, Any]],
    alt: str,
    key: str,
) -> list[Any]:
    """Draw a table and return the rows that are ticked."""
    event = st.dataframe(
        styled(frame, rows),
        hide_index=True,
        column_config=columns(table.empty(frame)),
        on_select="rerun",
        selection_mode="single-row",
        placeholder=format.NOTHING,
        row_height=_ROW,
        height=_ROW * (min(len(rows), _ROWS_IN_SIGHT) + 1) + 2,
        # a tick is a position, which means another row as soon as other rows are drawn
        key=f"{key}-{hash(tuple(map(_identity, rows)))}",
        alt=alt,
    )
    return [rows[index] for index in event.selection.rows if index < len(rows)]


def _identity(row: Any) -> tuple[Any, ...]:
    return (row.method, row.dataset, place_of(row)) if isinstance(row, BoardRow) else (row.method,)


def _under(rows: Sequence[Any], name: str, hint: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(hint, width=480)
        with st.container(horizontal=True, width="content"):
            for label, ending, mime, write in FORMATS:
                # written when somebody asks for it, so that ten thousand rows cost nothing before
                st.download_button(
                    f"Download {label}",
                    partial(write, rows),
                    f"{name}.{ending}",
                    mime,
                    icon=":material/download:",
                    on_click="ignore",
                    key=f"{name}.{ending}",
                )
