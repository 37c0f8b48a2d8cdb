"""The page of histories as Streamlit draws it, on a real database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection
from streamlit.testing.v1 import AppTest

from db.convert import plain_row
from db.records import DatasetRecord, MachineRecord, MethodRecord, SessionRecord, TrialRecord
from db.schema import Machine, Session
from db.store import Store, record_trial, upsert

Open = Callable[..., AppTest]

NIGHTS = 10
START = datetime(2026, 1, 1, 2, tzinfo=UTC)
HOSTILE = "gcn+<script>alert(1)</script>"


def page_alone() -> None:
    from app import source
    from app.views import history

    history.render(source.reader(source.store_name()))


@pytest.fixture
def opened(open_store: Open) -> Open:
    """Open the page on a store, with the words of a URL."""
    return lambda store, **query: open_store(AppTest.from_function(page_alone, default_timeout=30), store, **query)


@pytest.fixture
def nights(trial: Callable[..., TrialRecord], tmp_path: Path) -> Path:
    """Ten sessions of a method that needs half the time of its reference, and as much from the seventh on."""
    machine = MachineRecord("laptop", "Acme 1", 2, 2**34)
    dataset = DatasetRecord("cora", "1", "ab" * 32, 2708, 10556, 1433, 7, 1, "node", "accuracy", 0.81, None)

    def work(connection: Connection) -> None:
        upsert(connection, Machine, plain_row(machine))
        for night in range(NIGHTS):
            at, name = START + timedelta(days=night), f"night{night}"
            session = SessionRecord(name, "laptop", at, "nightly", "leangnn run", f"commit{night}")
            upsert(connection, Session, plain_row(session))
            own_seconds = (1.0 if night < 6 else 2.0) + 0.01 * (night % 3)
            for method, seconds in {"gcn+full_batch": 2.0, "gcn+sgc": own_seconds, HOSTILE: 3.0}.items():
                names = dict.fromkeys(("trial_id", "fingerprint"), f"{method}/{night}")
                own = trial(method, seconds=seconds, session_id=name, started_at=at, curve=(), **names)
                record = MethodRecord(method, "gcn", method[4:], None, None, "training", "gcn+full_batch")
                record_trial(connection, own, dataset, record)

    Store(tmp_path / "nights.duckdb").write(work)
    return tmp_path / "nights.duckdb"


def said(page: AppTest) -> str:
    elements = [*page.markdown, *page.subheader, *page.code, *page.info, *page.caption]
    return "\n".join(str(element.value) for element in elements)


def charts(page: AppTest) -> list[str]:
    return [element.proto.alt for element in page.get("vega_lite_chart")]


def test_the_newest_change_is_on_top_and_linked_to_its_session(opened: Open, nights: Path) -> None:
    page = opened(nights)
    changes, sessions = page.dataframe[0].value, page.dataframe[1].value
    assert changes["method"].tolist() == ["gcn+sgc", HOSTILE]
    first = changes.iloc[0]
    assert (first["commit"], first["sessions"]) == ("commit6", NIGHTS)
    assert first["change"].endswith("slower") and bool(first["worse"])
    assert changes["change"].tolist()[1] == "—"
    assert charts(page) == ["Scored time of gcn+sgc over 10 sessions, with 1 change"]
    assert sessions["commit"].tolist() == [f"commit{night}" for night in reversed(range(NIGHTS))]
    assert sessions.iloc[3][["session", "trial"]].tolist() == ["night6", "trial?id=gcn%2Bsgc%2F6"]
    assert sessions["change"].tolist()[3].endswith("slower") and sessions["n"].tolist() == [1] * NIGHTS


def test_method_and_quantity_come_from_the_url(opened: Open, nights: Path) -> None:
    page = opened(nights, method=HOSTILE, quantity="Peak memory")
    assert charts(page) == [f"Peak memory of {HOSTILE} over 10 sessions, with 0 changes"]
    assert page.dataframe[1].value["said"].tolist() == ["1, the same"] * NIGHTS
    assert "<script>" not in said(page)


def test_a_quantity_that_was_not_measured_says_so(opened: Open, nights: Path) -> None:
    page = opened(nights, quantity="Energy")
    assert "No series yet" in said(page) and "leangnn run quick" in said(page)


def test_what_a_url_invents_is_named(opened: Open, nights: Path) -> None:
    page = opened(nights, dataset="nowhere", method="<script>", quantity="beauty")
    named = "\n".join(info.value for info in page.info)
    assert "dataset=nowhere" in named and "quantity=beauty" in named and "<script>" not in named
    assert charts(page)


def test_a_store_without_trials(opened: Open, tmp_path: Path) -> None:
    assert "No results yet" in said(opened(tmp_path / "none.duckdb"))
