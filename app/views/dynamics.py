"""Training dynamics of up to four methods on one dataset, side by side."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

import pandas as pd
import streamlit as st

from app import bits_chart, dynamics_charts, filters, format, notices, source, trial_charts
from app.places import place_of, places
from db.convert import Dynamics
from db.read import Overview, Reader
from db.records import TrialFigures, TrialRecord
from db.scoring.board import BoardRow
from db.scoring.board_columns import RANKED_FROM

TITLE, ICON, ORDER = "Dynamics", ":material/monitoring:", 3
HEADING = "What training does to a network"

MOST = 4
"""Methods side by side; more would be too narrow to read."""

_QUANTITY, _CELL = "quantity", "cell"

Draw = Callable[[str], None]


def render(reader: Reader) -> None:
    """Draw the page under its heading."""
    overview = source.overview(reader)
    if not overview.trials:
        notices.no_results(overview, reader.name)
        return
    if overview.stale:
        notices.stale(overview)
    rows = _measured_rows(reader, overview)
    if not rows:
        return
    runs = _chosen_runs(reader, rows)
    if runs:
        recorded = {method: source.dynamics(reader, trial.trial_id) for method, trial in runs.items()}
        _quantities(recorded, rows[0].dataset, runs)
        _over_depth(recorded)
        _schedules(runs)
    _bits(reader, rows)


def _measured_rows(reader: Reader, overview: Overview) -> Sequence[BoardRow]:
    """The rows of the chosen dataset and place."""
    names = sorted({dataset.name for dataset in overview.datasets})
    filters.say_ignored({"dataset": names})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        dataset = st.selectbox("Dataset", names, key="dataset", bind="query-params", width=320)
        rows = source.board(reader, dataset=dataset)
        if not rows:
            st.info(f"No trial of {format.plain(dataset)} is on the board. Choose another dataset.")
            return []
        found = places(rows, {machine.machine_id: machine for machine in overview.machines})
        place = next(iter(found))
        if len(found) > 1:
            by_label = {label: place for place, label in found.items()}
            filters.say_ignored({"place": list(by_label)})
            label = st.selectbox("Measured on", list(by_label), key="place", bind="query-params", width=480)
            place = by_label[label]
    return [row for row in rows if place_of(row) == place]


def _chosen_runs(reader: Reader, rows: Sequence[BoardRow]) -> dict[str, TrialRecord]:
    """One trial a chosen method, all of one split and seed."""
    names = sorted({row.method for row in rows})
    filters.say_ignored({"method": names})
    methods = st.multiselect(
        "Methods, up to four",
        names,
        default=[row.method for row in rows[:2]],
        max_selections=MOST,
        key="method",
        bind="query-params",
    )
    if not methods:
        st.info("Choose a method to see its training.")
        return {}
    trials = source.trials(reader, dataset=rows[0].dataset, method=methods, **place_of(rows[0])._asdict())
    cells: dict[str, dict[str, TrialFigures]] = {}
    for trial in trials:
        cells.setdefault(f"split {trial.split}, seed {trial.seed}", {})[trial.method] = trial
    by_use = sorted(cells, key=lambda cell: (-len(cells[cell]), cells[cell][next(iter(cells[cell]))].split, cell))
    filters.say_ignored({_CELL: by_use})
    cell = st.selectbox("Trial", by_use, key=_CELL, bind="query-params", width=320)
    chosen = cells[cell]
    if missing := [method for method in methods if method not in chosen]:
        st.caption(f"Without a trial of this split and seed: {format.plain(', '.join(missing))}")
    identifiers = {method: chosen[method].trial_id for method in methods if method in chosen}
    found = source.whole(reader, identifiers.values())
    return {method: found[trial_id] for method, trial_id in identifiers.items() if trial_id in found}


def _quantities(recorded: Mapping[str, Mapping[str, Dynamics]], dataset: str, runs: Mapping[str, TrialRecord]) -> None:
    st.subheader("Layer by layer", anchor=False)
    names = dynamics_charts.offered(name for own in recorded.values() for name in own)
    if not names:
        words = ["leangnn", "run", "--dataset", dataset, "--method", next(iter(runs)), "--dynamics-every", "10"]
        st.info(
            "These trials recorded no dynamics. Networks that declare their layers do, every ten epochs: "
            + format.code(shlex.join(words))
        )
        return
    labels = [dynamics_charts.LABELS.get(name, name) for name in names]
    filters.say_ignored({_QUANTITY: labels})
    label = st.selectbox("Quantity", labels, key=_QUANTITY, bind="query-params", width=360)
    name = names[labels.index(label)]
    own = {method: quantities[name] for method, quantities in recorded.items() if name in quantities}
    if all(dynamics_charts.is_by_units(found.values) for found in own.values()):
        _side_by_side(runs, _balance(own, label))
        st.caption(
            "0 is balance: what makes a hidden unit has as much energy as what reads it. Line: median of the units; "
            "shades: half of them, and nine tenths."
        )
        return
    first = dynamics_charts.first_layer(name)
    frames = {method: dynamics_charts.heat_frame(found.epochs, found.values, first) for method, found in own.items()}
    domain = dynamics_charts.common_domain(frames.values(), "value")
    _side_by_side(runs, _heat_maps(frames, label, domain))
    st.caption("All maps have one scale of colours. A cell without a value was not measured, or is not above 0.")


def _balance(own: Mapping[str, Dynamics], label: str) -> Draw:
    def draw(method: str) -> None:
        if method not in own:
            st.markdown("Not recorded.")
            return
        frame = dynamics_charts.balance_frame(own[method].epochs, own[method].values)
        chart = dynamics_charts.balance_chart(frame, columns=3 if len(own) == 1 else 1)
        st.altair_chart(chart, alt=f"{label} of the hidden units of {method} over epochs")

    return draw


def _heat_maps(frames: Mapping[str, pd.DataFrame], label: str, domain: Sequence[float] | None) -> Draw:
    def draw(method: str) -> None:
        if method not in frames:
            st.markdown("Not recorded.")
        elif frames[method].empty:
            st.markdown("This network has no such parameters.")
        else:
            chart = dynamics_charts.heat_chart(frames[method], label, domain)
            st.altair_chart(chart, alt=f"{label} of {method} by layer and epoch")

    return draw


def _side_by_side(runs: Mapping[str, TrialRecord], draw: Draw) -> None:
    for column, (method, trial) in zip(st.columns(len(runs)), runs.items(), strict=True):
        with column:
            st.markdown(f"**{format.plain(method)}** ([trial](trial?id={quote(trial.trial_id, safe='')}))")
            draw(method)


def _over_depth(recorded: Mapping[str, Mapping[str, Dynamics]]) -> None:
    for name in dynamics_charts.OVER_DEPTH:
        own = {method: quantities[name] for method, quantities in recorded.items() if name in quantities}
        frame = dynamics_charts.depth_frame(own, dynamics_charts.first_layer(name))
        if frame.empty:
            continue
        label = dynamics_charts.LABELS[name]
        st.subheader(f"{label} over depth", anchor=False)
        chart = dynamics_charts.depth_chart(frame, label, list(recorded))
        st.altair_chart(chart, alt=f"{label} after each step of the network, before and after training")
        if name == "dirichlet_energy":
            st.caption(
                "Step 0 is what enters the first step. Energy that falls towards 0 with depth means that neighbours "
                "become alike, which is called oversmoothing."
            )


def _schedules(runs: Mapping[str, TrialRecord]) -> None:
    frames = {
        method: trial_charts.schedule_frame(trial.schedule, trial.ledger.scored)
        for method, trial in runs.items()
        if trial.schedule and len(trial.schedule) > 1 and trial.ledger is not None
    }
    if not frames:
        return
    st.subheader("Levels that the steps saw", anchor=False)
    until = max(float(frame["end"].max()) for frame in frames.values())

    def draw(method: str) -> None:
        chart = trial_charts.schedule_chart(frames[method], until)
        st.altair_chart(chart, alt=f"Coarsening level of {method} against scored time")

    _side_by_side({method: runs[method] for method in frames}, draw)
    st.caption(trial_charts.LEVELS)


def _bits(reader: Reader, rows: Sequence[BoardRow]) -> None:
    st.subheader("Accuracy against bits", anchor=False)
    place, dataset = place_of(rows[0])._asdict(), rows[0].dataset
    if unspelled := bits_chart.unspelled(rows):
        trials = source.trials(reader, dataset=dataset, method=unspelled, **place)
        newest = {trial.method: trial.trial_id for trial in trials}
        whole = source.whole(reader, newest.values())
        told = {trial.method: trial.environment.get("quantizer") for trial in whole.values()}
    else:
        told = {}
    found = bits_chart.widths(rows, told)
    quantized = {_unquantized(row) for row, _ in found.known if row.quantizer is not None}
    frame = bits_chart.bits_frame([(row, bits) for row, bits in found.known if _unquantized(row) in quantized])
    if frame.empty:
        words = ["leangnn", "run", "--dataset", dataset, "--method", f"{rows[0].backbone}+qlr(bits=2)"]
        st.info("No method with a quantizer has a result here. To measure one: " + format.code(shlex.join(words)))
        return
    metric = format.words(rows[0].metric)
    st.altair_chart(bits_chart.bits_chart(frame, metric), alt=f"Test {metric} on {dataset} against bits")
    st.caption(
        f"{bits_chart.FULL} bits are the same networks without a quantizer. Bars are 95 % intervals; hollow points "
        f"have fewer than {RANKED_FROM} splits or seeds."
        + (f" Left out, of several widths: {format.count(len(found.unknown), 'method')}." if found.unknown else "")
    )


def _unquantized(row: BoardRow) -> tuple[str, str, str | None]:
    return row.backbone, row.strategy, row.rescaler
