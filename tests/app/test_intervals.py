"""Intervals drawn in a cell."""

from __future__ import annotations

import base64
import re
from xml.etree import ElementTree

from app.intervals import BLUE, GREY, MARGIN, ORANGE, WIDTH, metric_pictures, rank_pictures, ratio_pictures


def svg(picture: str | None) -> str:
    assert picture is not None
    text = base64.b64decode(picture.removeprefix("data:image/svg+xml;base64,")).decode()
    ElementTree.fromstring(text)
    return text


def at(picture: str | None) -> float:
    return float(re.search(r"cx='([\d.]+)'", svg(picture))[1])  # type: ignore[index]


def test_metrics_share_one_scale() -> None:
    pictures = metric_pictures([(0.8, 0.7, 0.9), (0.7, None, None), (None, None, None)])
    assert at(pictures[0]) == WIDTH / 2
    assert at(pictures[1]) == MARGIN
    assert pictures[2] is None


def test_ratios_have_one_in_the_middle_and_are_symmetric() -> None:
    half, same, double = ratio_pictures([(0.5, 0.5, 0.5), (1.0, 0.9, 1.1), (2.0, 2.0, 2.0)])
    assert (at(half), at(same), at(double)) == (MARGIN, WIDTH / 2, WIDTH - MARGIN)


def test_colour_says_what_is_sure() -> None:
    pictures = ratio_pictures([(0.5, 0.4, 0.6), (1.5, 1.2, 2.0), (0.9, 0.7, 1.1), (0.5, None, None)])
    fills = [re.search(r"fill='(#\w+)'", svg(picture))[1] for picture in pictures]  # type: ignore[index]
    assert fills == [BLUE, ORANGE, GREY, GREY]


def test_one_metric_alone_is_drawn_in_the_middle() -> None:
    assert at(metric_pictures([(0.8, None, None)])[0]) == WIDTH / 2


def test_ranks_lie_between_the_first_and_the_last() -> None:
    first, last = rank_pictures([(1.0, 1.0, 1.5), (4.0, 3.0, 4.0)])
    assert (at(first), at(last)) == (MARGIN, WIDTH - MARGIN)
    assert at(rank_pictures([(1.0, None, None)])[0]) == MARGIN
