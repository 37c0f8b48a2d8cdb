"""Variants measured in turn, A B C A B C, so that a machine that slows down slows all of them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.errors import BenchError
from db.scoring.intervals import Interval, geometric_mean_ratio


@dataclass(frozen=True)
class Sample:
    """One turn of one variant: seconds, and the peak memory in bytes where it was measured."""

    seconds: float
    peak_bytes: int | None = None


Samples = Sequence[Sample]


@dataclass(frozen=True)
class Summary:
    """All turns of one variant.

    Attributes:
        ratio, memory_ratio: variant divided by the baseline of the same round, geometric mean with its 95 % interval;
            below 1 the variant is cheaper. None where there is nothing to divide.
    """

    variant: str
    seconds: float
    ratio: Interval | None
    peak_bytes: int | None = None
    memory_ratio: Interval | None = None


@dataclass
class Interleaved:
    """The samples of all variants, in the order of the rounds."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def ratio(self, variant: str, baseline: str) -> Interval | None:
        """Seconds of a variant divided by those of a baseline, paired by round."""
        above, below = ([sample.seconds for sample in self.samples[name]] for name in (variant, baseline))
        return geometric_mean_ratio(above, below)

    def memory_ratio(self, variant: str, baseline: str) -> Interval | None:
        """Peak memory of a variant divided by that of a baseline, paired by round; None where it was not measured."""
        above, below = ([sample.peak_bytes or 0 for sample in self.samples[name]] for name in (variant, baseline))
        return geometric_mean_ratio(above, below)

    def summaries(self, baseline: str) -> list[Summary]:
        """One summary a variant.

        Raises:
            BenchError: no variant is called like the baseline.
        """
        if baseline not in self.samples:
            raise BenchError(f"the baseline '{baseline}' was not measured; measured were {', '.join(self.samples)}")
        return [self._summary(variant, baseline) for variant in self.samples]

    def _summary(self, variant: str, baseline: str) -> Summary:
        samples = self.samples[variant]
        peaks = [sample.peak_bytes for sample in samples if sample.peak_bytes is not None]
        return Summary(
            variant,
            statistics.median(sample.seconds for sample in samples),
            self.ratio(variant, baseline),
            int(statistics.median(peaks)) if peaks else None,
            self.memory_ratio(variant, baseline),
        )


def interleave(variants: Mapping[str, Callable[[], Sample]], rounds: int) -> Interleaved:
    """Give every variant one turn a round. A variant that needs a process of its own starts it in its callable."""
    collected = Interleaved({name: [] for name in variants})
    for _ in range(rounds):
        for name, measure in variants.items():
            collected.samples[name].append(measure())
    return collected
