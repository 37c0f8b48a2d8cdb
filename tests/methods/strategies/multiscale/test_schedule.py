"""The budget's division between levels (specification 9.2.3)."""

from __future__ import annotations

from collections import Counter

import pytest

from methods.errors import SpecError
from methods.strategies.multiscale.schedule import LevelSchedule


@pytest.mark.parametrize(
    ("levels", "finest", "expected"),
    [
        (3, 0, [(2, 3200), (1, 1600), (0, 800)]),
        (4, 0, [(3, 4800), (2, 2400), (1, 1200), (0, 600)]),
        (2, 0, [(1, 2000), (0, 1000)]),
        (3, 1, [(2, 2000), (1, 1000)]),
        (1, 0, [(0, 10)]),
    ],
)
def test_epochs_of_each_level_coarsest_first(levels: int, finest: int, expected: list[tuple[int, int]]) -> None:
    epochs = sum(count for _, count in expected)
    schedule = LevelSchedule(levels, finest)
    seen = [schedule.level(epoch / epochs) for epoch in range(epochs)]
    assert list(Counter(seen).items()) == expected
    assert seen == sorted(seen, reverse=True)


def test_a_finest_level_beyond_the_coarsest_is_refused() -> None:
    with pytest.raises(SpecError, match=r"finest=3 leaves nothing of levels=3 \(0 to 2\) to train"):
        LevelSchedule(3, 3)
