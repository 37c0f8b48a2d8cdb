from __future__ import annotations

from pathlib import Path

import pytest

from bench.datasets.folders import cache_folder, data_folder


def test_what_is_given_wins_over_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEANGNN_CACHE", str(tmp_path / "named"))
    monkeypatch.setenv("LEANGNN_DATA", str(tmp_path / "data"))
    assert cache_folder(tmp_path) == tmp_path
    assert cache_folder() == tmp_path / "named"
    assert data_folder(tmp_path, Path("cache")) == tmp_path
    assert data_folder(None, Path("cache")) == tmp_path / "data"


def test_without_any_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEANGNN_CACHE", raising=False)
    monkeypatch.delenv("LEANGNN_DATA", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "leangnn"
    assert data_folder(None, tmp_path) == tmp_path / "raw"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "leangnn"
