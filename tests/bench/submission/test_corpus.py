"""Every bad bundle is refused with a sentence that names its cause, and leaves the store as it was."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import corpus
import pytest

from bench.submission.check import Sources, check
from db.bundle.errors import BundleError
from db.bundle.read import Bundle

MOST_MIB = 300


@pytest.fixture(scope="module")
def store(ran: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "board.duckdb"
    path.write_bytes(ran.store.read_bytes())
    return path


def test_there_are_enough_of_them() -> None:
    assert len(corpus.CASES) >= 40


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", corpus.CASES)
def test_a_bad_bundle_is_refused_by_its_cause(name: str, sound: Any, store: Path, cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.zip"
    path.write_bytes(corpus.make(name, sound))
    before = store.read_bytes()
    checked = check(path, Sources(store, cache_dir=cache))
    assert checked.addition is None
    sentences = [finding.sentence for finding in checked.report.errors]
    assert any(re.search(corpus.CASES[name][1], sentence) for sentence in sentences), sentences
    assert all(sentence.isprintable() and len(sentence) < 600 for sentence in sentences)
    assert store.read_bytes() == before
    assert {item.name for item in store.parent.iterdir()} == {store.name}
    assert {item.name for item in tmp_path.iterdir()} == {"bad.zip"}


def test_the_good_bundle_that_they_start_from_is_not_refused(sound: Any, store: Path, cache: Path) -> None:
    checked = check(sound.zipped(), Sources(store, cache_dir=cache))
    assert checked.report.errors == []
    assert [finding.rule for finding in checked.report.findings] == ["method"]
    [row] = checked.report.rows
    assert (row["n"], row["status"], row["method"]) == (10, "ranked", "gcn+my_strategy")


PEAK = """
import json, re, sys
from pathlib import Path
from bench.submission.check import Sources, check
report = check(sys.argv[1], Sources(cache_dir=sys.argv[2])).report
kilobytes = re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]
print(json.dumps([report.refused, int(kilobytes) // 1024]))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc, which Linux has")
@pytest.mark.parametrize("name", ["zip_bomb", "too_many_rows", "many_members", "test_labels_as_predictions"])
def test_a_refusal_needs_little_memory(name: str, sound: Any, cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.zip"
    path.write_bytes(corpus.make(name, sound))
    finished = subprocess.run([sys.executable, "-c", PEAK, path, cache], capture_output=True, text=True)
    refused, mebibytes = json.loads(finished.stdout)
    assert refused
    assert mebibytes < MOST_MIB


def test_nothing_is_decompressed_beyond_the_declared_size(sound: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    read = zipfile.ZipExtFile.read

    def watched(self: Any, n: int = -1) -> bytes:
        asked.append(n)
        return read(self, n)

    monkeypatch.setattr(zipfile.ZipExtFile, "read", watched)
    with pytest.raises(BundleError), Bundle(corpus.make("size_is_a_lie", sound)) as bundle:
        bundle.curve("000")
    assert asked and all(n >= 0 for n in asked)
