"""The cases of the corpus: what breaks the good bundle, and what the sentence of the refusal must say."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

from good_bundle import Good

Maker = Callable[[Good], bytes]
CASES: dict[str, tuple[Maker, str]] = {}
"""By name: what makes the bundle, and a pattern that the refusal must match."""


def case(pattern: str) -> Callable[[Maker], Maker]:
    def keep(make: Maker) -> Maker:
        CASES[make.__name__] = (make, pattern)
        return make

    return keep


def edited(name: str, pattern: str, edit: Callable[[Good], Any]) -> None:
    """A case that changes plain values before they are packed."""

    def make(bundle: Good) -> bytes:
        edit(bundle)
        return bundle.zipped()

    CASES[name] = (make, pattern)


def text(name: str, pattern: str, edit: Callable[[bytes], bytes]) -> None:
    """A case that changes the bytes of the manifest."""
    CASES[name] = (lambda bundle: bundle.zipped(edit(bundle.document())), pattern)


def member(name: str, pattern: str, path: str, content: bytes = b"x", **info: Any) -> None:
    """A case with one more member in the zip."""

    def make(bundle: Good) -> bytes:
        file = io.BytesIO(bundle.zipped())
        with zipfile.ZipFile(file, "a") as archive:
            more = zipfile.ZipInfo("x", (1980, 1, 1, 0, 0, 0))
            more.filename = path
            for key, value in info.items():
                setattr(more, key, value)
            archive.writestr(more, content, info.get("compress_type", zipfile.ZIP_STORED))
        return file.getvalue()

    CASES[name] = (make, pattern)


def part(name: str, pattern: str, path: str, edit: Callable[[bytes], bytes]) -> None:
    """A case that changes one CSV file, with its hash made right again."""
    edited(name, pattern, lambda bundle: bundle.parts.update({path: edit(bundle.parts[path])}))


def patched(content: bytes, path: str, offset: int, value: bytes) -> bytes:
    """Overwrite a field of the directory entry of a member, see APPNOTE 4.3.12."""
    at = content.rindex(path.encode()) - 46
    assert content[at : at + 4] == b"PK\x01\x02"
    return content[: at + offset] + value + content[at + offset + len(value) :]


def put(*path: Any, value: Any) -> Callable[[Good], None]:
    """Set one value of the manifest."""

    def edit(bundle: Good) -> None:
        target: Any = bundle.manifest
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = value

    return edit
