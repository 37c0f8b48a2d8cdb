"""Rows of files: any order, any window, and what was never set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from methods import disk_array
from methods.disk_array import DiskArray
from methods.errors import MethodError


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of three rows of five floats, so that a small file has many."""
    monkeypatch.setattr(disk_array, "WINDOW_BYTES", 3 * 5 * 4)


def saved(folder: Path, array: np.ndarray) -> np.ndarray:
    np.save(folder / "array.npy", array)
    return np.load(folder / "array.npy", mmap_mode="r")


def test_rows_come_in_the_order_that_was_asked_for(tmp_path: Path, small_windows: None) -> None:
    values = np.random.default_rng(0).standard_normal((1000, 5)).astype(np.float32)
    stored = DiskArray.of(saved(tmp_path, values))
    rows = torch.tensor([999, 0, 3, 3, 512, 2, 998])
    assert (len(stored), stored.shape) == (1000, (1000, 5))
    assert torch.equal(stored[rows], torch.from_numpy(values[rows.numpy()]))
    assert stored[rows[:0]].shape == (0, 5)


def test_numbers_come_one_a_row(tmp_path: Path, small_windows: None) -> None:
    stored = DiskArray.of(saved(tmp_path, np.arange(5000) * 3))
    assert stored[torch.tensor([4999, 17])].tolist() == [14997, 51]


@pytest.mark.parametrize("rows", [torch.tensor([700, 2, 5, 699]), torch.arange(40, 80)])
def test_what_was_set_is_there_and_the_rest_is_zero(tmp_path: Path, small_windows: None, rows: torch.Tensor) -> None:
    scratch = DiskArray.scratch(tmp_path, np.float32, (800, 5))
    values = torch.randn(len(rows), 5)
    scratch[rows] = values
    assert torch.equal(scratch[rows], values)
    others = torch.arange(800)[~torch.isin(torch.arange(800), rows)]
    assert not scratch[others].any()
    scratch[rows] = 2
    assert (scratch[rows] == 2).all() and not scratch[others].any()


def test_scratch_files_have_no_name(tmp_path: Path) -> None:
    scratch = DiskArray.scratch(tmp_path, np.int64, (10,))
    assert not list(tmp_path.iterdir()) and len(scratch) == 10


def test_a_full_disk_is_said_and_does_not_end_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: int) -> None:
        raise OSError(28, "No space left on device")

    scratch = DiskArray.scratch(tmp_path, np.int64, (10,))
    monkeypatch.setattr(disk_array.os, "posix_fallocate", full, raising=False)
    with pytest.raises(MethodError, match="No space left on device"):
        scratch[torch.arange(10)] = 1


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(MethodError, match=r"no scratch file can be written to .*nowhere.*make room there"):
        DiskArray.scratch(tmp_path / "nowhere", np.int64, (10,))


def test_only_memory_maps_stay_on_disk() -> None:
    with pytest.raises(ValueError, match="memory map"):
        DiskArray.of(np.zeros(3))


def test_a_frozen_array_cannot_be_set(tmp_path: Path) -> None:
    array = DiskArray.scratch(tmp_path, np.int32, (4,))
    array[torch.tensor([1])] = 7
    array.freeze()
    with pytest.raises(ValueError, match="read-only"):
        array[torch.tensor([1])] = 8
    assert array[torch.arange(4)].tolist() == [0, 7, 0, 0]
