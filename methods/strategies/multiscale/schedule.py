"""How the budget is divided between levels."""

from __future__ import annotations

from methods.errors import SpecError


class LevelSchedule:
    """Levels one after the other, coarsest first; level l gets a share in proportion to 2^l (Gal et al. 2025).

    Args:
        levels: L; level L - 1 is the coarsest.
        finest: the last level trained.

    Raises:
        SpecError: no level is left to train.
    """

    def __init__(self, levels: int, finest: int = 0) -> None:
        if finest >= levels:
            raise SpecError(f"finest={finest} leaves nothing of levels={levels} (0 to {levels - 1}) to train")
        self.finest = finest
        # exact integers: level l ends when (total - 2^l + 2^finest) / total of the budget is spent
        self._total = 2**levels - 2**finest
        self._levels = range(levels - 1, finest, -1)

    def level(self, fraction: float) -> int:
        """The level to train when this share of the budget is spent."""
        for level in self._levels:
            if fraction < (self._total - 2**level + 2**self.finest) / self._total:
                return level
        return self.finest
