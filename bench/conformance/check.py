"""One thing that was looked at in a plug-in, and how looking ends."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.errors import BenchError
from methods.errors import MethodError

Status = Literal["passed", "failed", "not applicable"]


@dataclass(frozen=True)
class Check:
    """What was looked at, how it ended, and one sentence: what was found, or the cause and what to do."""

    name: str
    status: Status
    sentence: str


class FailedError(Exception):
    """What was looked at does not hold; the message is the sentence."""


class NotApplicableError(Exception):
    """There is nothing to look at; the message says why."""


def checked(name: str, look: Callable[[], str]) -> Check:
    """The check of one thing.

    Args:
        look: returns the sentence of a check that passed, or raises. Whatever else it raises is the plug-in's failure.
    """
    try:
        return Check(name, "passed", look())
    except NotApplicableError as reason:
        return Check(name, "not applicable", str(reason))
    except FailedError as reason:
        return Check(name, "failed", str(reason))
    except Exception as error:
        return Check(name, "failed", f"it raised {described(error)}")


def described(error: Exception) -> str:
    """An error in a few words, with the innermost line that raised it unless the message is a sentence of ours."""
    first = str(error).strip().partition("\n")[0] or "no message"
    if isinstance(error, BenchError | MethodError):
        return first
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__} ({first}){place}"
