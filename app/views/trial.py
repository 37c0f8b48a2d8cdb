"""Everything that is known of one trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from app import dynamics_charts, format, notices, source, trial_charts, trial_rest
from app.command import repeat_command
from app.table import machine_words
from db.read import Overview, Reader
from db.records import SessionRecord, TrialFigures, TrialRecord

TITLE, ICON, ORDER = "Trial", ":material/science:", 60
HEADING = "One trial"

KEY = "id"
"""The name in the URL of the trial's identifier."""

_HOW = "how"
"""The name in the URL of whether it is shown how the trial was run."""

_POINTS = 1_500  # more than a screen has columns of pixels

_ACROSS = {
    "epoch": "epoch",
    "scored_seconds": "scored seconds",
    "node_visits": "nodes visited",
    "edge_visits": "entries visited",
}


def render(reader: Reader) -> None:
    """Draw the page under its heading."""
    overview = source.overview(reader)
    if not overview.trials:
        notices.no_results(overview, reader.name)
        return
    if overview.stale:
        notices.stale(overview)
    trial = _chosen(reader, overview)
    if trial is None:
        st.info("This trial was replaced by one that was measured since. Load the page again.")
        return
    metric = next((each.metric for each in overview.datasets if each.name == trial.dataset), "metric")
    _headline(trial, metric, overview)
    _time(trial)
    _learning(reader, trial, metric)
    _schedule(trial)
    _dynamics(reader, trial)
    _memory(trial)
    _documents(trial, overview)
    _rest(trial)


def _chosen(reader: Reader, overview: Overview) -> TrialRecord | None:
    """The trial that the URL names or the reader picks; its identifier goes into the URL."""
    asked = st.query_params.get(KEY)
    found = list(source.whole(reader, [asked]).values()) if asked is not None else []
    if asked is not None and not found:
        st.info(f"There is no trial {format.plain(asked)} in this database, so the newest is shown.")
    start = (found or _newest(reader, overview))[0]
    with st.container(horizontal=True):
        dataset = _select("Dataset", list(overview.measured), start.dataset, 240)
        method = _select("Method", overview.measured[dataset], start.method, 560)
        trials = source.trials(reader, dataset=dataset, method=method)
        same = next((trial for trial in trials if trial.trial_id == start.trial_id), None)
        trial = _select("Trial", trials, same, 360, _label)
    st.query_params[KEY] = trial.trial_id
    return source.whole(reader, [trial.trial_id]).get(trial.trial_id)


def _newest(reader: Reader, overview: Overview) -> Sequence[TrialFigures]:
    found = list(source.whole(reader, [str(overview.newest_trial)]).values())
    # a failed trial may have been replaced since by one that worked
    dataset = next(iter(overview.measured))
    return found or source.trials(reader, dataset=dataset, method=overview.measured[dataset])


def _select(label: str, options: Sequence[Any], start: Any, width: int, say: Callable[[Any], str] = str) -> Any:
    index = options.index(start) if start in options else len(options) - 1
    return st.selectbox(label, options, index=index, format_func=say, width=width)


def _label(trial: TrialFigures) -> str:
    repeat = f", repeat {trial.repeat}" if trial.repeat else ""
    words = format.words(trial.status.value)
    return f"split {trial.split}, seed {trial.seed}{repeat} · {words} · {trial.started_at:%Y-%m-%d %H:%M}"


def _headline(trial: TrialRecord, metric: str, overview: Overview) -> None:
    st.markdown(f"{format.code(trial.method)} on {format.code(trial.dataset)}")
    scored = None if trial.ledger is None else trial.ledger.scored
    balanced = (trial.further_metrics or {}).get("test_balanced_accuracy")
    figures = [
        (f"Test {format.words(metric)}", format.percent(trial.test_metric)),
        ("Balanced accuracy", format.percent(balanced)),
        ("Scored time", format.seconds(scored)),
        ("Peak memory", format.size(trial.peak_memory_bytes)),
        ("Energy", format.joules(trial.energy_joules)),
        ("Prediction", format.seconds(trial.inference_seconds)),
    ]
    with st.container(horizontal=True):
        for title, figure in figures:
            st.metric(title, figure, border=True, width="stretch")
    machines = {each.machine_id: each for each in overview.machines}
    where = machine_words(trial.machine_id, trial.device, machines)
    when = f"{trial.started_at:%Y-%m-%d %H:%M} UTC"
    epochs = "" if trial.selected_epoch is None else f" · epoch {trial.selected_epoch} of {trial.epochs} selected"
    status = format.words(trial.status.value)
    st.caption(format.plain(f"{status} · {trial.device}, {where} · {when} · {format.words(trial.trust.value)}{epochs}"))
    if trial.reason:
        st.warning(format.plain(trial.reason), icon=":material/error:")


def _time(trial: TrialRecord) -> None:
    if trial.ledger is None:
        return
    st.subheader("Where the time went", anchor=False)
    frame = trial_charts.ledger_frame(trial.ledger)
    said = ", ".join(f"{line.account} {line.said}" for line in frame.itertuples())
    st.altair_chart(trial_charts.ledger_chart(frame), alt=f"Time ledger: {said}")
    counted = " + ".join(trial_charts.SCORED)
    st.caption(
        f"Scored time is {counted}: {format.seconds(trial.ledger.scored)} of {format.seconds(trial.ledger.wall)}. "
        "The accounts add up to the wall time within 1 %."
    )


