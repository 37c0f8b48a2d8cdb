"""What released code does differently: TOML into one `db.records.Finding` an effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import Field

from bench import tables
from bench.reproduction.figures import FINDINGS
from bench.reproduction.ours import Ours, command, narrowed, resolved
from bench.tables import Table
from db.records import Finding


class Side(Ours):
    """One side of an effect; `quantity` is a further one than the effect's, see `db.findings`."""

    quantity: str | None = None


class Effect(Ours):
    """One comparison: what both sides share, and what each has of its own.

    Attributes:
        label: short, for the identifier.
        quantity: what is measured, see `db.findings.QUANTITIES`.
        corrected: our reading of the paper.
        release: what the released code does.
    """

    label: str
    quantity: str = "test_metric"
    corrected: Side = Field(default_factory=Side)
    release: Side = Field(default_factory=Side)


class Deviation(Table):
    """Something that released code does differently from its paper.

    Attributes:
        id: short, for the identifiers.
        paper: as in the names of the files beside this one.
        title, text: one line, and a few sentences.
        effect: comparisons that measure it.
        unmeasured: why there is none.
    """

    id: str
    paper: str
    title: str
    text: str
    effect: list[Effect] = Field(default_factory=list)
    unmeasured: str | None = None


class Deviations(Table):
    """The file.

    Attributes:
        finding: all of them.
    """

    finding: list[Deviation]


@dataclass(frozen=True)
class ListedFinding:
    """A finding and how its two sides are run; none where nothing measures it."""

    finding: Finding
    sides: tuple[Ours, ...]


def findings(paper: str) -> list[ListedFinding]:
    """The findings on the released code of a paper, one an effect.

    Raises:
        UsageError: the file is not well-formed, or an effect names what does not exist.
    """
    found = tables.read(tables.shipped("reproduction")[FINDINGS], Deviations).finding
    listed: list[ListedFinding] = []
    for deviation in found:
        if deviation.paper == paper:
            listed += [_measured(deviation, effect) for effect in deviation.effect] or [_unmeasured(deviation)]
    return listed


def _unmeasured(deviation: Deviation) -> ListedFinding:
    identifier = f"{deviation.paper}/{deviation.id}"
    return ListedFinding(
        Finding(identifier, deviation.paper, deviation.title, deviation.text, unmeasured=deviation.unmeasured), ()
    )


def _measured(deviation: Deviation, effect: Effect) -> ListedFinding:
    sides, documents = [], []
    for side in (effect.corrected, effect.release):
        said = narrowed(effect, side)
        ours = Ours(**{name: value for name, value in said.items() if name in Ours.model_fields})
        dataset, method, settings = resolved(ours)
        document: dict[str, Any] = {"dataset": dataset, "method": method, "settings": settings}
        documents.append(document | ({"quantity": side.quantity} if side.quantity else {}))
        sides.append(ours)
    finding = Finding(
        finding_id=f"{deviation.paper}/{deviation.id}/{effect.label}",
        paper=deviation.paper,
        title=deviation.title,
        text=deviation.text,
        quantity=effect.quantity,
        corrected=documents[0],
        release=documents[1],
        command="\n".join(dict.fromkeys(map(command, sides))),
        unmeasured=deviation.unmeasured,
    )
    return ListedFinding(finding, tuple(sides))
