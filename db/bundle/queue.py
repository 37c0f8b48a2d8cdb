"""The review queue: a folder of bundles that people sent through the dashboard and nobody has looked at yet.

The dashboard writes files there and nothing else; `leangnn submit add` reads them like any other bundle.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from uuid import uuid4

from db.bundle.errors import BundleError
from db.bundle.limits import UPLOAD_LIMITS

MOST = 100
"""Bundles that may wait; a full queue takes no more, so that nobody can fill the disk."""


class ReviewQueue:
    """The folder of a queue; it must exist, because whoever runs the dashboard decides where it is."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def waiting(self) -> list[Path]:
        """The bundles, oldest first."""
        return sorted(self.folder.glob("*.zip"), key=lambda path: (path.stat().st_mtime_ns, path.name))

    def send(self, content: bytes) -> Path:
        """Put a bundle into the queue under its own hash; sending it twice keeps one.

        Raises:
            BundleError: it is too large, the queue is full, or the folder cannot be written.
        """
        if len(content) > UPLOAD_LIMITS.file:
            raise BundleError(f"the file is larger than {UPLOAD_LIMITS.file / 2**20:.0f} MiB; send a pull request")
        path = self.folder / f"{hashlib.sha256(content).hexdigest()}.zip"
        if path.exists():
            return path
        draft = self.folder / f".{uuid4().hex}.draft"
        try:
            if len(self.waiting()) >= MOST:
                raise BundleError(f"{MOST} bundles wait for review already; try again in a few days")
            draft.write_bytes(content)
            draft.replace(path)
        except OSError as error:
            raise BundleError(f"the review queue cannot be written: {error.strerror}") from error
        finally:
            draft.unlink(missing_ok=True)
        return path
