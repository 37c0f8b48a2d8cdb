"""The page of training dynamics as Streamlit draws it, on a real database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from db.records import DatasetRecord, DynamicsRecord, MethodRecord, TrialRecord
from db.store import Store

Open = Callable[..., AppTest]

HOSTILE = "gcn+<script>alert(1)</script>"
HEAT = DynamicsRecord("relative_gradient_norm", (0, 10), [[1.0, 10.0], [2.0, None]])
BALANCE = DynamicsRecord("weight_norm_imbalance", (0,), [[[-0.5, -0.1, 0.0, 0.1, 0.5]]])
ENERGY = DynamicsRecord("dirichlet_energy", (0, 10), [[4.0, 2.0, 1.0], [8.0, 0.5, 0.01]])
SEGMENT = {"scales": [1], "epoch": 0, "scored_seconds": 0.0, "steps": 1, "node_visits": 10, "edge_visits": 20}
SCHEDULE = [SEGMENT, {**SEGMENT, "scales": [0], "scored_seconds": 1.0}]


def page_alone() -> None:
    from app import source
    from app.views import dynamics

    dynamics.render(source.reader(source.store_name()))


@pytest.fixture
def opened(open_store: Open) -> Open:
    """Open the page on a store, with the words of a URL."""
    return lambda store, **query: open_store(AppTest.from_function(page_alone, default_timeout=30), store, **query)


@pytest.fixture
def store(fill: Callable[..., Path], trial: Callable[..., TrialRecord], tmp_path: Path) -> Path:
    """A reference of two splits, a multiscale method of one, and a method with a hostile name."""
    reference = [trial(split=split, dynamics=(HEAT, BALANCE, ENERGY)) for split in range(2)]
    multiscale = trial("gcn+coarse_to_fine", dynamics=(HEAT, BALANCE), schedule=SCHEDULE)
    return fill(tmp_path / "results.duckdb", *reference, multiscale, trial(HOSTILE, dynamics=(HEAT,)))


def said(page: AppTest) -> str:
    elements = [*page.markdown, *page.subheader, *page.code, *page.info, *page.caption]
    return "\n".join(str(element.value) for element in elements)


def charts(page: AppTest) -> list[str]:
    """The texts that stand for the charts."""
    return [element.proto.alt for element in page.get("vega_lite_chart")]


def choose(page: AppTest, label: str) -> Any:
    return next(box for box in page.selectbox if box.label == label)


def test_methods_stand_side_by_side(opened: Open, store: Path) -> None:
    page = opened(store, method=["gcn+full_batch", "gcn+coarse_to_fine"], cell="split 0, seed 0")
    assert len(page.columns) >= 2
    assert [chart for chart in charts(page) if "by layer and epoch" in chart] == [
        "Relative gradient of the weights of gcn+full_batch by layer and epoch",
        "Relative gradient of the weights of gcn+coarse_to_fine by layer and epoch",
    ]
    assert "Coarsening level of gcn+coarse_to_fine against scored time" in charts(page)
    assert not any("gcn+full_batch against scored time" in chart for chart in charts(page))
    assert "Dirichlet energy after each step of the network, before and after training" in charts(page)
    assert "trial?id=cora%2Fgcn%2Bfull_batch%2F0" in said(page)


def test_balance_is_drawn_for_units(opened: Open, store: Path) -> None:
    page = opened(store, method=["gcn+full_batch", "gcn+coarse_to_fine"], quantity="Imbalance of weight norms")
    assert sum("hidden units" in chart for chart in charts(page)) == 2
    assert "0 is balance" in said(page)


def test_a_method_without_that_split_or_quantity_is_named(opened: Open, store: Path) -> None:
    page = opened(store, method=["gcn+full_batch", "gcn+coarse_to_fine"], cell="split 1, seed 0")
    assert "Without a trial of this split and seed: gcn\\+coarse\\_to\\_fine" in said(page)
    page = opened(store, method=["gcn+full_batch", "gcn+coarse_to_fine"], quantity="Dirichlet energy")
    assert "Not recorded." in said(page)


def test_trials_without_dynamics_say_how_to_record_them(
    opened: Open, fill: Callable[..., Path], trial: Callable[..., TrialRecord], tmp_path: Path
) -> None:
    page = opened(fill(tmp_path / "one.duckdb", trial()))
    assert "recorded no dynamics" in said(page) and "--dynamics-every 10" in said(page)
    assert "leangnn run --dataset cora --method 'gcn+qlr(bits=2)'" in said(page)


def test_accuracy_against_bits(opened: Open, store: Path, trial: Callable[..., TrialRecord]) -> None:
    quantized = {"gcn+full_batch+qlr(bits=2)": "qlr(bits=2)", "gcn+full_batch+qlr": "qlr"}
    for name, quantizer in quantized.items():
        own = trial(name, environment={"quantizer": {"bits": {"linear.input": [8]}}})
        dataset = DatasetRecord("cora", "1", "ab" * 32, 2708, 10556, 1433, 7, 1, "node", "accuracy", 0.81, None)
        method = MethodRecord(name, "gcn", "full_batch", None, quantizer, "low_bit", "gcn+full_batch")
        Store(store).record_trial(replace(own, method=name), dataset, method)
    page = opened(store)
    assert "Test accuracy on cora against bits" in charts(page)
    assert "Left out" not in said(page)


def test_what_a_url_invents_is_named(opened: Open, store: Path) -> None:
    words = {"dataset": "nowhere", "method": ["gcn+x", "<script>"], "cell": "split 9", "quantity": "y", "place": "z"}
    page = opened(store, **words)
    named = "\n".join(info.value for info in page.info)
    assert "dataset=nowhere" in named and "cell=split 9" in named and "quantity=y" in named
    assert "method=gcn\\+x" in named and "<script>" not in named
    assert charts(page)


def test_markup_in_a_name_is_shown_as_text(opened: Open, store: Path) -> None:
    page = opened(store, method=[HOSTILE])
    assert any(HOSTILE in chart for chart in charts(page))
    assert "<script>" not in "\n".join(element.value for element in [*page.markdown, *page.caption, *page.info])


def test_nothing_chosen_and_nothing_stored(opened: Open, store: Path, tmp_path: Path) -> None:
    page = opened(store)
    page.multiselect[0].set_value([]).run()
    assert not page.exception and "Choose a method" in said(page)
    assert "No results yet" in said(opened(tmp_path / "none.duckdb"))
