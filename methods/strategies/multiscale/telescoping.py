"""The telescoping sum: a fine loss as coarse loss plus corrections (Gal et al. 2025, Algorithm 2).

F_0 = (F_0 - F_1) + (F_1 - F_2) + ... + F_{L-1}. Every summand has its own draws; in expectation the terms cancel.
Only a finest view may move the running statistics of batch norms, because predictions are made on the finest graph and
each scale has statistics of its own.
"""

from __future__ import annotations

from collections.abc import Iterable

from methods.graph import GraphView
from methods.strategy import Step, Term


def differences(pairs: Iterable[tuple[GraphView, GraphView]], lasts: int = 1, absolute: bool = False) -> Step:
    """The terms F_l - F_{l+1}.

    Args:
        pairs: views of the same graphs at levels l and l + 1, for l = 0, 1, ...
        lasts: for how many steps the terms count.
        absolute: |F_l - F_{l+1}| instead, as in the published code; the sum is then no estimate of the fine loss.
    """
    terms: Step = []
    for level, (fine, coarse) in enumerate(pairs):
        pair = level if absolute else None
        terms.append(_term(1.0, fine, level, lasts, pair))
        terms.append(_term(-1.0, coarse, level + 1, lasts, pair))
    return terms


def remainder(view: GraphView, level: int) -> Step:
    """The term of the coarsest level."""
    return [_term(1.0, view, level, 1)]


def _term(weight: float, view: GraphView, level: int, lasts: int, absolute: int | None = None) -> Term:
    return Term(weight, view, level, "keep_statistics" if level else "train", lasts, absolute)
