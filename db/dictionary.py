"""The data dictionary: every table of a snapshot and every key of the board, with unit and meaning.

`python -m db.dictionary docs/reading-api.md` writes it between the marks of that page. It is read off the tables, the
records and the rows of the board themselves, so that the page cannot say anything else than the code; a test compares.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import fields
from functools import cache
from pathlib import Path

from sqlalchemy import JSON, Column, Table

from db import records
from db.errors import StoreError
from db.records import Ledger, Status, Trust
from db.schema import Base
from db.scoring import board
from db.scoring.board import BoardRow
from db.snapshot import arrow_type

BEGIN, END = "<!-- {}: written by python -m db.dictionary -->", "<!-- end of {} -->"

_UNITS = {
    "_seconds": "Seconds.",
    "_bytes": "Bytes.",
    "_joules": "Joules.",
    "_metric": "A fraction.",
    "_at": "UTC.",
    "_low": "Lower end of the 95 % interval.",
    "_high": "Upper end of the 95 % interval.",
}

_PLAIN = {
    **{
        f"{field.name}_seconds": f"Seconds of the account `{field.name}` of the time ledger."
        for field in fields(Ledger)
    },
    "trial_id": "The trial.",
    "session_id": "The invocation of the runner that ran it.",
    "machine_id": "Hash of the models of CPU and GPU, cores, memory and driver.",
    "dataset": "Canonical spec, for example `cora(split=full)`.",
    "dataset_version": "Version of the dataset.",
    "name": "Canonical spelling.",
    "version": "Version of the data, or of the tables.",
    "method": "Canonical spelling, for example `gcn(layers=3)+full_batch`.",
    "backbone": "Canonical spec of the network.",
    "strategy": "Canonical spec of the training strategy.",
    "rescaler": "Canonical spec of the rescaler; null without one.",
    "quantizer": "Canonical spec of the quantizer; null without one.",
    "track": "`training` or `low_bit`.",
    "reference": "Name of the method it is paired with.",
    "protocol": "Hash of `protocol_settings`; rows of two protocols are not compared.",
    "preset": "Name of the published settings it started from.",
    "split": "Position among the dataset's splits.",
    "seed": "Of initialisation, sampling and dropout.",
    "repeat": "Counts repetitions with equal seed.",
    "device": "`cpu` or `cuda`.",
    "status": "How it ended: " + ", ".join(f"`{status}`" for status in Status) + ".",
    "trust": "How far it can be believed: " + ", ".join(f"`{trust}`" for trust in Trust) + ".",
    "attempt": "Counts tries of the same fingerprint from 1.",
    "log_tail": "Last lines of a trial that crashed.",
    "selected_epoch": "The epoch with the best validation metric, whose predictions are tested.",
    "epochs": "Epochs trained.",
    "parameters": "Parameters of the network.",
    "model_bytes": "Bytes of the model that predicts.",
    "node_visits": "Nodes that training steps have seen, with repetition.",
    "edge_visits": "Edges that training steps have seen, with repetition.",
    "predictions_sha256": "SHA-256 of the stored predictions.",
    "data": "Compressed predictions (NumPy `npz`).",
    "position": "Counts the evaluations of a trial from 0.",
    "epoch": "Finished epochs.",
    "step": "Finished optimizer steps.",
    "scored_seconds": "Seconds of preprocessing, compiling and training.",
    "train_loss": "Mean loss of the steps of the epoch.",
    "nodes": "Nodes.",
    "edges": "Directed edges: an undirected one counts twice.",
    "features": "Features of a node.",
    "classes": "Classes.",
    "graphs": "Graphs.",
    "metric": "Name of the test metric, for example `accuracy`.",
    "edge_homophily": "Share of edges that join equal labels.",
    "adjusted_homophily": "Edge homophily corrected for the sizes of the classes.",
    "substitute_for": "The dataset that a generated one stands in for.",
    "sha256": "Of the prepared arrays, splits included.",
    "cpu_model": "Product name.",
    "cpu_cores": "Cores that the process may use.",
    "gpu_model": "Product name; null without a GPU.",
    "gpu_driver": "Version of the driver.",
    "operating_system": "Name and release.",
    "suite": "Name of the suite; null for a run from the command line.",
    "command": "The command line.",
    "code_version": "Commit, with a hash of what is not committed.",
    "calibration_before": "Seconds of each calibration kernel before the session.",
    "time_ratio": "Of scored time, candidate / reference: geometric mean over pairs.",
    "memory_ratio": "Likewise of peak memory.",
    "energy_ratio": "Likewise of energy.",
    "target_ratio": "Of the restricted mean time to the target.",
    "success_rate": "Share of the trials that reached the target.",
    "provisional": "Whether fewer than ten (split, seed) have a metric.",
    "description": "In a sentence.",
}
"""What names mean that say it themselves to whoever reads the code, and not to whoever reads a table."""


def tables() -> str:
    """All tables of a snapshot as Markdown, one section a table."""
    return "\n\n".join(_section(table) for table in Base.metadata.sorted_tables)


def board_keys() -> str:
    """The keys of a row of `leangnn board --json` as Markdown."""
    meanings = _meanings(Path(board.__file__), BoardRow.__name__)
    rows = [
        f"| `{field.name}` | {_escaped(str(field.type))} | {_meaning(field.name, meanings)} |"
        for field in fields(BoardRow)
    ]
    return "\n".join(["| key | type | meaning |", "|---|---|---|", *rows])


def written(page: str) -> str:
    """The page with what is between its marks brought up to date.

    Raises:
        StoreError: a mark is missing.
    """
    for name, text in (("tables", tables()), ("board", board_keys())):
        begin, end = BEGIN.format(name), END.format(name)
        before, found, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise StoreError(f"the page has no marks '{begin}' and '{end}' to write between")
        page = f"{before}{begin}\n\n{text}\n\n{end}{after}"
    return page


def _section(table: Table) -> str:
    model = next(mapper.class_ for mapper in Base.registry.mappers if mapper.local_table is table)
    meanings = _meanings(Path(records.__file__), _record_of(model.__doc__ or ""))
    what = " ".join((model.__doc__ or "").split()).replace("See `db.records.", "Fields of `db.records.")
    rows = [f"| `{column.name}` | {_type(column)} | {_meaning(column.name, meanings)} |" for column in table.columns]
    keys = ", ".join(f"`{column.name}`" for column in table.primary_key)
    return "\n".join(
        [
            f"### `{table.name}.parquet`",
            "",
            f"{what} Key: {keys}.",
            "",
            "| column | type | meaning |",
            "|---|---|---|",
            *rows,
        ]
    )


def _type(column: Column[object]) -> str:
    kind = "JSON text" if isinstance(column.type, JSON) else str(arrow_type(column.type))
    return f"{kind}, or null" if column.nullable else kind


def _meaning(name: str, meanings: dict[str, str]) -> str:
    unit = next((unit for suffix, unit in _UNITS.items() if name.endswith(suffix)), "")
    if name in meanings:
        return _escaped(f"{unit} {meanings[name]}".strip())
    return _escaped(_PLAIN.get(name, unit))


def _record_of(docstring: str) -> str:
    """The class that `See db.records.X` names; empty where there is none."""
    return docstring.partition("db.records.")[2].partition("`")[0]


@cache
def _meanings(path: Path, name: str) -> dict[str, str]:
    """The texts under the fields of a class and of its bases in the file, which Python itself throws away."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            inherited = (_meanings(path, base.id) for base in node.bases if isinstance(base, ast.Name))
            return dict(item for found in inherited for item in found.items()) | {
                field.target.id: " ".join(text.value.value.split())
                for field, text in zip(node.body, node.body[1:], strict=False)
                if isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
                and isinstance(text.value.value, str)
            }
    return {}


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(written(target.read_text()))
