"""Numbers as words."""

from __future__ import annotations

import pytest

from app import format as words

NOTHING = words.NOTHING


@pytest.mark.parametrize(
    ("function", "value", "said"),
    [
        (words.percent, 0.89523, "89.52 %"),
        (words.percent, None, NOTHING),
        (words.percent, float("nan"), NOTHING),
        (words.seconds, 0.83, "830 ms"),
        (words.seconds, 0.9999, "1.00 s"),
        (words.seconds, 12.34, "12.3 s"),
        (words.seconds, 59.96, "1 min 00 s"),
        (words.seconds, 245.0, "4 min 05 s"),
        (words.seconds, 7380.0, "2 h 03 min"),
        (words.seconds, None, NOTHING),
        (words.size, 512, "512 B"),
        (words.size, 1536, "1.54 kB"),
        (words.size, 2_000_000, "2 MB"),
        (words.size, None, NOTHING),
        (words.joules, 4500.0, "4.5 kJ"),
        (words.ratio_words, 0.53, "1.9x faster"),
        (words.ratio_words, 2.0, "2.0x slower"),
        (words.ratio_words, 1.04, "1.04x slower"),
        (words.ratio_words, 1.001, "the same"),
        (words.ratio_words, 0.05, "20x faster"),
        (words.ratio_words, 0.0, NOTHING),
        (words.p_value, 0.0004, "< 0.001"),
        (words.p_value, 0.0312, "0.031"),
        (words.p_value, 0.234, "0.23"),
        (words.words, "out_of_memory", "out of memory"),
        (words.words, "roc_auc", "ROC AUC"),
        (words.failures, {"crashed": 1, "timed_out": 2}, "1 crashed, 2 timed out"),
        (words.failures, {}, ""),
        (words.numbers, [3, 0, 1, 2, 5, 5], "0-3,5"),
    ],
)
def test_one_figure(function, value, said: str) -> None:
    assert function(value) == said


def test_each_cost_has_its_own_words() -> None:
    assert words.ratio_words(0.5, words.MEMORY) == "2.0x less"
    assert words.ratio_words(2.0, words.TARGET) == "2.0x later"


def test_intervals_are_left_out_where_one_value_gives_none() -> None:
    assert words.percent_interval(0.8, 0.79, 0.815) == "80.00 % (79.00 to 81.50)"
    assert words.percent_interval(0.8, None, None) == "80.00 %"
    assert words.ratio_interval(0.5, 0.4, 0.625) == "0.50 (0.40 to 0.62)"
    assert words.ratio_interval(0.5, None, None) == "0.50"


def test_counts_agree_with_their_noun() -> None:
    assert (words.count(1, "trial"), words.count(1200, "trial")) == ("1 trial", "1,200 trials")


def test_plain_text_is_no_markup() -> None:
    assert words.plain("a_b*") == r"a\_b\*"
    assert words.plain("<b>") == r"\<b\>"
