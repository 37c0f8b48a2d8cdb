"""Rows as files: everything that matches, at full precision."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

import pandas as pd

Table = Sequence[Any]
"""Rows of one dataclass, such as `BoardRow`."""


class Format(NamedTuple):
    """One kind of file."""

    label: str
    ending: str
    mime: str
    write: Callable[[Table], bytes]


def csv(rows: Table) -> bytes:
    """Comma-separated values with a line of names."""
    return _frame(rows).to_csv(index=False).encode()


def parquet(rows: Table) -> bytes:
    """A Parquet file; what is no number, word or time is JSON."""
    buffer = io.BytesIO()
    _frame(rows).to_parquet(buffer, index=False)
    return buffer.getvalue()


def markdown(rows: Table) -> bytes:
    """A table of GitHub's Markdown; nothing in a name is markup."""
    table = _frame(rows)
    lines = [list(table.columns), ["---"] * len(table.columns), *table.itertuples(index=False)]
    return "".join(f"| {' | '.join(_cell(value) for value in line)} |\n" for line in lines).encode()


FORMATS = (
    Format("CSV", "csv", "text/csv", csv),
    Format("Parquet", "parquet", "application/vnd.apache.parquet", parquet),
    Format("Markdown", "md", "text/markdown", markdown),
)
"""What a table can be downloaded as."""


def _frame(rows: Table) -> pd.DataFrame:
    # field by field, because `asdict` copies each value of each row deeply
    names = [field.name for field in fields(rows[0])] if rows else []
    return pd.DataFrame({name: [_plain(getattr(row, name)) for row in rows] for name in names})


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, Mapping | list | tuple) else value


def _cell(value: object) -> str:
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return ""
    escaped = str(value).replace("\\", "\\\\").replace("|", "\\|").replace("\r", " ").replace("\n", " ")
    return escaped.replace("<", "&lt;").replace("*", "\\*").replace("`", "\\`").replace("[", "\\[")
