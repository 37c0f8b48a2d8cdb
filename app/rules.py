"""How every number is made, in words. Constants come from the code that uses them, so that the two cannot differ."""

from __future__ import annotations

from dataclasses import fields
from typing import NamedTuple

from app import format as words
from app.trial_charts import SCORED
from db.records import Ledger, Status, Trust
from db.scoring.board_columns import RANKED_FROM
from db.scoring.censoring import TARGET_SHARE
from db.scoring.changepoint import SHORTEST
from db.scoring.equivalence import MARGIN
from db.scoring.performance_profile import SCORED_UP_TO
from db.scoring.regression import ALARMS_PER_NIGHT, BASELINE, LEAST_SLOW_DOWN, ON_TRIAL, ROUNDS

DRIFT = 0.03
"""Relative change of a calibration kernel above which a session is said to have drifted; the runner's own limit."""

SHORTEST_ENERGY = 2.0
"""Seconds below which an energy counter is too coarse; the meter's own limit."""


class Section(NamedTuple):
    """One rule; other pages link to it as `rules#<anchor>`."""

    anchor: str
    title: str
    text: str


_ACCOUNTS = [field.name for field in fields(Ledger) if field.name != "wall"]

_STATUSES = {
    Status.FINISHED: "it trained to the end of its budget, or stopped early by the protocol's rule",
    Status.MISSED_TARGET: "it finished, but its validation metric never reached the protocol's target",
    Status.OUT_OF_MEMORY: "the device or the machine had no more memory",
    Status.TIMED_OUT: "it took longer than a trial may",
    Status.CRASHED: "the code failed; the row has the reason and the end of the log",
    Status.INTERRUPTED: "its user stopped it; it says nothing about the method and is in no figure",
}

_TRUST = {
    Trust.MEASURED_HERE: "the owner of this database ran it",
    Trust.SELF_REPORTED: "somebody else says so",
    Trust.CHECKED: "the metric was computed again from the submitted predictions, and agrees",
    Trust.REPRODUCED: "it was run again with fresh seeds, and agrees",
    Trust.REJECTED: "a reviewer refused it; its trials are not kept",
    Trust.DISPUTED: "somebody gave reasons against it, which are not settled",
    Trust.RETRACTED: "it was taken back; whatever is derived from it is disputed",
}


def _list(lines: dict[Status, str] | dict[Trust, str]) -> str:
    return "\n".join(f"- **{words.words(state.value)}**: {meaning}" for state, meaning in lines.items())


