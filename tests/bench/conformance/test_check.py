"""How looking at something ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import pytest

from bench.conformance.check import FailedError, NotApplicableError, checked
from bench.errors import BenchError


def raising(error: Exception) -> Callable[[], NoReturn]:
    def look() -> NoReturn:
        raise error

    return look


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (FailedError("it does not hold"), "failed", "it does not hold"),
        (NotApplicableError("there is nothing"), "not applicable", "there is nothing"),
        (BenchError("a sentence of ours"), "failed", "it raised a sentence of ours"),
    ],
)
def test_errors_of_ours_are_sentences(error: Exception, status: str, sentence: str) -> None:
    check = checked("name", raising(error))
    assert (check.name, check.status, check.sentence) == ("name", status, sentence)


def test_errors_of_others_are_named_with_their_line() -> None:
    check = checked("name", raising(ValueError("too\nlong")))
    assert check.status == "failed"
    assert check.sentence.startswith("it raised ValueError (too) in test_check.py, line ")


def test_what_passes_says_what_it_saw() -> None:
    assert checked("name", lambda: "seen").sentence == "seen"
