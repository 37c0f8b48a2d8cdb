"""Opening a bundle: nothing is unpacked, unpickled or believed, and a fault is one sentence."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from db.bundle import manifest, tables
from db.bundle.archive import Archive
from db.bundle.errors import BundleError
from db.bundle.limits import LIMITS, Limits
from db.bundle.read_manifest import read_manifest
from db.scoring.curve import Curve


class Bundle:
    """One bundle, open for reading; a context manager.

    Attributes:
        manifest: who submits what.
        submission_id: SHA-256 of the file.
    """

    def __init__(self, source: str | Path | bytes, limits: Limits = LIMITS) -> None:
        """Open a file, or the bytes of one.

        Raises:
            BundleError: it cannot be read, is no bundle, or holds what a bundle may not hold.
        """
        self._file = _opened(source)
        try:
            self._archive = Archive(self._file, limits)
            self.manifest = read_manifest(self._archive.read(manifest.NAME))
            _check_parts(self.manifest, self._archive)
            self._file.seek(0)
            self.submission_id = hashlib.file_digest(self._file, "sha256").hexdigest()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Bundle:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def curve(self, trial: str) -> Curve:
        """The evaluations of a trial that has them.

        Raises:
            BundleError: the file is not the one that was packed, or is no curve.
        """
        name = manifest.curve_path(trial)
        return tables.read_curve(self._part(name), name)

    def predictions(self, trial: str) -> tables.Predictions:
        """The predictions of a trial that has them.

        Raises:
            BundleError: the file is not the one that was packed, or holds no predictions.
        """
        name = manifest.predictions_path(trial)
        return tables.read_predictions(self._part(name), name)

    def _part(self, name: str) -> bytes:
        content = self._archive.read(name)
        if hashlib.sha256(content).hexdigest() != self.manifest.parts[name].sha256:
            raise BundleError(f"{name} has another SHA-256 than {manifest.NAME} says; pack the bundle again")
        return content


def _opened(source: str | Path | bytes) -> io.BytesIO | io.BufferedReader:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    path = Path(source)
    if not path.is_file():  # a folder, a pipe or nothing
        raise BundleError(f"'{path}' is not a file; name a bundle that leangnn submit pack made")
    try:
        return path.open("rb")
    except OSError as error:
        raise BundleError(f"'{path}' cannot be read: {error.strerror}") from error


def _check_parts(document: manifest.Manifest, archive: Archive) -> None:
    others = archive.names - {manifest.NAME}
    if missing := sorted(set(document.parts) - others):
        raise BundleError(f"the bundle lacks {missing[0]}, which its manifest lists; pack it again")
    if extra := sorted(others - set(document.parts)):
        raise BundleError(f"the bundle holds {extra[0]}, which its manifest does not list; pack it again")
    for name, part in document.parts.items():
        if archive.size(name) != part.bytes:
            raise BundleError(f"{name} has {archive.size(name)} bytes and {manifest.NAME} says {part.bytes}")
