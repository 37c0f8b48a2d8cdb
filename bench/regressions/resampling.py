"""How often the nightly check is wrong on real noise: repeated trials of a store, resampled.

`python -m bench.regressions.resampling STORE` prints the rates that the documentation quotes. Every repeat of a trial
in a session, and every session, measures the same ratio once more while nothing changes; so their deviations are the
noise that a night has on this machine, with the tails that it really has. Nights are drawn from them with replacement,
which keeps the tails and forgets how long a bad spell lasts.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np

from bench.errors import BenchError
from bench.regressions.simulation import Series, table
from db.errors import StoreError
from db.read import Reader
from db.records import MethodRecord, SessionRecord, TrialRecord
from db.scoring.history import histories

ENOUGH = 20
"""Repeats of a series below which they say little about tails."""

PROMISED = 0.03
"""Noise under which a slow-down of 5 % is to be found within three nights."""

NIGHTS, CHANGES = 20, 1000


def residuals(
    trials: Iterable[TrialRecord],
    sessions: Iterable[SessionRecord],
    methods: Iterable[MethodRecord],
    quantity: str = "time_ratio",
) -> dict[str, tuple[float, ...]]:
    """Deviations of the logarithm of each repeat's ratio from their mean, by `dataset method`.

    A series that was repeated fewer than `ENOUGH` times is left out. Sessions of several code versions are several
    series, because the code may have changed the ratio.

    Args:
        trials: of one machine, device and protocol a method; repeats count within a session.
        sessions, methods: at least those of the trials.
        quantity: `time_ratio`, `memory_ratio` or `energy_ratio`.

    Raises:
        BenchError: no series was repeated often enough.
    """
    held = {session.session_id: session for session in sessions}
    versions = {session.session_id: session.code_version for session in held.values()}
    by_repeat: dict[int, list[TrialRecord]] = defaultdict(list)
    for trial in trials:
        by_repeat[trial.repeat].append(trial)
    logarithms: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for repeat in sorted(by_repeat):
        for series in histories(by_repeat[repeat], held.values(), methods, quantity):
            place = (series.dataset, series.method, series.protocol, series.machine_id, series.device)
            for point in series.points:
                logarithms[*place, versions[point.session_id]].append(math.log(point.value))
    often = {place: values for place, values in logarithms.items() if len(values) >= ENOUGH}
    if not often:
        most = max((len(values) for values in logarithms.values()), default=0)
        raise BenchError(
            f"no pair of methods was repeated {ENOUGH} times, at most {most}; run a suite with repeats = {ENOUGH}"
        )
    return {
        f"{dataset} {method}": tuple(float(value) for value in np.array(values) - np.mean(values))
        for (dataset, method, *_), values in often.items()
    }


def report(deviations: Mapping[str, tuple[float, ...]], nights: int = NIGHTS, changes: int = CHANGES) -> str:
    """The rates as a Markdown table: one line a series, and two in which each of them has its say.

    In these two deviations are scaled, so that their tails come from all series: to the noise of the median series, and
    to that for which the nightly makes its promise.
    """
    spreads = {name: float(np.std(values, ddof=1)) for name, values in deviations.items()}
    usual = float(np.median(list(spreads.values())))
    pooled = [value / spreads[name] for name, values in deviations.items() for value in values if spreads[name]]
    kinds = {
        f"{name}, {len(values)} repeats, noise {spreads[name]:.1%}": Series(residuals=values)
        for name, values in deviations.items()
    }
    for noise in (usual, PROMISED) if pooled else ():
        scaled = Series(residuals=tuple(noise * value for value in pooled))
        kinds[f"all {len(pooled)} repeats, scaled to a noise of {noise:.1%}"] = scaled
    return table(kinds, nights, changes)


def main(store: str) -> int:
    """Print the report of a store; 1 when there is none to print."""
    reader = Reader(store)
    try:
        print(report(residuals(reader.trials(), reader.sessions(), reader.methods())))
    except (BenchError, StoreError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
