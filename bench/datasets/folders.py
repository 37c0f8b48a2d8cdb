"""Where raw data is looked for and where everything that is computed or downloaded goes."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder(given: str | Path | None = None) -> Path:
    """The folder for downloads and prepared datasets: given, `LEANGNN_CACHE`, or the platform's cache folder."""
    if given is not None:
        return Path(given)
    named = os.environ.get("LEANGNN_CACHE")
    if named:
        return Path(named)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "leangnn"


def data_folder(given: str | Path | None, cache: Path) -> Path:
    """The read-only folder of raw data: given, `LEANGNN_DATA`, or `raw` in the cache."""
    if given is not None:
        return Path(given)
    named = os.environ.get("LEANGNN_DATA")
    return Path(named) if named else cache / "raw"
