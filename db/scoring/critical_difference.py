"""Which methods differ over many datasets: Friedman's test, then Wilcoxon's on each pair.

Benavoli, Corani and Mangili 2016 ("Should we really use post-hoc tests based on mean-ranks?") recommend the pairs to be
compared by Wilcoxon's signed-rank test in place of their average ranks, because the latter let a third method decide
whether two differ; the p-values are adjusted by Holm. The picture stays the diagram of Demsar 2006: methods at their
average ranks, those that cannot be told apart under one bar.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from db.scoring.chi_square import chi_square_survival
from db.scoring.paired import holm
from db.scoring.ranks import midranks
from db.scoring.signed_rank import signed_rank_test
from db.scoring.table import cost_table

SIGNIFICANCE = 0.05

_FEW_DATASETS = 10
"""Up to which Demsar 2006 calls the distribution of Friedman's statistic rough."""


@dataclass(frozen=True, eq=False)
class CriticalDifference:
    """What the diagram shows; methods are indices into the table's rows."""

    average_ranks: NDArray[np.float64]
    """(methods,) over the datasets that counted, 1 is the best."""
    counted: NDArray[np.bool_]
    """(datasets,) those on which every method was run; the others are left out."""
    friedman_p: float | None
    """That all methods are equal; None with two methods or with fewer than two datasets."""
    p_values: NDArray[np.float64]
    """(methods, methods) of the pairs, two-sided, adjusted by Holm; NaN on the diagonal and where Friedman's test sees
    no difference, as pairs are then not compared.
    """
    cliques: tuple[tuple[int, ...], ...]
    """The largest groups in which no two can be told apart, by average rank.

    A group may leave out a method between its members: mark the members, or the bar tells a falsehood.
    """
    caution: str | None
    """One sentence on what so few datasets cannot show; None when there are enough."""


def critical_difference(
    figures: ArrayLike, maximize: bool = False, significance: float = SIGNIFICANCE
) -> CriticalDifference:
    """Compare the methods of `figures` (methods, datasets), see `db.scoring.table` for failed and missing ones.

    Differences of large and small figures are ranked together, so that costs come as logarithms of their ratios to
    the reference, metrics as they are with `maximize`.

    Raises:
        ValueError: fewer than two methods, or no dataset on which every method was run.
    """
    costs = cost_table(figures, maximize)
    counted = np.asarray(~np.isnan(costs).any(axis=0))
    costs = costs[:, counted]
    methods, datasets = costs.shape
    if methods < 2 or datasets < 1:
        raise ValueError(
            f"a comparison needs two methods and a dataset on which all were run, got {methods} methods and {datasets}"
            " such datasets; choose others"
        )
    average_ranks = midranks(costs).mean(axis=1)
    friedman_p = friedman_test(costs) if methods > 2 and datasets > 1 else None
    alike = friedman_p is not None and friedman_p > significance
    p_values = np.full((methods, methods), np.nan) if alike else _pairwise(costs)
    order = np.argsort(average_ranks, kind="stable")
    return CriticalDifference(
        average_ranks=average_ranks,
        counted=counted,
        friedman_p=friedman_p,
        p_values=p_values,
        cliques=_cliques(~(p_values <= significance), [int(method) for method in order]),
        caution=_caution(methods, datasets, significance),
    )


def friedman_test(costs: ArrayLike) -> float:
    """p-value of Friedman's test (1937, corrected for ties: Conover 1999) that the methods of `costs`
    (methods, datasets) are ranked alike, by the chi-square distribution.

    Raises:
        ValueError: fewer than two methods or datasets, or a cost is NaN.
    """
    ranks = midranks(costs)
    if ranks.ndim != 2 or min(ranks.shape) < 2:
        raise ValueError(f"Friedman's test needs two methods and two datasets at least, got the shape {ranks.shape}")
    methods = len(ranks)
    middle = (methods + 1) / 2
    spread = float(((ranks - middle) ** 2).sum())
    if spread == 0:
        return 1.0
    between = float(((ranks - middle).sum(axis=1) ** 2).sum())
    return chi_square_survival(methods - 1, (methods - 1) * between / spread)


def fewest_datasets(methods: int, significance: float = SIGNIFICANCE) -> int:
    """How many datasets any two of `methods` need to be told apart, if one wins on each of them.

    Wilcoxon's smallest p-value with n datasets is 2 / 2^n, and Holm multiplies the smallest by the number of pairs.
    """
    pairs = methods * (methods - 1) // 2
    datasets = 1
    while pairs * 2.0 ** (1 - datasets) > significance:
        datasets += 1
    return datasets


def _pairwise(costs: NDArray[np.float64]) -> NDArray[np.float64]:
    pairs = list(combinations(range(len(costs)), 2))
    adjusted = holm([signed_rank_test(_differences(costs[a], costs[b])) for a, b in pairs])
    p_values = np.full((len(costs), len(costs)), np.nan)
    for (a, b), p_value in zip(pairs, adjusted, strict=True):
        p_values[a, b] = p_values[b, a] = np.nan if p_value is None else p_value
    return p_values


def _differences(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    # two failures are equal, where infinity minus infinity would be no number
    equal = above == below
    return np.where(equal, 0.0, above) - np.where(equal, 0.0, below)


def _cliques(alike: NDArray[np.bool_], order: list[int]) -> tuple[tuple[int, ...], ...]:
    # by rank from here on, so that sorting a clique sorts it by rank
    near = [{b for b in range(len(order)) if b != a and alike[order[a], order[b]]} for a in range(len(order))]
    found: list[list[int]] = []

    def extend(clique: list[int], candidates: set[int], seen: set[int]) -> None:
        # Bron and Kerbosch 1973, with the pivot without which methods that are all alike cost 2^methods steps
        if not candidates and not seen:
            found.append(sorted(clique))
            return
        pivot = max(candidates | seen, key=lambda place: len(candidates & near[place]))
        for place in candidates - near[pivot]:
            extend([*clique, place], candidates & near[place], seen & near[place])
            candidates = candidates - {place}
            seen = seen | {place}

    extend([], set(range(len(order))), set())
    return tuple(tuple(order[place] for place in clique) for clique in sorted(found) if len(clique) > 1)


def _caution(methods: int, datasets: int, significance: float) -> str | None:
    needed = fewest_datasets(methods, significance)
    if datasets < needed:
        return (
            f"With {datasets} datasets no two of {methods} methods can be told apart at {significance:g}, however they"
            f" differ; it takes {needed}."
        )
    if datasets <= _FEW_DATASETS:
        return f"With {datasets} datasets only differences that show on nearly all of them can be found."
    return None
