"""Making a bundle: the same content gives the same bytes."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from db.bundle import manifest
from db.bundle.errors import BundleError
from db.bundle.limits import LIMITS
from db.bundle.manifest import Draft, Manifest, PartOfBundle
from db.bundle.read import Bundle
from db.bundle.read_manifest import read_draft

_MOMENT = (1980, 1, 1, 0, 0, 0)
_REGULAR_FILE = 0o100644 << 16


def packed(draft: Draft, parts: Mapping[str, bytes]) -> bytes:
    """The bytes of a bundle, read back once before they are given out.

    Args:
        draft: the manifest without its list of parts.
        parts: the content of every file beside it, by `Draft.part_names`.

    Raises:
        BundleError: a file is missing or too many, or is not what a bundle holds.
    """
    described = {
        name: PartOfBundle(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
        for name, content in parts.items()
    }
    whole = Manifest(**{name: getattr(draft, name) for name in Draft.model_fields}, parts=described)
    document = whole.model_dump_json(indent=1, exclude_defaults=True).encode()
    content = _zipped({manifest.NAME: document, **parts})
    with Bundle(content) as bundle:
        for trial in draft.trials:
            if trial.has_metric:
                bundle.curve(trial.id)
                bundle.predictions(trial.id)
    return content


def from_folder(folder: str | Path) -> bytes:
    """The bytes of the bundle that a person wrote into a folder: manifest.json, curves/ and predictions/.

    Raises:
        BundleError: a file is missing, or is not what a bundle holds.
    """
    folder = Path(folder)
    draft = read_draft(_content(folder / manifest.NAME, LIMITS.manifest))
    return packed(draft, {name: _content(folder / name, LIMITS.member) for name in draft.part_names})


def save(content: bytes, path: str | Path) -> None:
    """Write a bundle to a file that is not there yet.

    Raises:
        BundleError: the file exists or cannot be written.
    """
    path = Path(path)
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        raise BundleError(f"'{path}' exists; name another file") from None
    except OSError as error:
        raise BundleError(f"cannot write '{path}': {error.strerror}") from error


def _zipped(members: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _MOMENT)
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, _REGULAR_FILE
            archive.writestr(info, members[name], compresslevel=9)
    return file.getvalue()


def _content(path: Path, most: int) -> bytes:
    try:
        if path.stat().st_size > most:
            raise BundleError(f"'{path}' is larger than {most / 2**20:.0f} MiB, more than a bundle may hold")
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"'{path}' cannot be read: {error.strerror}; see docs/submitting.md") from error
