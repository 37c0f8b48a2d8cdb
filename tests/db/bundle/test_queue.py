"""The review queue."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from db.bundle import queue
from db.bundle.errors import BundleError
from db.bundle.limits import UPLOAD_LIMITS
from db.bundle.queue import ReviewQueue


def test_a_bundle_waits_under_its_hash_and_only_once(tmp_path: Path) -> None:
    waiting = ReviewQueue(tmp_path)
    paths = {waiting.send(b"one"), waiting.send(b"two"), waiting.send(b"one")}
    assert {path.name for path in paths} == {f"{hashlib.sha256(c).hexdigest()}.zip" for c in (b"one", b"two")}
    assert set(waiting.waiting()) == paths
    assert {path.read_bytes() for path in paths} == {b"one", b"two"}
    assert set(tmp_path.iterdir()) == paths


def test_a_full_queue_takes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "MOST", 2)
    waiting = ReviewQueue(tmp_path)
    waiting.send(b"one")
    waiting.send(b"two")
    with pytest.raises(BundleError, match="2 bundles wait for review already"):
        waiting.send(b"three")
    assert len(list(tmp_path.iterdir())) == 2


def test_a_large_file_and_a_missing_folder_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="larger than 16 MiB"):
        ReviewQueue(tmp_path).send(bytes(UPLOAD_LIMITS.file + 1))
    with pytest.raises(BundleError, match="the review queue cannot be written: No such file"):
        ReviewQueue(tmp_path / "nowhere").send(b"one")
