"""What papers printed and what released code changes, beside the trials: writing and reading."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

from sqlalchemy import Connection, Table, delete, func, select

from db.read import Reader
from db.records import Finding, PublishedFigure
from db.schema import Base, Trial
from db.schema import Finding as FindingTable
from db.schema import PublishedFigure as FigureTable
from db.scoring.published import Measured
from db.scoring.released import Effect, effect
from db.store import Store, upsert
from db.stored_protocols import stored_protocols

Record = TypeVar("Record", PublishedFigure, Finding)


def record_published(
    store: Store, paper: str, figures: Iterable[PublishedFigure], findings: Iterable[Finding] = ()
) -> None:
    """Keep these figures and findings of a paper, and drop what else was kept of it.

    Raises:
        StoreError: the database cannot be written.
    """
    figure_rows, finding_rows = [asdict(each) for each in figures], [asdict(each) for each in findings]

    def work(connection: Connection) -> None:
        for model, rows, key in (
            (FigureTable, figure_rows, "figure_id"),
            (FindingTable, finding_rows, "finding_id"),
        ):
            table = model.__table__
            assert isinstance(table, Table)
            kept = [row[key] for row in rows]
            connection.execute(delete(table).where(table.c.paper == paper, table.c[key].not_in(kept)))
            for row in rows:
                upsert(connection, model, row)

    store.write(work)


@dataclass(frozen=True)
class Published:
    """What papers printed and what their released code changes, with what of ours stands beside it."""

    figures: Sequence[PublishedFigure] = ()
    measured: Sequence[Measured] = ()
    """Where and how there are trials of the methods that figures are held against."""
    effects: Sequence[Effect] = ()
    """One a finding."""


def read_published(reader: Reader) -> Published:
    """What is stored of all papers, by identifier.

    Raises:
        StoreError: the store cannot be read.
    """
    figures = _stored(reader, FigureTable, PublishedFigure, "figure_id")
    return beside(reader, figures, _stored(reader, FindingTable, Finding, "finding_id"))


def beside(reader: Reader, figures: Sequence[PublishedFigure], findings: Sequence[Finding]) -> Published:
    """These figures and findings with what is stored of ours.

    Raises:
        StoreError: the store cannot be read.
    """
    sides = [side for each in findings for side in (each.corrected, each.release) if side is not None]
    trials = reader.trials(dataset={side["dataset"] for side in sides}, method={side["method"] for side in sides})
    return Published(figures, _measured(reader, figures), [effect(each, trials) for each in findings])


def _stored(reader: Reader, model: type[Base], record: Callable[..., Record], key: str) -> list[Record]:
    table = model.__table__
    query = select(table).order_by(table.c[key])
    return reader.read(lambda connection: [record(**row) for row in connection.execute(query).mappings()], [])


def _measured(reader: Reader, figures: Sequence[PublishedFigure]) -> list[Measured]:
    """Under which settings there are trials of the methods and datasets that these figures are held against."""
    datasets = {figure.dataset for figure in figures if figure.settings}
    methods = {figure.method for figure in figures if figure.settings}
    columns = (Trial.dataset, Trial.dataset_version, Trial.method, Trial.protocol, Trial.device, Trial.machine_id)
    places = (
        select(*columns, func.avg(Trial.validation_metric).label("validation"))
        .where(Trial.dataset.in_(datasets), Trial.method.in_(methods))
        .group_by(*columns)
    )

    def work(connection: Connection) -> list[Measured]:
        of_protocol = stored_protocols(connection, Trial.method.in_(methods))
        rows = connection.execute(places).mappings()
        return [Measured(**row, settings=of_protocol[row["protocol"]]) for row in rows]

    return reader.read(work, [])
