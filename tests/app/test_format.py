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


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (words.times_interval(0.525, 0.48, 0.59), "1.9x faster (95 % CI 1.7 to 2.1)"),
        (words.times_interval(2.0, 1.6, 2.5, words.TARGET), "2.0x later (95 % CI 1.6 to 2.5)"),
        (words.times_interval(0.95, 0.85, 1.06), "perhaps 1.05x faster (95 % CI 0.94 to 1.2)"),
        (words.times_interval(0.5, None, None), "perhaps 2.0x faster"),
        (words.times_interval(0.5, 0.4, 0.6, what=" than gcn"), "2.0x faster than gcn (95 % CI 1.7 to 2.5)"),
        (words.share_interval(0.59, 0.55, 0.64, what=" memory"), "41 % less memory (95 % CI 36 to 45 %)"),
        (words.share_interval(1.2, 1.1, 1.3), "20 % more (95 % CI 10 to 30 %)"),
        (words.share_interval(0.9, 0.75, 1.05), "perhaps 10 % less (95 % CI -5 to 25 %)"),
        (words.share_interval(4.0, 3.0, 5.0), "4.0x more (95 % CI 3.0 to 5.0)"),
        (words.share_interval(0.05, 0.04, 0.0625), "20x less (95 % CI 16 to 25)"),
        (words.share_interval(1.001, 0.9, 1.1), "the same (95 % CI 0.90 to 1.1)"),
        (words.points(0.0042, -0.001, 0.0094), "+0.42 points (-0.10 to +0.94)"),
        (words.points(-0.01), "-1.00 points"),
        (words.points(None), NOTHING),
    ],
)
def test_differences_with_their_intervals(said: str, expected: str) -> None:
    assert said == expected


def test_intervals_are_left_out_where_one_value_gives_none() -> None:
    assert words.percent_interval(0.8, 0.79, 0.815) == "80.00 % (79.00 to 81.50)"
    assert words.percent_interval(0.8, None, None) == "80.00 %"
    assert words.ratio_interval(0.5, 0.4, 0.625) == "0.50 (0.40 to 0.62)"
    assert words.ratio_interval(0.5, None, None) == "0.50"


def test_counts_agree_with_their_noun() -> None:
    assert (words.count(1, "trial"), words.count(1200, "trial")) == ("1 trial", "1,200 trials")


def test_code_ends_where_its_text_does() -> None:
    assert words.code("gcn\n+ sgc") == "`gcn + sgc`"
    assert words.code("a ``b`` c`") == "``` a ``b`` c` ```"


def test_plain_text_is_no_markup() -> None:
    assert words.plain("a_b*") == r"a\_b\*"
    assert words.plain("<b>") == r"\<b\>"
