from __future__ import annotations

import hashlib
import http.server
import io
import socket
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.datasets import download
from bench.datasets.raw_files import RawFile, RawFiles
from bench.errors import DataError

CONTENT = b"some graph"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def _archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("toy/raw/edge.csv.gz", CONTENT)
        archive.writestr("toy/raw/label.csv.gz", CONTENT * 2)
        archive.writestr("../escape.txt", b"never unpacked")
    return buffer.getvalue()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        bodies = {"/good": CONTENT, "/wrong": b"other", "/short": CONTENT, "/toy.zip": _archive()}
        if self.path not in bodies:
            self.send_error(404)
            return
        body = bodies[self.path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) + (self.path == "/short")))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("no_proxy", "*")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def _files(tmp_path: Path, *declared: RawFile) -> RawFiles:
    return RawFiles("toy", declared, tmp_path / "data", tmp_path / "cache")


def _left(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in tmp_path.rglob("*") if path.is_file())


def test_a_good_file_lands_in_the_cache(server: str, tmp_path: Path) -> None:
    found = _files(tmp_path, RawFile("set/a.npz", f"{server}/good", SHA256)).path("set/a.npz")
    assert found == tmp_path / "cache" / "raw" / "set" / "a.npz"
    assert found.read_bytes() == CONTENT
    assert _left(tmp_path) == ["a.npz"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [("wrong", "the server sent another file: SHA-256"), ("short", "the connection broke"), ("absent", "Not Found")],
)
def test_a_bad_answer_leaves_nothing(server: str, tmp_path: Path, path: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason) as raised:
        _files(tmp_path, RawFile("set/a.npz", f"{server}/{path}", SHA256)).path("set/a.npz")
    assert "LEANGNN_DATA" in str(raised.value)
    assert _left(tmp_path) == []


def test_a_refused_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/a.npz"
    with pytest.raises(DataError, match="could not be downloaded") as raised:
        _files(tmp_path, RawFile("set/a.npz", url)).path("set/a.npz")
    assert url in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_archive_gives_the_named_members_only(server: str, tmp_path: Path) -> None:
    url = f"{server}/toy.zip"
    files = _files(
        tmp_path,
        RawFile("toy/edge.csv.gz", url, SHA256, member="toy/raw/edge.csv.gz"),
        RawFile("toy/label.csv.gz", url, member="toy/raw/label.csv.gz"),
    )
    assert files.path("toy/edge.csv.gz").read_bytes() == CONTENT
    assert files.locate("toy/label.csv.gz") is not None
    assert _left(tmp_path) == ["edge.csv.gz", "label.csv.gz"]


def test_an_archive_without_the_member_or_no_archive(server: str, tmp_path: Path) -> None:
    for url in (f"{server}/toy.zip", f"{server}/good"):
        with pytest.raises(download.DownloadError, match="cannot be unpacked"):
            download.fetch_archive(url, {"toy/raw/node.csv.gz": tmp_path / "node.csv.gz"})
    assert _left(tmp_path) == []


def test_a_folder_that_cannot_be_made(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(download.DownloadError, match=r"Not a directory|File exists"):
        download.fetch(f"{server}/good", tmp_path / "file" / "a.npz")
