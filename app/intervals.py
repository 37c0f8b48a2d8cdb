"""Intervals drawn small enough for the cell of a table, as SVG that a browser shows without asking anybody."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Iterable, Sequence

from app.format import is_number

WIDTH, HEIGHT, MARGIN = 120, 28, 7
# between the two blues of Okabe and Ito, because a picture in a cell cannot know the background
BLUE, ORANGE, GREY = "#2D8FCB", "#D55E00", "#8C8C8C"

Ends = tuple[float | None, float | None, float | None]
"""A figure with the ends of its interval."""


def metric_pictures(figures: Sequence[Ends]) -> list[str | None]:
    """One picture a figure, all on the scale from the lowest to the highest end; None where there is no figure."""
    known = _numbers(figures)
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    return [_picture(figure, low, high, None, BLUE) for figure in figures]


def ratio_pictures(figures: Sequence[Ends]) -> list[str | None]:
    """One picture a ratio, on a logarithmic scale with the reference's 1 in the middle.

    Blue is surely cheaper and orange surely dearer; grey is an interval that holds 1, or has no ends.
    """
    logarithms = [_logarithms(figure) for figure in figures]
    reach = max([math.log(2), *(abs(end) for end in _numbers(logarithms))])
    return [_picture(figure, -reach, reach, 0.0, _colour(figure)) for figure in logarithms]


def rank_pictures(figures: Sequence[Ends]) -> list[str | None]:
    """One picture a mean rank, on the scale from the first rank to the last end."""
    last = max([2.0, *_numbers(figures)])
    return [_picture(figure, 1.0, last, None, BLUE) for figure in figures]


def _colour(figure: Ends) -> str:
    _, low, high = figure
    if low is None or high is None or low <= 0 <= high:
        return GREY
    return BLUE if high < 0 else ORANGE


def _logarithms(figure: Ends) -> Ends:
    value, low, high = (math.log(end) if end is not None and is_number(end) and end > 0 else None for end in figure)
    return value, low, high


def _numbers(figures: Iterable[Ends]) -> list[float]:
    return [end for figure in figures for end in figure if end is not None and is_number(end)]


def _picture(figure: Ends, least: float, most: float, zero: float | None, colour: str) -> str | None:
    value, low, high = figure
    if value is None or not is_number(value):
        return None

    def across(at: float) -> str:
        share = (at - least) / (most - least) if most > least else 0.5
        return f"{MARGIN + share * (WIDTH - 2 * MARGIN):.1f}"

    middle = HEIGHT // 2
    marks = [f"<path d='M{MARGIN} {middle}H{WIDTH - MARGIN}' stroke='{GREY}' stroke-opacity='.25'/>"]
    if zero is not None:
        marks.append(f"<path d='M{across(zero)} 3V{HEIGHT - 3}' stroke='{GREY}' stroke-dasharray='3 2'/>")
    if low is not None and high is not None and is_number(low) and is_number(high):
        marks.append(
            f"<path d='M{across(low)} {middle}H{across(high)}' stroke='{colour}' stroke-width='3' "
            "stroke-linecap='round' stroke-opacity='.55'/>"
        )
    marks.append(f"<circle cx='{across(value)}' cy='{middle}' r='4.5' fill='{colour}'/>")
    size = f"width='{WIDTH}' height='{HEIGHT}' viewBox='0 0 {WIDTH} {HEIGHT}'"
    svg = f"<svg xmlns='http://www.w3.org/2000/svg' {size}>{''.join(marks)}</svg>"
    return "data:image/svg+xml;base64," + b64encode(svg.encode()).decode()
