"""Numbers as people read them. Every function takes None for a figure that cannot be had."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

NOTHING = "—"
SAME = "the same"

_ACRONYMS = ("roc", "auc", "f1", "mse", "mae")


class Wording(NamedTuple):
    """The words of a ratio below and above 1, for example `faster` and `slower`."""

    below: str
    above: str


TIME = Wording("faster", "slower")
MEMORY = Wording("less", "more")
ENERGY = MEMORY
TARGET = Wording("sooner", "later")
SIZE = Wording("smaller", "larger")


def is_number(value: float | None) -> bool:
    """Whether there is a finite figure."""
    return value is not None and math.isfinite(value)


def percent(fraction: float | None, decimals: int = 2) -> str:
    """`89.52 %` for 0.8952."""
    return f"{100 * fraction:.{decimals}f} %" if fraction is not None and is_number(fraction) else NOTHING


def percent_interval(value: float | None, low: float | None, high: float | None) -> str:
    """`89.52 % (89.10 to 89.94)`; without the ends, the value alone."""
    if low is None or high is None or not (is_number(low) and is_number(high)):
        return percent(value)
    return f"{percent(value)} ({100 * low:.2f} to {100 * high:.2f})"


def points(difference: float | None, low: float | None = None, high: float | None = None) -> str:
    """Percentage points for a difference of fractions: `+0.42 points (-0.10 to +0.94)`; without the ends, the value."""
    if difference is None or not is_number(difference):
        return NOTHING
    said = f"{100 * difference:+.2f} points"
    if low is None or high is None or not (is_number(low) and is_number(high)):
        return said
    return f"{said} ({100 * low:+.2f} to {100 * high:+.2f})"


def seconds(value: float | None) -> str:
    """A duration: `830 ms`, `12.3 s`, `4 min 05 s`, `2 h 03 min`."""
    if value is None or not is_number(value):
        return NOTHING
    if value < 0.9995:
        return f"{1000 * value:.3g} ms"
    if value < 9.995:
        return f"{value:.2f} s"
    if value < 59.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(value / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def size(value: float | None) -> str:
    """Bytes in decimal units: `512 B`, `1.5 kB`, `24 MB`, `1.2 GB`."""
    return _scaled(value, ("B", "kB", "MB", "GB", "TB"), 1000)


def joules(value: float | None) -> str:
    """Energy: `12.3 J`, `4.5 kJ`."""
    return _scaled(value, ("J", "kJ", "MJ"), 1000)


def ratio_words(ratio: float | None, wording: Wording = TIME) -> str:
    """`1.9x faster` for 0.53; `the same` where the ratio rounds to 1.00."""
    if ratio is None or not is_number(ratio) or ratio <= 0:
        return NOTHING
    times = _times(max(ratio, 1 / ratio))
    if times == "1.00":
        return SAME
    return f"{times}x {wording.below if ratio < 1 else wording.above}"


def ratio_interval(ratio: float | None, low: float | None, high: float | None) -> str:
    """`0.53 (0.49 to 0.57)`; without the ends, the ratio alone."""
    if ratio is None or not is_number(ratio):
        return NOTHING
    if low is None or high is None or not (is_number(low) and is_number(high)):
        return f"{ratio:.2f}"
    return f"{ratio:.2f} ({low:.2f} to {high:.2f})"


def times_interval(ratio: float, low: float | None, high: float | None, wording: Wording = TIME, what: str = "") -> str:
    """`1.9x faster (95 % CI 1.7 to 2.1)` for the ratio 0.53 (0.48 to 0.59), positive numbers; `what` follows the words.

    Where the interval does not leave out 1 a difference begins with `perhaps`.
    """
    said = ratio_words(ratio, wording)
    said = ("" if said == SAME else _perhaps(low, high)) + said + what
    if low is None or high is None:
        return said
    ends = (low, high) if ratio >= 1 else (1 / high, 1 / low)
    return f"{said} (95 % CI {_times(ends[0])} to {_times(ends[1])})"


def share_interval(
    ratio: float, low: float | None, high: float | None, wording: Wording = MEMORY, what: str = ""
) -> str:
    """`41 % less (95 % CI 36 to 45 %)` for the ratio 0.59 (0.55 to 0.64), else as `times_interval`.

    From twice and a tenth on it is said in times.
    """
    if ratio >= 2 or ratio <= 0.1 or ratio_words(ratio) == SAME:
        return times_interval(ratio, low, high, wording, what)
    sign, word = (-1, wording.below) if ratio < 1 else (1, wording.above)
    said = f"{_perhaps(low, high)}{100 * abs(ratio - 1):.0f} % {word}{what}"
    if low is None or high is None:
        return said
    ends = sorted(100 * sign * (end - 1) for end in (low, high))
    return f"{said} (95 % CI {ends[0]:.0f} to {ends[1]:.0f} %)"


def p_value(value: float | None) -> str:
    """`0.004`, `0.23`, `< 0.001`."""
    if value is None or not is_number(value):
        return NOTHING
    return "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def failures(counts: Mapping[str, int]) -> str:
    """`2 timed out, 1 crashed`; nothing where nothing failed."""
    return ", ".join(f"{count} {words(status)}" for status, count in counts.items())


def words(name: str | None) -> str:
    """A name of the store in words: `out of memory` for `out_of_memory`, `ROC AUC` for `roc_auc`."""
    if name is None:
        return NOTHING
    return " ".join(word.upper() if word in _ACRONYMS else word for word in name.split("_"))


def count(number: int, singular: str, plural: str | None = None) -> str:
    """`1 trial`, `1,200 trials`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def numbers(values: Sequence[int]) -> str:
    """`0-9,12` for the whole numbers from 0 to 9 and 12."""
    runs: list[list[int]] = []
    for value in sorted(set(values)):
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def plain(text: str) -> str:
    """Text that Markdown shows as it stands, because names come from people."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])", r"\\\1", text)


def code(text: str) -> str:
    """Text as inline code of Markdown. A block of code has a button that copies it, and costs a browser half a second:
    it loads the grammars of all languages."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    line = " ".join(text.split())
    return f"{fence} {line} {fence}" if line.startswith("`") or line.endswith("`") else f"{fence}{line}{fence}"


def _scaled(value: float | None, units: Sequence[str], step: int) -> str:
    if value is None or not is_number(value):
        return NOTHING
    position = 0
    while abs(value) >= step and position < len(units) - 1:
        value, position = value / step, position + 1
    return f"{value:.0f} {units[0]}" if position == 0 and units[0] == "B" else f"{value:.3g} {units[position]}"


def _perhaps(low: float | None, high: float | None) -> str:
    return "perhaps " if low is None or high is None or low <= 1 <= high else ""


def _times(factor: float) -> str:
    # two digits after the point keep 1.04x apart from 1.00x, and say too much of 14.37x
    return f"{factor:.2f}" if factor < 1.095 else f"{factor:.1f}" if factor < 9.95 else f"{factor:.0f}"
