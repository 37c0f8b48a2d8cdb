"""A zip file of strangers, read member by member in memory. Nothing is ever written to a path that it names.

`zipfile` reads the whole directory at once and believes the sizes it finds there, so both are held to limits first.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import BinaryIO

from db.bundle import manifest
from db.bundle.errors import BundleError
from db.bundle.limits import Limits

_END = struct.Struct("<4s4H2LH")
"""The last record of a zip file (APPNOTE 4.3.16), with a comment of length 0."""
_LOCATOR = 20
"""Bytes of the record before it where the file is zip64 (APPNOTE 4.3.15)."""
_ENTRY = 46 + 100
"""Bytes of one entry of the directory with a name as long as ours may be."""
_MEMBER = re.compile(r"(curves|predictions)/[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.csv")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, RuntimeError, NotImplementedError,
)  # fmt: skip


class Archive:
    """A zip file whose directory has been checked.

    Args:
        file: seekable and open for reading, for as long as the archive is used.
        limits: what it may hold.

    Raises:
        BundleError: it is no zip file, too large, or names what a bundle may not hold.
    """

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self._file, self._limits = file, limits
        size = file.seek(0, os.SEEK_END)
        if size > limits.file:
            raise BundleError(f"the file has {_mib(size)}; a bundle may have {_mib(limits.file)}")
        _refuse_other_kinds(file, size)
        _refuse_long_directory(file, size, limits)
        try:
            self._zip = zipfile.ZipFile(file)
        except _DAMAGED as error:
            raise BundleError("the zip file is damaged: its directory cannot be read; pack it again") from error
        self._members = self._checked(size)

    @property
    def names(self) -> set[str]:
        """The files in it."""
        return set(self._members)

    def size(self, name: str) -> int:
        """The declared bytes of a member."""
        return self._members[name].file_size

    def read(self, name: str) -> bytes:
        """The content of a member; no more is decompressed than the directory declares.

        Raises:
            BundleError: it is missing or damaged, or is not what the directory says.
        """
        if name not in self._members:
            raise BundleError(f"the bundle has no {name}; pack it again")
        info = self._members[name]
        try:
            with self._zip.open(info) as member:
                content = member.read(info.file_size + 1)
        except _DAMAGED as error:
            raise BundleError(f"{name} is damaged: its content is not what the directory of the zip says") from error
        if len(content) != info.file_size:
            raise BundleError(f"{name} holds {len(content)} bytes and the directory of the zip says {info.file_size}")
        return content

    def _checked(self, size: int) -> Mapping[str, zipfile.ZipInfo]:
        infos, limits = self._zip.infolist(), self._limits
        if len(infos) > limits.members:
            raise BundleError(f"the zip holds {len(infos)} files; a bundle may have {limits.members}")
        for info in infos:
            _check_member(info, limits)
        if (total := sum(info.file_size for info in infos)) > limits.total:
            raise BundleError(f"the zip decompresses to {_mib(total)}; a bundle may have {_mib(limits.total)}")
        if sum(info.compress_size for info in infos) > size:
            raise BundleError("files in the zip overlap, as in a zip bomb; pack the bundle with leangnn submit pack")
        members = {info.filename: info for info in infos}
        if len(members) < len(infos):
            raise BundleError("the zip holds two files of one name; pack the bundle with leangnn submit pack")
        return members


def _refuse_other_kinds(file: BinaryIO, size: int) -> None:
    file.seek(0)
    start = file.read(8)
    if start[:4] == b"PK\x03\x04" and size >= _END.size:
        return
    kinds = {b"\x80": "a pickle, which is never opened", b"\x1f\x8b": "a gzip file", b"7z": "a 7z file"}
    found = next((kind for sign, kind in kinds.items() if start.startswith(sign)), "no zip file")
    raise BundleError(f"the file is {found}; a bundle is the zip file that leangnn submit pack makes")


def _refuse_long_directory(file: BinaryIO, size: int, limits: Limits) -> None:
    file.seek(max(0, size - _END.size - _LOCATOR))
    tail = file.read()
    sign, _, _, _, entries, length, _, comment = _END.unpack(tail[-_END.size :])
    if sign != b"PK\x05\x06" or comment:
        raise BundleError("the zip file has no proper end: it was cut off or something was appended; pack it again")
    if tail.startswith(b"PK\x06\x07"):
        raise BundleError("the zip file is in the 64-bit format, which a bundle never needs; pack it again")
    if entries > limits.members or length > limits.members * _ENTRY:
        raise BundleError(
            f"the directory of the zip has {entries} entries in {length} bytes; "
            f"a bundle may have {limits.members} files"
        )


def _check_member(info: zipfile.ZipInfo, limits: Limits) -> None:
    name = info.orig_filename
    shown = f"{name[:80]!a}"
    if name.startswith(("/", "\\")) or name[1:2] == ":":
        raise BundleError(f"the zip names the absolute path {shown}; a bundle holds only the files of its manifest")
    if ".." in name.replace("\\", "/").split("/"):
        raise BundleError(f"the zip names {shown}, which leads out of the bundle; nothing of it is read")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise BundleError(f"{shown} is a link; put the file itself into the bundle")
    if name.lower().endswith((".pkl", ".pickle", ".pt", ".pth", ".npy", ".npz")):
        raise BundleError(f"{shown} may hold a pickle, which is never opened; predictions are CSV files")
    if name != info.filename or (name != manifest.NAME and not _MEMBER.fullmatch(name)):
        raise BundleError(f"a bundle holds no {shown}; see docs/submitting.md for what it holds")
    if info.flag_bits & _ENCRYPTED:
        raise BundleError(f"{shown} is encrypted; pack it without a password")
    if info.compress_type not in _METHODS:
        raise BundleError(f"{shown} is compressed in an unusual way; use deflate, as leangnn submit pack does")
    if info.file_size > (allowed := limits.manifest if name == manifest.NAME else limits.member):
        raise BundleError(f"{shown} decompresses to {_mib(info.file_size)}; it may have {_mib(allowed)}")
    if info.file_size > limits.ratio * max(info.compress_size, 1):
        raise BundleError(f"{shown} is compressed more than {limits.ratio} times, as in a zip bomb; it is not opened")


def _mib(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"
