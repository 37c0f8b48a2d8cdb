from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from bench.datasets.raw_files import RawFile, RawFiles, mismatch, raw_file
from bench.errors import DataError

CONTENT = b"hello\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
GIT_BLOB = "ce013625030ba8dba906f756967f9e9ca394464a"  # echo hello | git hash-object --stdin


def _put(folder: Path, relative: str, content: bytes = CONTENT) -> Path:
    path = folder / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_data_folder_comes_before_the_cache(tmp_path: Path) -> None:
    data, cache = tmp_path / "data", tmp_path / "cache"
    file = RawFile("set/a.txt", sha256=SHA256, also=("elsewhere/a.txt",))
    files = RawFiles("toy", [file], data, cache)
    assert files.locate("set/a.txt") is None
    in_cache = _put(cache, "raw/set/a.txt")
    assert files.path("set/a.txt") == in_cache
    also = _put(data, "elsewhere/a.txt")
    assert files.path("set/a.txt") == also
    first = _put(data, "set/a.txt")
    assert files.path("set/a.txt") == first


def test_identity_changes_with_the_file(tmp_path: Path) -> None:
    path = _put(tmp_path, "a.txt")
    files = RawFiles("toy", [RawFile("a.txt")], tmp_path, tmp_path / "cache")
    before = files.identity()
    assert before[0][:2] == ("a.txt", len(CONTENT))
    path.write_bytes(CONTENT * 2)
    assert files.identity() != before


def test_checksums(tmp_path: Path) -> None:
    path = _put(tmp_path, "a.txt")
    assert mismatch(RawFile("a.txt", sha256=SHA256), path) is None
    assert mismatch(RawFile("a.txt", git_blob=GIT_BLOB), path) is None
    assert mismatch(RawFile("a.txt"), path) is None
    path.write_bytes(b"other")
    assert "instead of " + SHA256 in str(mismatch(RawFile("a.txt", sha256=SHA256), path))
    assert "instead of " + GIT_BLOB in str(mismatch(RawFile("a.txt", git_blob=GIT_BLOB), path))


def test_a_wrong_file_is_refused_unless_a_test_asks_for_it(tmp_path: Path) -> None:
    _put(tmp_path, "a.txt", b"other")
    declared = [RawFile("a.txt", sha256=SHA256)]
    with pytest.raises(DataError, match=r"a\.txt is not the file that toy was published with \(SHA-256"):
        RawFiles("toy", declared, tmp_path, tmp_path / "cache").path("a.txt")
    assert RawFiles("toy", declared, tmp_path, tmp_path / "cache", verify=False).path("a.txt").is_file()


def test_what_cannot_be_downloaded_says_where_to_put_it(tmp_path: Path) -> None:
    files = RawFiles("toy", [RawFile("set/a.txt")], tmp_path / "data", tmp_path / "cache")
    with pytest.raises(DataError) as raised:
        files.path("set/a.txt")
    message = str(raised.value)
    assert (
        f"toy needs set/a.txt, which is neither in {tmp_path / 'data'} nor in {tmp_path / 'cache' / 'raw'}" in message
    )
    assert f"put the file at {tmp_path / 'cache' / 'raw' / 'set' / 'a.txt'} or set LEANGNN_DATA" in message
    assert "\n" not in message


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    path = _put(tmp_path, "closed/a.txt")
    path.parent.chmod(0)
    try:
        with pytest.raises(DataError, match="may not be read"):
            RawFiles("toy", [RawFile("closed/a.txt")], tmp_path, tmp_path / "cache").path("closed/a.txt")
    finally:
        path.parent.chmod(0o700)


def test_a_denied_file_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(self: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "is_file", denied)
    with pytest.raises(DataError, match=r"a\.txt may not be read \(permission denied\)"):
        RawFiles("toy", [RawFile("a.txt")], tmp_path, tmp_path / "cache").path("a.txt")


def test_published_checksums_are_looked_up() -> None:
    assert raw_file("heterophilous/minesweeper/raw/minesweeper.npz").sha256 is not None
    assert raw_file("no/such/file").sha256 is None
