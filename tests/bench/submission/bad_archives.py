"""Files that are no zip file of ours: other kinds, bombs, paths, links, members that are not what they say."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import zipfile

from cases import case, member, patched
from good_bundle import Good, zipped


@case("no zip file")
def words_instead_of_a_zip(bundle: Good) -> bytes:
    return b"dear maintainers, our method is the best one\n" * 10


@case("no zip file")
def empty(bundle: Good) -> bytes:
    return b""


@case("is a pickle, which is never opened")
def pickle_instead_of_a_zip(bundle: Good) -> bytes:
    return pickle.dumps({"metric": 1.0})


@case("a gzip file")
def gzip_instead_of_a_zip(bundle: Good) -> bytes:
    return gzip.compress(bundle.document())


@case("no proper end")
def cut_off(bundle: Good) -> bytes:
    return bundle.zipped()[:-40]


@case("no proper end")
def something_appended(bundle: Good) -> bytes:
    return bundle.zipped() + b"#!/bin/sh\n"


@case("no zip file")
def something_in_front(bundle: Good) -> bytes:
    return b"#!/bin/sh\nexit\n" + bundle.zipped()


@case("64-bit format")
def zip64(bundle: Good) -> bytes:
    content = bundle.zipped()
    return content[:-22] + b"PK\x06\x07" + bytes(16) + content[-22:]


@case("directory of the zip has 65000 entries")
def long_directory(bundle: Good) -> bytes:
    content = bundle.zipped()
    return content[:-14] + struct.pack("<HH", 65000, 65000) + content[-10:]


@case("directory of the zip has 2001 entries")
def many_members(bundle: Good) -> bytes:
    return zipped({"manifest.json": bundle.document(), **{f"curves/{i}.csv": b"x" for i in range(2000)}})


# its members


@case("compressed more than 150 times, as in a zip bomb")
def zip_bomb(bundle: Good) -> bytes:
    bundle.parts["curves/000.csv"] = b"0" * (30 * 2**20)
    return bundle.zipped()


@case("decompresses to .* it may have 32")
def billion_rows(bundle: Good) -> bytes:
    return patched(bundle.zipped(), "predictions/000.csv", 24, struct.pack("<L", 4 * 10**9))


@case("rows; it may have 3,000,000")
def too_many_rows(bundle: Good) -> bytes:
    bundle.parts["predictions/000.csv"] = b"node,prediction\n" + b"1,1\n" * 3_000_010
    return zipped({"manifest.json": bundle.document(), **bundle.parts}, zipfile.ZIP_STORED)


@case("its content is not what the directory of the zip says")
def size_is_a_lie(bundle: Good) -> bytes:
    whole = bundle.parts["curves/000.csv"]
    bundle.parts["curves/000.csv"] = whole[:10]
    document = bundle.document()
    bundle.parts["curves/000.csv"] = whole * 100
    return patched(bundle.zipped(document), "curves/000.csv", 24, struct.pack("<L", 10))


@case("overlap, as in a zip bomb")
def overlapping_members(bundle: Good) -> bytes:
    content = bundle.zipped()
    return patched(content, "curves/000.csv", 20, struct.pack("<L", len(content)))


@case("two files of one name")
def member_twice(bundle: Good) -> bytes:
    file = io.BytesIO(bundle.zipped())
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("curves/000.csv", b"x")
    return file.getvalue()


@case("is encrypted")
def encrypted(bundle: Good) -> bytes:
    return patched(bundle.zipped(), "curves/000.csv", 8, b"\x01\x00")


@case("compressed in an unusual way")
def unusual_compression(bundle: Good) -> bytes:
    return zipped({"manifest.json": bundle.document(), **bundle.parts}, zipfile.ZIP_LZMA)


@case("curves/000.csv is damaged")
def bits_flipped(bundle: Good) -> bytes:
    content = bytearray(zipped({"manifest.json": bundle.document(), **bundle.parts}, zipfile.ZIP_STORED))
    content[content.index(b"epoch,step") + 2] ^= 1
    return bytes(content)


member("absolute_path", "the absolute path '/etc/passwd'", "/etc/passwd")
member("windows_path", "the absolute path 'C:", "C:\\windows\\x")
member("path_upwards", r"leads out of the bundle", "../../.bashrc")
member("hidden_path_upwards", r"leads out of the bundle", "curves/../../x.csv")
member("backslashes_upwards", r"leads out of the bundle", "..\\..\\x.csv")
member("link", "is a link", "curves/link.csv", b"/etc/passwd", external_attr=0o120777 << 16, create_system=3)
member("folder", "a bundle holds no 'curves/'", "curves/")
member("pickle_member", "may hold a pickle", "predictions/000.pkl", pickle.dumps([1]))
member("numpy_member", "may hold a pickle", "predictions/000.npz")
member("code_member", "a bundle holds no 'setup.py'", "setup.py", b"import os")
member("unlisted_member", "its manifest does not list", "curves/more.csv")


@case("lacks predictions/000.csv")
def member_missing(bundle: Good) -> bytes:
    document = bundle.document()
    del bundle.parts["predictions/000.csv"]
    return bundle.zipped(document)


@case("the bundle has no manifest.json")
def manifest_missing(bundle: Good) -> bytes:
    return zipped(bundle.parts)


@case("has another SHA-256 than manifest.json says")
def wrong_hash(bundle: Good) -> bytes:
    document = bundle.document()
    swapped = bundle.parts["curves/000.csv"]
    bundle.parts["curves/000.csv"] = swapped.replace(b"1,1,1.0", b"1,1,1.5", 1)
    return bundle.zipped(document)


@case(r"bytes and manifest.json says")
def wrong_size(bundle: Good) -> bytes:
    document = bundle.document()
    bundle.parts["curves/000.csv"] += b"11,11,11.0,0.1,0.1,1,1\n"
    return bundle.zipped(document)
