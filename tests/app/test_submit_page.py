"""The page on which results are submitted."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from app.views import submit
from db.bundle.queue import ReviewQueue

SMALL = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "db" / "bundle" / "small_bundle.py")))
Open = Callable[..., AppTest]


def page_alone() -> None:
    """The page without the frame, as `AppTest` runs it: a script of its own."""
    from app import source
    from app.views import submit

    submit.render(source.reader(source.store_name()))


@pytest.fixture
def page(open_store: Open, filled: Path) -> AppTest:
    return open_store(AppTest.from_function(page_alone, default_timeout=30), filled)


def upload(page: AppTest, content: bytes) -> AppTest:
    page.file_uploader[0].set_value(("bundle.zip", content, "application/zip"))
    page.run()
    assert not page.exception
    return page


def said(page: AppTest) -> str:
    kinds = (page.markdown, page.success, page.error, page.warning, page.info, page.caption, page.code)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def good() -> bytes:
    return SMALL.zipped(*SMALL.small(method={"backbone": "gcn", "strategy": "mine"}))


def test_without_a_file_the_page_says_how_to_make_one(page: AppTest) -> None:
    assert "leangnn submit pack --from-folder" in said(page)
    assert page.file_uploader[0].allowed_type == [".zip"]


def test_a_good_bundle_shows_its_row_and_says_whose_figures_they_are(page: AppTest) -> None:
    upload(page, good())
    assert "Nothing speaks against it here" in page.success[0].value
    assert "Metrics are as the bundle claims them: this page has no labels" in said(page)
    rows = page.dataframe[-1].value
    assert rows["claimed test metric"][0].startswith("70.50 %")
    assert rows["place by the mean"][0] == "3 of 3"
    assert rows["time ratio"][0].startswith("0.50")
    assert not page.button


def test_what_is_wrong_is_listed_and_names_of_strangers_are_inert(page: AppTest) -> None:
    manifest, parts = SMALL.small()
    manifest["trials"][0]["ledger"]["wall"] = 99.0
    upload(page, SMALL.zipped(manifest, parts))
    assert page.error[0].value.startswith("Refused: 1 error")
    assert "its wall time is 99 s" in page.dataframe[0].value["what was found"][0]
    assert "cannot be sent" in said(page)
    upload(page, SMALL.zipped(*SMALL.small(submitter="<script>alert(1)</script>")))
    assert "script" not in said(page)


def test_sending_is_off_unless_there_is_a_queue_and_needs_a_press(
    page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, filled: Path
) -> None:
    before = filled.read_bytes()
    upload(page, good())
    assert "in a pull request" in said(page)
    queue = tmp_path / "queue"
    queue.mkdir()
    monkeypatch.setenv(submit.QUEUE, str(queue))
    page.run()
    assert ReviewQueue(queue).waiting() == []
    page.button(key="send").click().run()
    assert "Sent. A reviewer will look at it" in said(page)
    [path] = ReviewQueue(queue).waiting()
    assert path.read_bytes() == good()
    assert filled.read_bytes() == before


def test_a_visitor_cannot_ask_without_end(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(submit._FOR_ONE):
        upload(page, b"no zip %d" % number)
        assert page.error
    upload(page, good())
    assert "Too many bundles at once" in page.warning[0].value
    assert not page.dataframe


def test_reviewing_is_not_on_the_page(page: AppTest) -> None:
    upload(page, good())
    words = {button.label.lower() for button in page.button}
    assert not words & {"approve", "reject", "dispute", "retract"}
    source = Path(submit.__file__).read_text()
    assert "trust" not in source.replace("trust ladder", "")


def test_an_empty_store_still_takes_bundles(open_store: Open, tmp_path: Path) -> None:
    page = open_store(AppTest.from_function(page_alone, default_timeout=30), tmp_path / "none.duckdb")
    upload(page, good())
    assert "no results on cora" in page.dataframe[0].value["what was found"].str.cat()
