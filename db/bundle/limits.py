"""How large a bundle may be. Every limit is held before anything is decompressed beyond it."""

from __future__ import annotations

from dataclasses import dataclass

TRIALS = 400
ROWS = 3_000_000
"""Lines of one CSV file: ogbn-products has 2.3 million validation and test nodes."""
DEPTH = 12
"""Levels of nested lists and tables in the manifest."""

_MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes.

    Attributes:
        file: of the bundle itself.
        member: of one file in it, decompressed.
        manifest: of the manifest, decompressed.
        total: of all files together, decompressed; ten seeds on ogbn-products need 240 MB.
        members: how many files.
        ratio: decompressed bytes for each compressed one; CSV files of numbers stay below 20.
    """

    file: int = 64 * _MIB
    member: int = 32 * _MIB
    manifest: int = 2 * _MIB
    total: int = 256 * _MIB
    members: int = 2 * TRIALS + 1
    ratio: int = 150


LIMITS = Limits()
UPLOAD_LIMITS = Limits(file=16 * _MIB, total=64 * _MIB)
"""For files from people whom nobody knows, read in the process that serves everybody."""
