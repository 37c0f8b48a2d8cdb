"""The page of rules: complete, and no constant of its own that differs from the code."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from app.rules import DRIFT, SECTIONS, SHORTEST_ENERGY
from app.trial_charts import SCORED
from bench import clock
from bench.meters import calibration, energy
from db.records import Status, Trust
from db.scoring import board_columns, censoring, changepoint, equivalence, regression

TEXTS = {section.anchor: section.text for section in SECTIONS}


def page_alone() -> None:
    from app import source
    from app.views import rules

    rules.render(source.reader(source.store_name()))


def test_the_runners_own_limits_are_those_of_the_text() -> None:
    assert calibration.DRIFT_LIMIT == DRIFT and "3 %" in TEXTS["reference"]
    assert energy.MINIMUM_WINDOW_SECONDS == SHORTEST_ENERGY and "under 2 s" in TEXTS["energy"]
    assert (clock.SCORED, clock.TOLERANCE) == (SCORED, 0.01)
    assert "preprocess + compile + train" in TEXTS["clock"] and "within 1 %" in TEXTS["clock"].replace("\n", " ")
    assert all(account in TEXTS["clock"] for account in clock.ACCOUNTS)


def test_scoring_constants_are_in_the_text() -> None:
    assert f"{100 * equivalence.MARGIN:g} points" in TEXTS["tests"]
    assert f"needs {board_columns.RANKED_FROM} splits" in TEXTS["intervals"]
    assert f"{100 * censoring.TARGET_SHARE:.0f} %" in TEXTS["target"]
    history = TEXTS["history"].replace("\n", " ")
    assert f"lasts {changepoint.SHORTEST} sessions" in history
    assert f"lasted {regression.BASELINE} nights, not counting the newest {regression.ON_TRIAL}" in history
    assert f"up to {regression.ROUNDS[-1]} times" in history
    assert f"{100 * regression.LEAST_SLOW_DOWN:.0f} % at least" in history
    assert f"{100 * regression.ALARMS_PER_NIGHT:.2f} % of quiet nights" in history


def test_every_status_and_trust_state_is_explained() -> None:
    for anchor, states in (("trial", Status), ("trust", Trust)):
        assert [state for state in states if f"**{state.value.replace('_', ' ')}**: " not in TEXTS[anchor]] == []


def test_the_page_has_an_anchor_a_section_and_needs_no_store(open_store, tmp_path: Path) -> None:
    page = open_store(AppTest.from_function(page_alone, default_timeout=30), tmp_path / "none.duckdb")
    assert [head.anchor for head in page.subheader] == list(TEXTS)
    assert len(set(TEXTS)) == len(SECTIONS)
    assert all(f"](#{anchor})" in page.markdown[0].value for anchor in TEXTS)
