"""How often the nightly check is wrong: false alarms and detections, by simulation.

`python -m bench.regressions.simulation` prints the rates that the documentation quotes. The ratios of a night are
lognormal, or with heavier tails on request, or drawn from real ones (`bench.regressions.resampling`); a series that is
suspected is measured again as `db.scoring.regression` asks for. Test metrics are normal, and measured again with fresh
seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from db.scoring.metric_regression import metric_verdict, proves_loss
from db.scoring.regression import (
    ROUNDS,
    Outcome,
    cost_verdict,
    proves_slow_down,
    settled_level,
    significance,
)

_DRAWS = 500
"""Sets of fresh measurements by which the chance of a false alarm of one suspected series is estimated."""

Measure = Callable[[int], NDArray[np.float64]]


@dataclass(frozen=True)
class Series:
    """What is simulated."""

    noise: float = 0.03
    """Standard deviation of the logarithm of a night's ratio, and of every fresh one."""
    history: int = 30
    """Nights before the first that is judged."""
    together: int = 200
    """Series that are judged in one night."""
    tail_degrees: int | None = None
    """Degrees of freedom of Student's t noise, scaled to the same deviation; None is normal noise."""
    missing: float = 0.0
    """Chance that a night before those that are judged is missing."""
    residuals: tuple[float, ...] = ()
    """Logarithms of real ratios of one unchanged method, of mean 0, to draw the noise from instead; then `noise` and
    `tail_degrees` say nothing."""

    def __post_init__(self) -> None:
        if not self.noise > 0 or self.history < 1 or self.together < 1 or not 0 <= self.missing < 1:
            raise BenchError(f"these series cannot be simulated: {self}; give positive numbers, `missing` below 1")
        if self.tail_degrees is not None and self.tail_degrees < 3:
            raise BenchError(f"noise with {self.tail_degrees} degrees of freedom has no deviation; give 3 or more")


@dataclass(frozen=True)
class QuietRates:
    """What happens while nothing changes."""

    suspected: float
    """Share of the series that are measured again in a night."""
    reruns: float
    """Fresh measurements a series and night, where the night itself is one."""
    alarms: float
    """Share of nights in which any series raises an alarm.

    The mean over nights of the chance given the night's histories, which a plain count would need a hundred times the
    nights to estimate. Of a cost it is an upper bound, as it leaves out that most suspicions end with the first fresh
    measurements.
    """
    counted_alarms: int
    """Alarms that the simulated nights in fact raised."""


def quiet_rates(series: Series, nights: int, seed: int = 0) -> QuietRates:
    """Judge `nights` unrelated nights of `series.together` series of a cost, without a change in any."""
    random = np.random.default_rng(seed)
    suspicions = measurements = alarms = 0
    chances: list[float] = []
    for _ in range(nights):
        ratios = [_ratios(series, random, judged=1) for _ in range(series.together)]
        suspected = [own for own in ratios if cost_verdict(own).outcome is Outcome.SUSPECTED]
        suspicions += len(suspected)
        unharmed = 1.0
        for own in suspected:
            outcome, used = _decide(own, lambda count: _noise(series, random, count), series.together)
            alarms += outcome is Outcome.REGRESSION
            measurements += used
            unharmed *= 1 - _chance_of_alarm(series, own, random)
        chances.append(1 - unharmed)
    judged = nights * series.together
    return QuietRates(suspicions / judged, measurements / judged, float(np.mean(chances)), alarms)


def detection_rates(series: Series, slow_down: float, changes: int, within: int = 3, seed: int = 0) -> list[float]:
    """Share of `changes` slow-downs (relative, 0.05 is 5 %) that are found by their 1st, 2nd, ... night (within,).

    Each is judged as one of `series.together`.
    """
    random = np.random.default_rng(seed)
    shift = math.log1p(slow_down)
    found_on = np.full(changes, within)
    for change in range(changes):
        ratios = _ratios(series, random, judged=within)
        ratios[-within:] *= 1 + slow_down
        for night in range(within):
            seen = ratios[: series.history + 1 + night]
            outcome, _ = _decide(seen, lambda count: _noise(series, random, count) + shift, series.together)
            if outcome is Outcome.REGRESSION:
                found_on[change] = night
                break
    return [float((found_on <= night).mean()) for night in range(within)]


