"""Two methods in one sentence: how much quicker, how accurate, how much memory, surely or perhaps."""

from __future__ import annotations

from collections.abc import Sequence

from app import format as words
from app.table import ends, verdict_word
from db.scoring.board import BoardRow
from db.scoring.board_columns import RANKED_FROM
from db.scoring.equivalence import MARGIN
from db.scoring.intervals import geometric_mean_ratio


def sentence(row: BoardRow) -> str:
    """What a row says of its method beside `row.reference`."""
    if row.mean is None:
        return f"{row.method} has no result on {row.dataset}: {words.failures(row.failures) or 'no trial was scored'}"
    if row.difference is None:
        return f"{row.method} on {row.dataset} has no split and seed in common with {row.reference}"
    few = ", provisional" if row.paired < RANKED_FROM else ""
    parts = [_speed(row), _metric(row), _memory(row)]
    return f"{row.method} on {row.dataset}: {', '.join(part for part in parts if part)}, n = {row.paired}{few}"


def overall(rows: Sequence[BoardRow], beside: str) -> str | None:
    """What the rows of one method say over several datasets; None with fewer than two that have a ratio."""
    ratios = [row.time_ratio for row in rows if row.time_ratio is not None]
    mean = geometric_mean_ratio(ratios, [1.0] * len(ratios)) if len(ratios) > 1 else None
    if mean is None:
        return None
    verdicts = [verdict_word(row.equivalent, row.p_value, row.difference) for row in rows]
    counts = [
        f"{word} on {verdicts.count(word)}" for word in ("better", "same", "worse", "unclear") if word in verdicts
    ]
    speed = words.times_interval(*mean, words.TIME, f" than {beside} in scored time")
    return f"{rows[0].method} over {len(ratios)} datasets: {speed}; score {', '.join(counts)}"


def _speed(row: BoardRow) -> str:
    for stem, what in (("target", "to target "), ("time", "")):
        ratio, low, high = ends(row, f"{stem}_ratio")
        if ratio is not None:
            return _than(words.times_interval(ratio, low, high, words.TIME, f" {what}than {row.reference}"))
    return "no scored time to compare"


def _metric(row: BoardRow) -> str:
    name = words.words(row.metric)
    if row.equivalent:
        return f"{name} equivalent within {100 * MARGIN:g} points"
    said = words.points(*ends(row, "difference"))
    word = verdict_word(row.equivalent, row.p_value, row.difference)
    return f"{name} {word if word != words.NOTHING else 'not tested'}: {said}, p = {words.p_value(row.p_value)}"


def _memory(row: BoardRow) -> str:
    ratio, low, high = ends(row, "memory_ratio")
    return "" if ratio is None else words.share_interval(ratio, low, high, words.MEMORY, " memory")


def _than(said: str) -> str:
    # `the same than` is no English
    return said.replace(f"{words.SAME} to target than", "as fast to target as").replace(
        f"{words.SAME} than", "as fast as"
    )