SECTIONS = (
    Section(
        "trial",
        "A trial",
        f"""
One dataset, split, seed, method and protocol, run in one fresh process. Every trial ends as one row, and a failure is
a result with its reason:

{_list(_STATUSES)}
""",
    ),
    Section(
        "clock",
        "Time",
        f"""
A ledger charges every nanosecond of the trial's process to one account: {", ".join(_ACCOUNTS)}. The accounts add up
to the wall time within 1 %, or the trial fails. **Scored time** is {" + ".join(SCORED)}: coarsening, partitioning,
sampling and the calibration of quantizers are charged to the method. Evaluation comes at the same epochs for all and
is not charged. The device is synchronised where an account closes and not at every step, which would itself slow
small graphs down. A warm-up on dummy data comes first and is not charged; after it seeds, parameters and peak
counters are reset.
""",
    ),
    Section(
        "target",
        "Time to target",
        f"""
The scored time until the validation metric first reaches the target: the one that the protocol declares, else
{words.percent(TARGET_SHARE, 0)} of the median, over the reference's trials, of their best validation metric. A trial
that never reaches it, for whatever reason, is *censored*: it counts with the longest scored time that any trial of
the two methods spent. The ratio is that of the restricted mean times, with a bootstrap interval, beside the share of
trials that reached the target. A mean over successes alone would credit a method for failing.
""",
    ),
    Section(
        "memory",
        "Memory",
        """
On a CPU: the peak resident set of the trial's own process above its level before the model was built, from the
kernel's high-water mark, which is reset after loading. On a GPU three numbers: the peak that tensors were allocated,
the peak that the allocator reserved, and the peak of the process as the driver sees it; the first is the headline.
Evaluation is left out of the headline, as of time. Each number is stored and shown with its definition; one that
cannot be had is empty and never 0. The **model's size** is the bytes of what predicts; a quantizer may claim less
memory only for codes that are really stored.
""",
    ),
    Section(
        "energy",
        "Energy",
        f"""
The difference of two reads of a hardware counter around the synchronised trial: the GPU's total energy (NVML) or the
CPU packages' (RAPL), idle power included; the idle baseline is stored beside it. It is empty, with the reason, where
there is no counter, where others share the device, and for windows under {SHORTEST_ENERGY:g} s, for which counters
are too coarse. It is never 0.
""",
    ),
    Section(
        "reference",
        "Ratios and interleaving",
        f"""
Seconds of two machines cannot be compared, ratios can. The **paired reference** of a method is full batch in FP32
with the same backbone, split, seed and protocol. A session runs the two alternately on one machine, and the headline
figure is method / reference: 0.5 is half the cost. Of several references the one of the same session is taken, else
the one nearest in time; a ratio whose two sides ran in different sessions is marked *not interleaved*. Fixed kernels
are timed before and after each session; when one of them moved by more than {words.percent(DRIFT, 0)}, the machine
**drifted**, and the run says so. A ratio of interleaved trials survives that, absolute times do not. They are
compared only within one dataset version, protocol, device and machine.
""",
    ),
    Section(
        "metric",
        "The metric",
        """
Test labels live in the scorer, which runs in another process than training and sees only predictions. The epoch is
selected by the validation metric; the test metric is computed once, from the stored predictions of that epoch.
Validation labels are never trained on. Features, splits and labels have a version and a SHA-256.
""",
    ),
    Section(
        "intervals",
        "Intervals and n",
        f"""
Means are over (split, seed), repeats of one averaged first, because they are not independent; **n** counts those with
a result. The bar is the 95 % interval by Student's t. Ratios of time, memory and energy are geometric means of paired
ratios with the t interval of their logarithms. A ranked row needs {RANKED_FROM} splits or seeds; fewer is
**provisional**.
""",
    ),
    Section(
        "tests",
        "Better, worse, the same",
        f"""
The difference of the metric is paired by (split, seed) and tested by flipping its signs in all possible ways, or in
many random ones where there are too many. Its p-value is corrected by **Holm** for all candidates of the dataset, so
that twenty tries do not find one winner by chance: *better* and *worse* need p < 0.05 after it. **The same** is a
claim of its own, made only by a test of equivalence (two one-sided t tests) within a declared margin of
{100 * MARGIN:g} points; a large p-value alone is *unclear*.
""",
    ),
    Section(
        "front",
        "Pareto front",
        """
A row is on the front when no other of its dataset, protocol, device and machine has a metric as good for no more time
and memory. The probability of membership is how often that is so when the splits and seeds are drawn again
(bootstrap), so that noise makes no front.
""",
    ),
    Section(
        "ranks",
        "Ranks over datasets",
        f"""
A method's standing over a chosen set of datasets is the mean of its own figures (the metric, or the geometric mean of
its ratios to the frozen reference) and nothing else, so that an entrant finds its place between the others and
reorders none of them. Methods that failed on a dataset come after those that solved all; one that was not run on all
of them has no rank. The range beside a rank is the best and the worst when any one dataset is left out. Performance
profiles score factors up to {SCORED_UP_TO:g}.
""",
    ),
    Section(
        "history",
        "History and change points",
        f"""
A point of a series is one session: the mean paired ratio of the trials that ran interleaved in it. Levels are the
piecewise constant fit with the least squared error plus a penalty for every step; a level lasts {SHORTEST} sessions
at least. The nightly check holds a night to the last level that lasted {BASELINE} nights, not counting the newest
{ON_TRIAL}. What looks slower is measured again, up to {ROUNDS[-1]} times, and the fresh figures alone decide: a
regression is a slow-down of {words.percent(LEAST_SLOW_DOWN, 0)} at least that noise does not explain, at a
significance shared by all series of the night ({words.percent(ALARMS_PER_NIGHT, 2)} of quiet nights may raise an
alarm).
""",
    ),
    Section(
        "tracks",
        "Tracks",
        """
**Training**: architecture, features and split are fixed, and the final predictions are made on the whole graph in
FP32; only the way of training differs. **Low bit**: predictions come from the packed integer model that is really
executed, and its size is the bytes that are really allocated. A quantizer that only imitates few bits in FP32 is
*simulated* and may claim no speed and no memory.
""",
    ),
    Section(
        "trust",
        "Trust",
        f"""
Each row says who stands behind it, by the weakest of its trials, those of its reference included:

{_list(_TRUST)}

A submission is data and never code: curves, predictions and settings. Nothing in it is executed.
""",
    ),
)
