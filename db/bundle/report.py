"""What a check found, for a person and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, NamedTuple

Level = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong (`error`: the bundle is refused) or that a reviewer should look at (`warning`).

    Attributes:
        rule: which check spoke, for example `selection`.
        sentence: what was found, with which value, and what to do.
        trials: identifiers of the trials that it is about.
    """

    level: Level
    rule: str
    sentence: str
    trials: tuple[str, ...] = ()


class Recomputed(NamedTuple):
    """The metric of one trial as the bundle claims it and as its predictions give it."""

    trial: str
    part: str
    claimed: float
    recomputed: float


class Place(NamedTuple):
    """Where a row would stand among the board's rows of its dataset, by mean test metric; 1 is the best."""

    dataset: str
    rank: int
    rows: int
    """With the new one."""


@dataclass(frozen=True)
class Report:
    """Everything that is said about one bundle.

    Attributes:
        submission_id: SHA-256 of the file; None when it could not be opened.
        method: its name; None likewise.
        rows: the rows of the board that it makes, as `db.scoring.board.as_json` gives them.
        labels: whether metrics were computed again with our labels. Where not, they are as claimed.
    """

    submission_id: str | None = None
    method: str | None = None
    labels: bool = False
    findings: tuple[Finding, ...] = ()
    figures: tuple[Recomputed, ...] = ()
    rows: Sequence[dict[str, Any]] = field(default_factory=tuple)
    places: tuple[Place, ...] = ()

    @property
    def errors(self) -> list[Finding]:
        """What refuses the bundle."""
        return [finding for finding in self.findings if finding.level == "error"]

    @property
    def warnings(self) -> list[Finding]:
        """What a reviewer should look at."""
        return [finding for finding in self.findings if finding.level == "warning"]

    @property
    def refused(self) -> bool:
        """Whether the bundle may not be added."""
        return bool(self.errors)

    def with_findings(self, findings: Iterable[Finding]) -> Report:
        """The report with more findings, errors first."""
        every = [*self.findings, *findings]
        return replace(self, findings=tuple(sorted(every, key=lambda finding: finding.level != "error")))

    def as_json(self) -> dict[str, Any]:
        """Plain values with stable keys."""
        plain = asdict(self)
        for name in ("figures", "places"):
            plain[name] = [item._asdict() for item in getattr(self, name)]
        return {"refused": self.refused, **plain}
