"""Two to five methods side by side: differences, ratios, ranks over datasets, and how they converge."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from app import comparison_charts as charts
from app import comparison_table, convergence, filters, format, notices, source, versus
from app.costs import ABSOLUTE, COSTS
from app.counted import by_method, counted
from app.places import Place, main_places, place_of
from db.read import Overview, Reader
from db.records import TrialFigures
from db.scoring.board import BoardRow
from db.scoring.critical_difference import critical_difference
from db.scoring.equivalence import MARGIN
from db.scoring.performance_profile import performance_profile, ratios_to_best
from db.scoring.wins import win_table

TITLE, ICON, ORDER = "Compare", ":material/compare_arrows:", 2
HEADING = "Compare methods"

_MOST, _DRAWN = 5, 20
_SCORE = "score"
# what two costs may differ by and still count as tied
_TIED = 1.05
_FIGURES = {_SCORE: charts.DIFFERENCE} | {cost.noun: stem for stem, cost in COSTS.items()}
_BY = {_SCORE: charts.METRIC} | {cost.noun: stem for stem, cost in ABSOLUTE.items()}
_COSTS = {cost.noun: stem for stem, cost in ABSOLUTE.items()}


@dataclass(frozen=True)
class _Chosen:
    methods: Sequence[str]
    beside: str
    rows: Sequence[BoardRow]
    """Of one place a dataset, those of `beside` included; figures are beside it."""
    trials: Mapping[tuple[str, Place], Sequence[TrialFigures]]

    @property
    def candidates(self) -> list[BoardRow]:
        return [row for row in self.rows if row.method != self.beside]

    @property
    def datasets(self) -> list[str]:
        return sorted({row.dataset for row in self.candidates})


def render(reader: Reader) -> None:
    """Draw the page under its heading."""
    overview = source.overview(reader)
    if not overview.trials:
        notices.no_results(overview, reader.name)
        return
    if overview.stale:
        notices.stale(overview)
    chosen = _choose(reader, overview)
    if chosen is None:
        return
    dataset = _select("On", chosen.datasets, "on")
    _sentences(chosen, dataset)
    _differences(chosen)
    _over_datasets(chosen)
    _profile(chosen)
    _convergence(reader, chosen, dataset)


def _choose(reader: Reader, overview: Overview) -> _Chosen | None:
    rows = source.board(reader)
    names, known = sorted({row.method for row in rows}), sorted({row.dataset for row in rows})
    filters.say_ignored({"methods": names, "dataset": known})
    methods = st.multiselect(
        f"Methods, two to {_MOST}",
        names,
        default=start(rows),
        max_selections=_MOST,
        key="methods",
        bind="query-params",
    )
    if len(methods) < 2:
        st.info("Choose two methods at least. A method comes here once it was run: `leangnn run --method gcn+sgc`.")
        return None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        beside = _select("Held against", _references_first(rows, methods), "beside")
        wanted = st.multiselect("Datasets", known, placeholder="all", key="dataset", bind="query-params", width=480)
    scored = [row for row in source.beside(reader, methods, beside) if not wanted or row.dataset in wanted]
    here = main_places(scored)
    both = [row.dataset for row in here if row.method == beside]
    here = [row for row in here if row.dataset in both]
    if all(row.method == beside for row in here):
        st.info(f"No other of these methods was measured beside {format.plain(beside)}, in one place. Choose others.")
        return None
    return _Chosen(methods, beside, here, _trials(reader, methods, here, overview))


def _trials(
    reader: Reader, methods: Sequence[str], rows: Sequence[BoardRow], overview: Overview
) -> dict[tuple[str, Place], list[TrialFigures]]:
    names = ("dataset", "protocol", "device", "machine_id")
    wanted = {name: sorted({getattr(row, name) for row in rows}) for name in names}
    found: dict[tuple[str, Place], list[TrialFigures]] = {}
    for trial in counted(source.trials(reader, method=sorted(methods), **wanted), overview.sessions):
        found.setdefault((trial.dataset, place_of(trial)), []).append(trial)
    return found


def start(rows: Sequence[BoardRow]) -> list[str]:
    """Two methods to begin with: the one measured on most datasets that is no reference, and its reference."""
    counts = Counter(row.method for row in rows if row.method != row.reference and row.difference is not None)
    if not counts:
        return sorted({row.method for row in rows})[:2]
    first = min(counts, key=lambda method: (-counts[method], method))
    return [first, next(row.reference for row in rows if row.method == first)]


def _references_first(rows: Sequence[BoardRow], methods: Sequence[str]) -> list[str]:
    references = {row.reference for row in rows if row.method in methods}
    return sorted(methods, key=lambda method: method not in references)


def _select(label: str, options: Sequence[str], key: str) -> str:
    filters.say_ignored({key: options})
    return st.selectbox(label, options, key=key, bind="query-params", width=480)


def _control(label: str, options: Sequence[str], key: str) -> str:
    filters.say_ignored({key: options})
    chosen = st.segmented_control(label, options, default=options[0], required=True, key=key, bind="query-params")
    return chosen or options[0]


def _sentences(chosen: _Chosen, dataset: str) -> None:
    said = []
    for method in chosen.methods:
        own = [row for row in chosen.candidates if row.method == method]
        over = versus.overall(own, chosen.beside)
        said += [versus.sentence(row) for row in own if row.dataset == dataset]
        said += [over] if over else []
    with st.container(border=True):
        st.markdown("\n".join(f"- {format.plain(sentence)}" for sentence in said))


def _differences(chosen: _Chosen) -> None:
    st.subheader("Dataset by dataset", anchor=False)
    figure = _FIGURES[_control("Figure", list(_FIGURES), "figure")]
    rows = chosen.candidates
    frame = charts.interval_frame([row for row in rows if row.dataset in chosen.datasets[:_DRAWN]], figure)
    if frame.empty:
        st.info("None of these methods has this figure beside the other. Choose another.")
    else:
        chart = charts.interval_chart(frame, figure, chosen.methods, chosen.beside)
        st.altair_chart(chart, alt=f"Difference of each method to {chosen.beside} on each dataset, with intervals")
    if len(chosen.datasets) > _DRAWN:
        st.caption(f"The picture shows {_DRAWN} of {len(chosen.datasets)} datasets, the table all.")
    table = comparison_table.frame(rows)
    st.dataframe(
        table,
        hide_index=True,
        column_config=comparison_table.columns(),
        placeholder=format.NOTHING,
        alt="Differences and ratios of each method on each dataset",
    )
    st.caption(
        "Paired by split and seed on one machine. p-values are of sign flips, corrected by Holm over the methods of a "
        f"dataset; *same* is claimed by a test of equivalence within {100 * MARGIN:g} points."
    )


def _over_datasets(chosen: _Chosen) -> None:
    st.subheader("Over the datasets", anchor=False)
    by = _BY[_control("Compared by", list(_BY), "by")]
    datasets, figures = charts.figure_table(chosen.rows, chosen.methods, by)
    is_metric = by == charts.METRIC
    # a product of costs is to Wilcoxon what a sum is of metrics
    table = figures if is_metric else np.log(figures)
    try:
        found = critical_difference(table, maximize=is_metric)
    except ValueError:
        st.info("No dataset has this figure of every method chosen, so there are no ranks. Choose other methods.")
        return
    chart = charts.rank_chart(charts.rank_frame(chosen.methods, found), chosen.methods)
    st.altair_chart(chart, alt="Mean ranks of the methods; bars join those that cannot be told apart")
    used = format.count(int(found.counted.sum()), "dataset")
    friedman = "" if found.friedman_p is None else f" Friedman's test: p = {format.p_value(found.friedman_p)}."
    st.caption(f"Over {used} with every method.{friedman} {found.caution or ''}")
    margin = MARGIN if is_metric else math.log(_TIED)
    wins = win_table(table, margin, maximize=is_metric)
    st.dataframe(comparison_table.win_frame(chosen.methods, wins), alt="How often each method beats each other")
    tie = f"{100 * MARGIN:g} points" if is_metric else f"{100 * (_TIED - 1):.0f} %"
    st.caption(f"Wins, ties and losses over {format.count(len(datasets), 'dataset')}; a tie is within {tie}.")


def _profile(chosen: _Chosen) -> None:
    st.subheader("Performance profile", anchor=False)
    noun = _control("Cost", list(_COSTS), "cost")
    datasets, costs = charts.figure_table(chosen.rows, chosen.methods, _COSTS[noun])
    measured = ~np.isnan(costs).any(axis=0)
    if not measured.any():
        st.info(f"No dataset has the {noun} of every method chosen. Choose another cost.")
        return
    frame = charts.profile_frame(chosen.methods, performance_profile(ratios_to_best(costs[:, measured])))
    st.altair_chart(
        charts.profile_chart(frame, noun, chosen.methods), alt=f"Share of datasets within a factor of the least {noun}"
    )
    left_out = len(datasets) - int(measured.sum())
    st.caption(
        f"Over {format.count(int(measured.sum()), 'dataset')}"
        + (f" ({left_out} without the figure of every method left out)" if left_out else "")
        + ": the share on which a method needs at most this multiple of the cheapest method here. Higher is better."
    )


def _convergence(reader: Reader, chosen: _Chosen, dataset: str) -> None:
    st.subheader(f"Convergence on {format.plain(dataset)}", anchor=False)
    row = next(row for row in chosen.rows if row.dataset == dataset)
    label = _control("Against", list(convergence.ACROSS), "across")
    trials = by_method(chosen.trials.get((dataset, place_of(row)), ()))
    curves = source.curves(reader, [trial.trial_id for own in trials.values() for trial in own])
    found = {
        method: [curves[trial.trial_id] for trial in trials.get(method, ()) if trial.trial_id in curves]
        for method in chosen.methods
    }
    frame = convergence.convergence_frame(found, convergence.ACROSS[label])
    if frame.empty:
        st.info("No trial of these methods was evaluated while it trained, so there is no curve.")
        return
    chart = convergence.convergence_chart(frame, label, format.words(row.metric), chosen.methods)
    st.altair_chart(chart, alt=f"Validation metric of each method on {dataset} against {label}")
    counts = ", ".join(f"{method} {len(own)}" for method, own in found.items())
    st.caption(
        "Lines are medians over trials, bands reach from the lower to the upper quartile. A trial that has stopped "
        f"keeps its last value. Trials: {format.plain(counts)}."
    )