def _learning(reader: Reader, trial: TrialRecord, metric: str) -> None:
    curve = source.curves(reader, [trial.trial_id], points=_POINTS).get(trial.trial_id)
    if curve is None or not len(curve.epoch):
        return
    st.subheader("How it learned", anchor=False)
    across = st.segmented_control(
        "Against", list(_ACROSS), default="epoch", format_func=_ACROSS.__getitem__, key="across", bind="query-params"
    )
    across = across or "epoch"
    frame = trial_charts.curve_frame(curve, across)
    at = curve.epoch == trial.selected_epoch
    selected = float(getattr(curve, across)[at][0]) if at.any() else None
    chart = trial_charts.curve_chart(frame, _ACROSS[across], format.words(metric), selected)
    st.altair_chart(chart, alt=f"Validation {metric} against {_ACROSS[across]}")
    st.caption("The dashed line is the evaluation that validation selected.")


def _schedule(trial: TrialRecord) -> None:
    schedule = trial.schedule or []
    if len(schedule) < 2 or trial.ledger is None:
        return
    st.subheader("What its steps saw", anchor=False)
    frame = trial_charts.schedule_frame(schedule, trial.ledger.scored)
    st.altair_chart(trial_charts.schedule_chart(frame), alt="Coarsening level against scored time")
    st.caption(trial_charts.LEVELS)


def _dynamics(reader: Reader, trial: TrialRecord) -> None:
    recorded = source.dynamics(reader, trial.trial_id)
    if not recorded:
        return
    st.subheader("What training did to the network", anchor=False)
    names = dynamics_charts.offered(recorded)
    name = st.selectbox(
        "Quantity",
        names,
        format_func=lambda name: dynamics_charts.LABELS.get(name, name),
        key="quantity",
        bind="query-params",
        width=360,
    )
    label, found = dynamics_charts.LABELS.get(name, name), recorded[name]
    if dynamics_charts.is_by_units(found.values):
        frame = dynamics_charts.balance_frame(found.epochs, found.values)
        st.altair_chart(dynamics_charts.balance_chart(frame), alt=f"{label} of hidden units over epochs")
        st.caption(
            "0 is balance: what makes a hidden unit has as much energy as what reads it. Line: median of the units; "
            "shades: half of them, and nine tenths."
        )
        return
    frame = dynamics_charts.heat_frame(found.epochs, found.values, dynamics_charts.first_layer(name))
    if frame.empty:
        st.info("This network has no such parameters.")
        return
    st.altair_chart(dynamics_charts.heat_chart(frame, label), alt=f"{label} by layer and epoch")


def _memory(trial: TrialRecord) -> None:
    numbers = {name: entry for name, entry in trial.memory.items() if isinstance(entry, Mapping) and "bytes" in entry}
    if not numbers:
        return
    st.subheader("Memory, and what each number means", anchor=False)
    # cells are Markdown, and a submission may bring numbers of its own
    st.table(
        [
            {
                "number": format.plain(format.words(name)),
                "size": format.size(entry["bytes"]),
                "definition": format.plain(str(entry.get("definition") or format.NOTHING)),
            }
            for name, entry in numbers.items()
        ],
        border="horizontal",
        alt="Each memory number of the trial with its definition",
    )


def _documents(trial: TrialRecord, overview: Overview) -> None:
    session = next((each for each in overview.sessions if each.session_id == trial.session_id), None)
    # closed, because code and JSON take a browser nearly a second; whoever looks at a failure came for the log
    how = st.expander(
        "How it was run",
        expanded=trial.reason is not None,
        key=_HOW,
        icon=":material/terminal:",
        on_change="rerun",
        bind="query-params",
    )
    if not how.open:
        return
    with how:
        st.code(repeat_command([trial], trial.protocol_settings), language="bash", wrap_lines=True)
        settings, environment, log = st.tabs(["Protocol", "Environment", "Log"])
        with settings:
            st.json(trial.protocol_settings)
        with environment:
            st.json(_surroundings(trial, session))
        with log:
            if trial.log_tail:
                st.code(trial.log_tail, language=None)
            else:
                st.markdown("The trial left no traceback.")


def _rest(trial: TrialRecord) -> None:
    st.subheader("Everything else", anchor=False)
    lines = trial_rest.lines(trial)
    st.table(lines, border="horizontal", alt="Counts, sizes and identifiers that are stored of the trial")


def _surroundings(trial: TrialRecord, session: SessionRecord | None) -> dict[str, Any]:
    found: dict[str, Any] = {"trial": trial.environment}
    if trial.energy:
        found["energy"] = trial.energy
    if session is not None:
        found["session"] = {
            "code_version": session.code_version,
            "command": session.command,
            **session.environment,
            "calibration_before": session.calibration_before,
            "calibration_after": session.calibration_after,
        }
    return found
