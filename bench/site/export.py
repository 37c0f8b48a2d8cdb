"""Writing the pages: the board, one page a dataset, and the board as JSON beside them."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bench.errors import BenchError
from bench.site.chart import tradeoff
from bench.site.table import HEADINGS, lines
from db.read import Reader
from db.records import DatasetRecord
from db.scoring.board import BoardRow, as_json

INDEX, DATA, DATASETS = "index.html", "board.json", "datasets"


def export_site(db: str | Path, folder: Path) -> int:
    """Write the board of a store into a folder; pages of an earlier export there are replaced.

    Returns:
        The number of rows.

    Raises:
        StoreError: the store cannot be read.
        BenchError: there is no store, the folder holds something else, or it cannot be written.
    """
    reader = Reader(db)
    if not reader.exists():
        raise BenchError(f"there is no store at '{reader.name}' to export; start with: leangnn run quick")
    rows = reader.board()
    descriptions = {(dataset.name, dataset.version): dataset for dataset in reader.datasets()}
    try:
        _write(folder, _pages(rows, descriptions), json.dumps(as_json(rows), indent=2) + "\n")
    except OSError as error:
        raise BenchError(f"the pages cannot be written to '{folder}': {error.strerror or error}") from error
    return len(rows)


def file_names(datasets: Sequence[str]) -> dict[str, str]:
    """A file name for each dataset that says its name, differs from the others and is safe in any file system."""
    names: dict[str, str] = {}
    for dataset in datasets:
        plain = re.sub(r"[^a-z0-9]+", "-", dataset.lower()).strip("-")[:60]
        digest = hashlib.sha256(dataset.encode()).hexdigest()[:6]
        names[dataset] = f"{plain or 'dataset'}-{digest}.html"
    return names


def _pages(rows: Sequence[BoardRow], descriptions: dict[tuple[str, str], DatasetRecord]) -> dict[str, str]:
    """Content by path."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    by_dataset: dict[str, list[BoardRow]] = {}
    for row in rows:
        by_dataset.setdefault(row.dataset, []).append(row)
    pages = file_names(list(by_dataset))
    shared: dict[str, Any] = {
        "headings": HEADINGS,
        "datasets": {name: (f"{DATASETS}/{pages[name]}", len(own)) for name, own in by_dataset.items()},
        "exported_at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    }
    found = {
        INDEX: environment.get_template("index.html").render(
            lines=lines(rows, {name: f"{DATASETS}/{page}" for name, page in pages.items()}), root="", **shared
        )
    }
    page = environment.get_template("dataset.html")
    for name, own in by_dataset.items():
        known = [descriptions[key] for key in dict.fromkeys((row.dataset, row.dataset_version) for row in own)]
        found[f"{DATASETS}/{pages[name]}"] = page.render(
            dataset=name, descriptions=known, lines=lines(own, pages), chart=tradeoff(own), root="../", **shared
        )
    return found


def _write(folder: Path, pages: dict[str, str], data: str) -> None:
    if folder.exists() and not (folder / DATA).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise BenchError(f"'{folder}' exists and is no exported board; name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    # first what tells an export from other folders, so that one that was cut short can be repeated
    _put(folder / DATA, data)
    draft = folder / f".{DATASETS}.{uuid4().hex}"
    draft.mkdir()
    try:
        for path, content in pages.items():
            if path != INDEX:
                (draft / Path(path).name).write_text(content)
        shutil.rmtree(folder / DATASETS, ignore_errors=True)
        draft.rename(folder / DATASETS)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    _put(folder / INDEX, pages[INDEX])


def _put(path: Path, content: str) -> None:
    """Replace a file at once, so that a reader never sees half of it."""
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    draft.write_text(content)
    draft.replace(path)
