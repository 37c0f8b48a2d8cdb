"""One row in full: its figures in words and the command that repeats it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from app import format as words
from app.command import run_command
from app.table import RATIOS, machine, verdict
from db.records import MachineRecord, TrialRecord
from db.scoring.board import BoardRow

_NAMES = {"time": "Scored time", "memory": "Peak memory", "target": "Time to target"}


def details(row: BoardRow, trials: Sequence[TrialRecord], machines: Mapping[str, MachineRecord]) -> None:
    """Draw the row; names stand in code, so that nothing in them is markup."""
    with st.container(border=True):
        st.code(f"{row.method}  on  {row.dataset}", language=None)
        st.markdown("\n".join(f"- {words.plain(sentence)}" for sentence in sentences(row, machines)))
        st.markdown("Repeat it:")
        st.code(run_command(row, trials), language="bash", wrap_lines=True)


def sentences(row: BoardRow, machines: Mapping[str, MachineRecord]) -> list[str]:
    """The figures of the row, one sentence each."""
    score = words.percent_interval(row.mean, row.ci_low, row.ci_high)
    found = [f"{words.words(row.metric)}: {score} over {words.count(row.n, 'split or seed', 'splits and seeds')}"]
    for stem, wording in RATIOS.items():
        ratio, low, high = (getattr(row, f"{stem}_ratio{end}") for end in ("", "_low", "_high"))
        if ratio is not None and row.method != row.reference:
            said = words.ratio_words(ratio, wording)
            joint = "as" if said == words.SAME else "than"
            interval = words.ratio_interval(ratio, low, high)
            found.append(f"{_NAMES[stem]}: {said} {joint} {row.reference}, ratio {interval}")
    found.append(f"Mean trial: {words.seconds(row.scored_seconds)} scored, {words.size(row.peak_memory_bytes)} at peak")
    if row.target is not None and row.success_rate is not None:
        share = words.percent(row.success_rate, 0)
        found.append(f"{share} of the trials reached the target of {words.percent(row.target)} on validation")
    if row.method != row.reference:
        found.append(f"Score beside {row.reference}: {verdict(row)}, p = {words.p_value(row.p_value)}")
    if row.failures:
        found.append(f"Failures: {words.failures(row.failures)}")
    return [*found, f"Measured on {row.device}, {machine(row, machines)}; {words.words(row.trust)}"]
