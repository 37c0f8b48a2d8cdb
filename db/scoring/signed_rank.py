"""Wilcoxon's signed-rank test, exact also with ties."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from db.scoring.ranks import midranks


def signed_rank_test(differences: ArrayLike) -> float | None:
    """Two-sided p-value (Wilcoxon 1945) that `differences` (n,) are symmetric about 0; None for fewer than 2.

    Zeros are left out, as Wilcoxon did; equal sizes share their mean rank, and the distribution is the exact one of
    those ranks under random signs. An infinite difference is larger than any other and equal to another infinite one.

    Raises:
        ValueError: a difference is NaN.
    """
    sample = np.asarray(differences, dtype=np.float64)
    if len(sample) < 2:
        return None
    nonzero = sample[sample != 0]
    if len(nonzero) == 0:
        return 1.0
    # mean ranks are multiples of one half
    doubled = np.rint(2 * midranks(np.abs(nonzero))).astype(np.int64)
    positive, total = int(doubled[nonzero > 0].sum()), int(doubled.sum())
    chances = np.zeros(total + 1)
    chances[0] = 1.0
    for rank in doubled:
        with_rank = np.zeros_like(chances)
        with_rank[rank:] = chances[:-rank]
        chances = (chances + with_rank) / 2
    return min(1.0, 2 * float(chances[: min(positive, total - positive) + 1].sum()))