def metric_alarm_rate(loss: float, deviation: float, pairs: int, series: int, together: int, seed: int = 0) -> float:
    """Share of `series` metrics that raise an alarm, each judged as one of `together` in its night.

    Metrics are normal with standard deviation `deviation` over seeds, and `loss` lower in the night. Also at equal
    seeds they are unrelated, as after a change that rounds otherwise.
    """
    random = np.random.default_rng(seed)
    alarms = 0
    for _ in range(series):
        before = random.normal(0.0, deviation, pairs)
        own = random.normal(-loss, deviation, pairs) - before
        first = metric_verdict(own)
        if first.outcome is Outcome.SUSPECTED:
            fresh = random.normal(-loss, deviation, (first.reruns_wanted, pairs)) - before
            alarms += metric_verdict(own, fresh.tolist(), together).outcome is Outcome.REGRESSION
    return alarms / series


def quiet_metric_rates(deviation: float, pairs: int, nights: int, together: int = 200, seed: int = 0) -> QuietRates:
    """Judge `nights` unrelated nights of `together` metrics as `metric_alarm_rate` does, without a change in any."""
    random = np.random.default_rng(seed)
    suspicions = measurements = alarms = 0
    chances: list[float] = []
    for _ in range(nights):
        unharmed = 1.0
        for before in random.normal(0.0, deviation, (together, pairs)):
            own = random.normal(0.0, deviation, pairs) - before
            first = metric_verdict(own)
            if first.outcome is not Outcome.SUSPECTED:
                continue
            suspicions += 1
            measurements += first.reruns_wanted
            draws = random.normal(0.0, deviation, (_DRAWS, first.reruns_wanted, pairs)) - before
            alarms += metric_verdict(own, draws[0].tolist(), together).outcome is Outcome.REGRESSION
            unharmed *= 1 - float(proves_loss(draws, significance(together)).mean())
        chances.append(1 - unharmed)
    judged = nights * together
    return QuietRates(suspicions / judged, measurements / judged, float(np.mean(chances)), alarms)


def report(nights: int = 50, changes: int = 1000) -> str:
    """The rates as a Markdown table, one line a kind of series; the last is a metric whose seeds differ by a point."""
    kinds = {
        "3 % noise": Series(),
        "3 % noise, 11 nights": Series(history=10),
        "3 % noise, 1 of 5 nights missing": Series(missing=0.2),
        "3 % noise with heavy tails": Series(tail_degrees=4),
        "1 % noise": Series(noise=0.01),
    }
    quiet = quiet_metric_rates(0.01, 10, nights)
    found = ", ".join(
        f"{loss} points {metric_alarm_rate(loss / 100, 0.01, 10, changes, Series.together):.1%}" for loss in (2, 3)
    )
    return f"{table(kinds, nights, changes)}\n{_line('metric, ten pairs', quiet, found)}"


def table(kinds: Mapping[str, Series], nights: int, changes: int) -> str:
    """The rates of series by name, as a Markdown table: `nights` without a change, and `changes` of 5 %."""
    lines = [
        "| Series | measured again | runs a series | nights with an alarm | 5 % found after 1, 2, 3 nights |",
        "|---|---|---|---|---|",
    ]
    for name, series in kinds.items():
        found = ", ".join(f"{share:.1%}" for share in detection_rates(series, 0.05, changes))
        lines.append(_line(name, quiet_rates(series, nights), found))
    return "\n".join(lines)


def _line(name: str, quiet: QuietRates, found: str) -> str:
    return f"| {name} | {quiet.suspected:.1%} | {quiet.reruns:.2f} | {quiet.alarms:.2%} | {found} |"


def _ratios(series: Series, random: np.random.Generator, judged: int) -> NDArray[np.float64]:
    ratios = np.exp(_noise(series, random, series.history + judged))
    ratios[: series.history][random.random(series.history) < series.missing] = np.nan
    return ratios


def _noise(series: Series, random: np.random.Generator, *shape: int) -> NDArray[np.float64]:
    if series.residuals:
        return random.choice(np.array(series.residuals), shape)
    if series.tail_degrees is None:
        return random.normal(0.0, series.noise, shape)
    degrees = series.tail_degrees
    return random.standard_t(degrees, shape) * series.noise / math.sqrt(degrees / (degrees - 2))


def _decide(ratios: NDArray[np.float64], measure: Measure, compared: int) -> tuple[Outcome, int]:
    verdict = cost_verdict(ratios)
    logarithms = np.empty(0)
    while verdict.outcome is Outcome.SUSPECTED:
        logarithms = np.concatenate([logarithms, measure(verdict.reruns_wanted)])
        verdict = cost_verdict(ratios, np.exp(logarithms).tolist(), compared)
    return verdict.outcome, len(logarithms)


def _chance_of_alarm(series: Series, ratios: NDArray[np.float64], random: np.random.Generator) -> float:
    baseline = settled_level(ratios)
    assert baseline is not None
    fresh = _noise(series, random, _DRAWS, ROUNDS[-1])
    return float(proves_slow_down(baseline, fresh, significance(series.together)).mean())


if __name__ == "__main__":
    print(report())
