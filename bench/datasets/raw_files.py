"""The published files of a dataset: found in the data folder or the cache, else downloaded, always checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.datasets import download
from bench.datasets.checksums import SHA256
from bench.errors import DataError


@dataclass(frozen=True)
class RawFile:
    """One published file.

    Attributes:
        path: relative to the data folder.
        url: where it is published; None when it cannot be had by machine.
        sha256: of the original; None when it was never established, then the counts alone are checked.
        git_blob: the original's git blob id, for files of which only that is known.
        member: path inside the zip archive at `url`.
        also: other places in the data folder where the same file may lie.
        only_for: a parameter and its value without which the file is not read.
    """

    path: str
    url: str | None = None
    sha256: str | None = None
    git_blob: str | None = None
    member: str | None = None
    also: tuple[str, ...] = ()
    only_for: tuple[str, Any] | None = None


def raw_file(path: str, url: str | None = None, **more: Any) -> RawFile:
    """A `RawFile` whose checksum is looked up in `checksums.py`."""
    return RawFile(path, url, SHA256.get(path), **more)


class RawFiles:
    """What a loader asks for its files.

    Args:
        dataset: name for messages.
        declared: the files that this choice of parameters reads.
        data: read-only data folder.
        cache: cache folder; downloads go to its `raw`.
        verify: compare checksums; only tests with stand-in files switch this off.
    """

    def __init__(self, dataset: str, declared: Iterable[RawFile], data: Path, cache: Path, verify: bool = True) -> None:
        self.dataset = dataset
        self.declared: Mapping[str, RawFile] = {file.path: file for file in declared}
        self.folders = list(dict.fromkeys([data, cache / "raw"]))
        self.verify = verify

    def locate(self, path: str) -> Path | None:
        """The file if it is here, without downloading.

        Raises:
            DataError: a folder may not be read.
        """
        file = self.declared[path]
        for folder in self.folders:
            for relative in (file.path, *file.also):
                candidate = folder / relative
                try:
                    if candidate.is_file():
                        return candidate
                except PermissionError as error:
                    raise _unreadable(candidate) from error
        return None

    def path(self, path: str) -> Path:
        """The checked file, downloaded when it is not here.

        Raises:
            DataError: it is missing and cannot be downloaded, may not be read, or is not the published file.
        """
        found = self.locate(path) or self._download(self.declared[path])
        if self.verify:
            problem = mismatch(self.declared[path], found)
            if problem:
                raise DataError(
                    f"{found} is not the file that {self.dataset} was published with ({problem}); "
                    "remove it so that it is downloaded again"
                )
        return found

    def paths(self, pattern_of: Iterable[str]) -> list[Path]:
        """Several files in the given order."""
        return [self.path(path) for path in pattern_of]

    def identity(self) -> list[tuple[str, int, int]]:
        """Path, size and time stamp of every file, so that a prepared copy is tied to the files it was made from.

        Raises:
            DataError: a file is missing and cannot be downloaded.
        """
        marks = []
        for path, file in self.declared.items():
            status = (self.locate(path) or self._download(file)).stat()
            marks.append((path, status.st_size, status.st_mtime_ns))
        return marks

    def _download(self, file: RawFile) -> Path:
        looked = " nor in ".join(str(folder) for folder in self.folders)
        missing = f"{self.dataset} needs {file.path}, which is neither in {looked}"
        if len(self.folders) == 1:
            missing = f"{self.dataset} needs {file.path}, which is not in {looked}"
        target = self.folders[-1] / file.path
        advice = f"put the file at {target} or set LEANGNN_DATA to a folder that has it"
        if file.url is None:
            raise DataError(f"{missing}, and it cannot be downloaded by machine; {advice}")
        try:
            if file.member is None:
                check = (lambda path: mismatch(file, path)) if self.verify else None
                download.fetch(file.url, target, check)
            else:
                same_archive = [other for other in self.declared.values() if other.url == file.url]
                members = {str(other.member): self.folders[-1] / other.path for other in same_archive}
                download.fetch_archive(file.url, members)
        except download.DownloadError as error:
            raise DataError(f"{missing}, and {file.url} could not be downloaded ({error}); {advice}") from error
        return target


def mismatch(file: RawFile, path: Path) -> str | None:
    """How the file differs from the published one; None when it does not, or when no checksum is known.

    Raises:
        DataError: the file may not be read.
    """
    try:
        if file.sha256 is not None:
            with path.open("rb") as stream:
                actual = hashlib.file_digest(stream, "sha256").hexdigest()
            return None if actual == file.sha256 else f"SHA-256 {actual} instead of {file.sha256}"
        if file.git_blob is not None:
            content = path.read_bytes()
            actual = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
            return None if actual == file.git_blob else f"git blob id {actual} instead of {file.git_blob}"
    except PermissionError as error:
        raise _unreadable(path) from error
    return None


def _unreadable(path: Path) -> DataError:
    return DataError(f"{path} may not be read (permission denied); give yourself read access to it and its folders")
