"""`leangnn export-site`."""

from __future__ import annotations

from pathlib import Path

from bench.cli.words import store_to_show
from bench.site.export import INDEX, export_site


def export_pages(db: str, folder: Path) -> None:
    """Write the pages and say where they begin."""
    rows = export_site(store_to_show(db), folder)
    print(f"{folder / INDEX}: {rows} row{'' if rows == 1 else 's'}")
