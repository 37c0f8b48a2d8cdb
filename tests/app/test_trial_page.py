"""The page of one trial as Streamlit draws it, on a real database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from db.read import Reader
from db.records import DynamicsRecord, Status, TrialRecord

Open = Callable[..., AppTest]


def page_alone() -> None:
    """The page without the frame, as `AppTest` runs it: a script of its own."""
    from app import source
    from app.views import trial

    trial.render(source.reader(source.store_name()))


@pytest.fixture
def opened(open_store: Open) -> Open:
    """Open the page on a store, with the words of a URL."""
    return lambda store, **query: open_store(AppTest.from_function(page_alone, default_timeout=30), store, **query)


def said(page: AppTest) -> str:
    elements = [*page.markdown, *page.subheader, *page.code, *page.warning, *page.info, *page.caption]
    return "\n".join(str(element.value) for element in elements)


def figures(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_the_trial_of_the_url(opened: Open, filled: Path) -> None:
    stored = {trial.trial_id: trial for trial in Reader(filled).trials()}
    page = opened(filled, id="cora/gcn+sgc/3")
    assert figures(page)["Test accuracy"] == "80.30 %"
    assert figures(page)["Scored time"] == "1.00 s"
    assert "`gcn+sgc` on `cora`" in said(page)
    ledger = stored["cora/gcn+sgc/3"].ledger
    assert ledger is not None and "1.00 s of 2.00 s" in said(page)
    rest = dict(page.table[-1].value.to_numpy().tolist())
    assert rest["Trial"] == "cora/gcn\\+sgc/3"
    assert (rest["Session"], rest["Attempt, counted from 1"]) == ("s1", "1")


def test_how_it_was_run_is_drawn_for_whoever_opens_it(opened: Open, filled: Path) -> None:
    # code and JSON take a browser nearly a second
    assert not opened(filled, id="cora/gcn+sgc/3").code
    page = opened(filled, id="cora/gcn+sgc/3", how="true")
    assert "--splits 3 --seeds 0" in said(page) and "--learning-rate 0.01" in said(page)
    assert len(page.json) == 2 and not page.exception


def test_another_choice_goes_into_the_url(opened: Open, filled: Path) -> None:
    page = opened(filled, id="cora/gcn+sgc/3")
    page.selectbox[0].set_value("pubmed").run()
    assert "pubmed/sage+full_batch/" in "".join(page.query_params["id"])
    assert not page.exception


def test_an_unknown_identifier_is_named_and_the_newest_trial_shown(opened: Open, filled: Path) -> None:
    page = opened(filled, id="<script>alert(1)</script>")
    assert "There is no trial" in page.info[0].value and "<script>" not in page.info[0].value
    assert figures(page)


def test_a_failure_shows_its_reason_and_its_log(
    opened: Open, fill: Callable[..., Path], trial: Callable[..., TrialRecord], tmp_path: Path
) -> None:
    failed = trial(status=Status.CRASHED, test_metric=None, ledger=None, reason="it *broke*", log_tail="Traceback ...")
    page = opened(fill(tmp_path / "one.duckdb", failed))
    assert page.warning[0].value == "it \\*broke\\*"
    assert "Traceback ..." in said(page)
    assert figures(page)["Test accuracy"] == "—"


def test_dynamics_schedule_and_memory_are_drawn(
    opened: Open, fill: Callable[..., Path], trial: Callable[..., TrialRecord], tmp_path: Path
) -> None:
    segment = {"scales": [1], "epoch": 0, "scored_seconds": 0.0, "steps": 1, "node_visits": 10, "edge_visits": 20}
    whole = trial(
        schedule=[segment, {**segment, "scales": [0], "scored_seconds": 1.0}],
        dynamics=(
            DynamicsRecord("relative_gradient_norm", (0, 10), [[1.0, 10.0], [2.0, None]]),
            DynamicsRecord("weight_norm_imbalance", (0,), [[[-0.5, -0.1, 0.0, 0.1, 0.5]]]),
        ),
        memory={"rss_above_start": {"bytes": 1_000_000, "definition": "above the level before"}},
        further_metrics={"test_balanced_accuracy": 0.75},
    )
    page = opened(fill(tmp_path / "one.duckdb", whole))
    heads = [str(element.value) for element in page.subheader]
    assert "What its steps saw" in heads and "What training did to the network" in heads
    assert figures(page)["Balanced accuracy"] == "75.00 %"
    assert page.table[0].value["definition"].tolist() == ["above the level before"]
    quantity = next(box for box in page.selectbox if box.label == "Quantity")
    quantity.set_value("weight_norm_imbalance").run()
    assert not page.exception and "0 is balance" in said(page)


def test_a_store_without_trials(opened: Open, tmp_path: Path) -> None:
    assert "No results yet" in said(opened(tmp_path / "none.duckdb"))
