"""The board as pages: complete, safe, and without any request."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench.asv.sample_store import fill, sample_trials
from bench.errors import BenchError
from bench.site.export import export_site, file_names
from db.read import Reader
from db.scoring.board import as_json
from db.store import Store

EVIL = "<img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """Tags, links and the cells of the table of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.rows: list[list[str]] = []
        self.sources: list[tuple[str, str]] = []
        self._in_cell = False
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attributes:
            if name == "href":
                self.links.append(value or "")
            elif name == "src" or name.startswith("on"):
                self.sources.append((tag, value or ""))
        if tag == "tr":
            self.rows.append([])
        if tag == "td":
            self.rows[-1].append("")
        self._in_cell = tag == "td" or (self._in_cell and tag in ("a", "code", "span"))

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag != "td"

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def site(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "deep" / "site"
    assert export_site(store, folder) == 4
    return folder


def _pages(site: Path) -> list[Path]:
    return [site / "index.html", *sorted((site / "datasets").iterdir())]


def test_there_is_a_page_for_the_board_and_one_a_dataset(site, store) -> None:
    rows = Reader(store).board()
    index = Page(site / "index.html")
    assert [row[1].strip().removeprefix("\N{BLACK CIRCLE}").strip() for row in index.rows[1:]] == [
        row.method for row in rows
    ]
    assert len(_pages(site)) == 1 + len({row.dataset for row in rows})
    best = index.rows[1]
    assert best[4] == f"{100 * rows[0].mean:.2f} \N{PLUS-MINUS SIGN} {50 * (rows[0].ci_high - rows[0].ci_low):.2f}"


def test_the_json_beside_them_is_the_board(site, store) -> None:
    assert json.loads((site / "board.json").read_text()) == json.loads(json.dumps(as_json(Reader(store).board())))


def test_every_link_leads_to_a_file_of_the_site(site) -> None:
    for path in _pages(site):
        links = Page(path).links
        assert links
        for link in links:
            assert (path.parent / link).resolve().is_relative_to(site.resolve()), link
            assert (path.parent / link).is_file(), link


def test_no_page_asks_for_anything_from_outside(site) -> None:
    for path in _pages(site):
        text = path.read_text()
        page = Page(path)
        assert page.sources == []
        assert not {"link", "iframe", "img", "object", "embed", "base"} & set(page.tags)
        assert re.findall(r"https?://|@import|url\(|fetch\(|import ", text) == []
        assert "default-src 'none'" in text


def test_a_page_follows_the_readers_light_or_dark_setting(site) -> None:
    text = (site / "index.html").read_text()
    assert "prefers-color-scheme: dark" in text
    assert '<meta name="color-scheme" content="light dark">' in text


def test_the_picture_has_a_mark_for_each_row_with_a_ratio(site, store) -> None:
    [page] = (site / "datasets").iterdir()
    text = page.read_text()
    rows = [row for row in Reader(store).board() if row.time_ratio is not None]
    assert text.count("<circle") == len(rows) > 1
    assert f"<title>{rows[0].method}: " in text


def test_names_are_text_and_no_markup(tmp_path) -> None:
    store = Store(fill(tmp_path / "evil.duckdb", trials=1))
    trial, dataset, method = next(sample_trials())
    dataset = replace(dataset, name=EVIL, description="</p><script>alert(2)</script>")
    trial = replace(trial, dataset=EVIL, trial_id="evil", fingerprint="evil", preset='"><b>')
    store.record_trial(trial, dataset, method)
    export_site(tmp_path / "evil.duckdb", tmp_path / "site")
    pages = [Page(path) for path in _pages(tmp_path / "site")]
    assert all(page.sources == [] and not {"img", "b"} & set(page.tags) for page in pages)
    assert all(page.tags.count("script") == 1 for page in pages)
    assert any(EVIL in row[0] for row in pages[0].rows if row)


def test_file_names_say_the_dataset_and_never_collide() -> None:
    names = file_names(["cora(split=full)", "cora(split=FULL)", "../../etc/passwd", "\N{CYRILLIC SMALL LETTER A}"])
    assert len(set(names.values())) == 4
    assert names["cora(split=full)"].startswith("cora-split-full-")
    assert all(re.fullmatch(r"[a-z0-9-]+\.html", name) for name in names.values())


def test_an_export_is_brought_up_to_date_and_leaves_what_is_not_its_own(site, store, tmp_path) -> None:
    export_site(store, tmp_path / "site")
    (tmp_path / "site" / "snapshot").mkdir()
    (tmp_path / "site" / "datasets" / "gone.html").write_text("of a dataset that is no more")
    export_site(store, tmp_path / "site")
    names = {path.name for path in (tmp_path / "site").iterdir()}
    assert names == {"index.html", "board.json", "datasets", "snapshot"}
    assert not (tmp_path / "site" / "datasets" / "gone.html").exists()


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_a_folder_with_something_else_is_refused(store, tmp_path, kind) -> None:
    target = tmp_path / "mine"
    if kind == "folder":
        target.mkdir()
        (target / "thesis.tex").write_text("years of work")
    else:
        target.write_text("years of work")
    with pytest.raises(BenchError, match="is no exported board; name a new folder"):
        export_site(store, target)
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "thesis.tex"][: 2 if kind == "folder" else 1]


def test_a_folder_that_cannot_be_written_is_named(store, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BenchError, match="cannot be written"):
        export_site(store, tmp_path / "file" / "site")


def test_without_a_store_it_says_how_to_start(tmp_path) -> None:
    with pytest.raises(BenchError, match="start with: leangnn run quick"):
        export_site(tmp_path / "absent.duckdb", tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_an_empty_store_has_a_page_that_says_so(tmp_path) -> None:
    assert export_site(fill(tmp_path / "empty.duckdb", trials=0), tmp_path / "site") == 0
    assert "Nothing is stored yet" in (tmp_path / "site" / "index.html").read_text()
