"""One row in full: its figures in words and the command that repeats it."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from app import format as words
from app.costs import BY_FIELD, COSTS
from app.table import ends, machine, verdict
from db.records import MachineRecord
from db.scoring.board import BoardRow


def details(row: BoardRow, command: str, machines: Mapping[str, MachineRecord]) -> None:
    """Draw the row; names stand in code, so that nothing in them is markup."""
    with st.container(border=True):
        st.code(f"{row.method}  on  {row.dataset}", language=None)
        st.markdown("\n".join(f"- {words.plain(sentence)}" for sentence in sentences(row, machines)))
        st.markdown("Repeat it:")
        st.code(command, language="bash", wrap_lines=True)


def sentences(row: BoardRow, machines: Mapping[str, MachineRecord]) -> list[str]:
    """The figures of the row, one sentence each."""
    score = words.percent_interval(row.mean, row.ci_low, row.ci_high)
    found = [f"{words.words(row.metric)}: {score} over {words.count(row.n, 'split or seed', 'splits and seeds')}"]
    for stem, cost in COSTS.items():
        ratio, low, high = ends(row, f"{stem}_ratio")
        if ratio is not None and row.method != row.reference:
            said = words.ratio_words(ratio, cost.wording)
            joint = "as" if said == words.SAME else "than"
            interval = words.ratio_interval(ratio, low, high)
            found.append(f"{cost.label}: {said} {joint} {row.reference}, ratio {interval}")
    means = [(cost, getattr(row, name)) for name, cost in BY_FIELD.items()]
    if said_means := [f"{cost.noun} {cost.say(mean)}" for cost, mean in means if mean is not None]:
        found.append(f"Mean trial: {', '.join(said_means)}")
    if row.target is not None and row.success_rate is not None:
        share = words.percent(row.success_rate, 0)
        found.append(f"{share} of the trials reached the target of {words.percent(row.target)} on validation")
    if row.method != row.reference:
        difference = words.points(row.difference, row.difference_low, row.difference_high)
        found.append(f"Score beside {row.reference}: {verdict(row)}, {difference}, p = {words.p_value(row.p_value)}")
    if row.pareto_probability is not None:
        often = words.percent(row.pareto_probability, 0)
        found.append(f"On the front of score, scored time and peak memory in {often} of resamplings")
    if row.failures:
        found.append(f"Failures: {words.failures(row.failures)}")
    if row.provisional:
        found.append("Provisional: fewer than ten splits or seeds")
    where, when = f"{row.device}, {machine(row, machines)}", f"{row.measured_at:%Y-%m-%d}"
    return [*found, f"Measured on {where}, {when}; {words.words(row.trust)}"]
