"""Download to a temporary file, check, rename: a killed download leaves nothing that looks complete."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

TIMEOUT_SECONDS = 10.0
"""For the connection and for each silent stretch while reading."""

Check = Callable[[Path], str | None]


class DownloadError(Exception):
    """Why a download did not happen, in a few words."""


def fetch(url: str, target: Path, check: Check | None = None) -> None:
    """Download one file; `check` returns what is wrong with it, or None.

    Raises:
        DownloadError: no connection, an error of the server, a wrong file, or no room on the disk.
    """
    # loading a prepared dataset comes past this module, and these two cost more than the loading
    import http.client
    import urllib.request

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".download-") as folder:
            part = Path(folder) / target.name
            request = urllib.request.Request(url, headers={"User-Agent": "leangnn"})
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer, part.open("wb") as stream:
                expected = answer.headers.get("Content-Length")
                shutil.copyfileobj(answer, stream, 1 << 20)
            if expected is not None and part.stat().st_size != int(expected):
                raise DownloadError(f"the connection broke after {part.stat().st_size} of {expected} bytes")
            problem = check(part) if check else None
            if problem:
                raise DownloadError(f"the server sent another file: {problem}")
            part.replace(target)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise DownloadError(str(reason) or type(error).__name__) from error


def fetch_archive(url: str, members: Mapping[str, Path]) -> None:
    """Download a zip archive and unpack the named members, and nothing else, to their places.

    Raises:
        DownloadError: as `fetch`, or the archive is damaged or lacks a member.
    """
    any_target = next(iter(members.values()))
    try:
        any_target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=any_target.parent, prefix=".download-") as folder:
            archive = Path(folder) / "archive.zip"
            fetch(url, archive)
            with zipfile.ZipFile(archive) as opened:
                for number, (member, target) in enumerate(members.items()):
                    part = Path(folder) / str(number)
                    with opened.open(member) as source, part.open("wb") as stream:
                        shutil.copyfileobj(source, stream, 1 << 20)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    part.replace(target)
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise DownloadError(f"the archive cannot be unpacked: {error}") from error
