"""Packing: the same content gives the same bytes, and a folder written by hand is read like any bundle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from db.bundle.errors import BundleError
from db.bundle.read import Bundle
from db.bundle.write import from_folder, save


@pytest.fixture
def folder(small, tmp_path: Path) -> Path:
    manifest, parts = small()
    for name, content in {"manifest.json": json.dumps(manifest).encode(), **parts, "notes.txt": b"mine"}.items():
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "mine"


def test_a_folder_is_packed_alike_each_time_and_takes_nothing_else(folder: Path, small) -> None:
    content = from_folder(folder)
    assert from_folder(folder) == content
    with Bundle(content) as bundle:
        assert bundle.manifest.submitter == "A. Person"
        assert sorted(bundle.manifest.parts) == sorted(small()[1])
        assert bundle.curve("000").epoch.tolist() == [1, 2]
    assert b"mine" not in content


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "curves" / "001.csv").unlink()
    with pytest.raises(BundleError, match=r"curves/001.csv' cannot be read: No such file"):
        from_folder(folder)


def test_what_could_not_be_read_is_not_packed(folder: Path) -> None:
    (folder / "predictions" / "001.csv").write_text("node,prediction\n1,many\n")
    with pytest.raises(BundleError, match="no table of numbers"):
        from_folder(folder)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    save(b"one", tmp_path / "b.zip")
    with pytest.raises(BundleError, match="exists; name another file"):
        save(b"two", tmp_path / "b.zip")
    assert (tmp_path / "b.zip").read_bytes() == b"one"


@pytest.mark.parametrize("name", ["nothing.zip", "."])
def test_what_is_no_file_is_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(BundleError, match="is not a file"):
        Bundle(tmp_path / name)
