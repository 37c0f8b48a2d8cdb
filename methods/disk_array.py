"""Arrays that stay in files: rows are copied out of a memory map whose pages are given back at once."""

from __future__ import annotations

import math
import mmap
import os
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from methods.errors import MethodError

WINDOW_BYTES = 2**24
"""Most of the file that is resident at a time, whatever its size."""


class DiskArray:
    """Rows of a file, [rows, ...], as tensors on the CPU.

    Reading a row of a memory map makes the kernel map all cached pages around it, so that a few thousand random rows
    would bring a large file into the resident set. Rows are therefore read in the order of the file, a window at a
    time, and the window's pages are given back; they stay in the kernel's cache, which it takes back when it needs to.

    Args:
        file: what holds the array; rows can be set where it is open for writing too.
        dtype, shape: of the array.
        offset: bytes in front of it.
    """

    def __init__(self, file: IO[bytes], dtype: DTypeLike, shape: tuple[int, ...], offset: int = 0) -> None:
        self._file = file
        self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_WRITE if file.writable() else mmap.ACCESS_READ)
        if len(self._map) > _memory_bytes() / 2:
            # the kernel reads around each row, which soon brings a smaller file into its cache, and is waste here
            self._advise("MADV_RANDOM", 0, len(self._map))
        flat: NDArray[Any] = np.frombuffer(self._map, dtype, math.prod(shape), offset)
        self._rows, self._offset = flat.reshape(shape), offset
        self._row_bytes = self._rows.itemsize * math.prod(shape[1:])
        self._per_window = max(1, WINDOW_BYTES // self._row_bytes)

    @classmethod
    def of(cls, array: NDArray[Any]) -> DiskArray:
        """The file of a whole array that `numpy.load(..., mmap_mode="r")` gave.

        Raises:
            ValueError: the array is no such memory map.
        """
        if not isinstance(array, np.memmap) or array.filename is None:
            raise ValueError("only a memory map of a file can stay on disk")
        return cls(Path(array.filename).open("rb"), array.dtype, array.shape, array.offset)

    @classmethod
    def scratch(cls, folder: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> DiskArray:
        """A writable array of zeros in a file without a name, which is gone with the array or with the process.

        Parts that were never set take no room on disk, where the file system knows sparse files.

        Raises:
            MethodError: the folder may not be written to, or its disk is full.
        """
        try:
            file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (it lives as long as the array)
            file.truncate(math.prod(shape) * np.dtype(dtype).itemsize)
        except OSError as error:
            raise _no_room(error) from error
        return cls(file, dtype, shape)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._rows.shape

    def __len__(self) -> int:
        return len(self._rows)

    def places(self, at_once: int) -> Iterator[Tensor]:
        """The numbers of all rows, some at a time."""
        for start in range(0, len(self), at_once):
            yield torch.arange(start, min(start + at_once, len(self)))

    def __getitem__(self, rows: Tensor) -> Tensor:
        """A copy of some rows, [k, ...].

        Args:
            rows: [k] integers in any order.
        """
        index = rows.cpu().numpy()
        out = np.empty((len(index), *self.shape[1:]), self._rows.dtype)
        for places, wanted in self._windows(index):
            out[places] = self._rows[wanted]
        return torch.from_numpy(out)

    def __setitem__(self, rows: Tensor, values: Tensor | int) -> None:
        """Set some rows to rows of values, each at most once, or to one value.

        Raises:
            MethodError: the disk is full.
            ValueError: the array is frozen, or its file can only be read.
        """
        source = values.cpu().numpy() if isinstance(values, Tensor) else values
        for places, wanted in self._windows(rows.cpu().numpy()):
            self._reserve(int(wanted[0]), int(wanted[-1]))
            self._rows[wanted] = source if isinstance(source, int) else source[places]

    def freeze(self) -> None:
        """Let nobody set rows any more."""
        self._rows.flags.writeable = False

    def _reserve(self, first: int, last: int) -> None:
        """Take the room of some rows on disk; writing to a map without room would end the process."""
        if hasattr(os, "posix_fallocate"):
            begin, length = self._offset + first * self._row_bytes, (last - first + 1) * self._row_bytes
            try:
                os.posix_fallocate(self._file.fileno(), begin, length)
            except OSError as error:
                raise _no_room(error) from error

    def _windows(self, index: NDArray[np.integer]) -> Iterator[tuple[NDArray[np.integer], NDArray[np.integer]]]:
        """Positions in the index, and rows, of each window that is met; its pages are given back behind it."""
        # what comes sorted is most of what an evaluation asks for
        order = np.arange(len(index)) if (index[1:] >= index[:-1]).all() else np.argsort(index)
        ordered = index[order]
        numbers = ordered // self._per_window
        starts = np.flatnonzero(np.diff(numbers, prepend=-1))
        for start, stop in pairwise([*starts.tolist(), len(ordered)]):
            yield order[start:stop], ordered[start:stop]
            self._give_back(int(numbers[start]))

    def _give_back(self, window: int) -> None:
        begin = self._offset + window * self._per_window * self._row_bytes
        begin -= begin % mmap.PAGESIZE
        end = self._offset + (window + 1) * self._per_window * self._row_bytes
        self._advise("MADV_DONTNEED", begin, min(end, len(self._map)) - begin)

    def _advise(self, name: str, start: int, length: int) -> None:
        if hasattr(self._map, "madvise") and hasattr(mmap, name):  # Windows trims resident sets by itself
            self._map.madvise(getattr(mmap, name), start, length)


def _memory_bytes() -> float:
    """Of this machine; without bound where the system does not say."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else math.inf


def _no_room(error: OSError) -> MethodError:
    where = error.filename or "the folder of the prepared dataset"
    return MethodError(f"no scratch file can be written to {where} ({error.strerror}); make room there")
