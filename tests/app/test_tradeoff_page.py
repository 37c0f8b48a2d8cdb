"""The page of trade-offs as Streamlit draws it, on a real database."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from app.format import percent
from bench import runner
from bench.cli import main as cli
from bench.cli import run as cli_run
from bench.plan import PlannedTrial
from bench.protocol import Protocol
from db.read import Reader
from db.records import TrialRecord

Open = Callable[..., AppTest]


def page_alone() -> None:
    """The page without the frame, as `AppTest` runs it: a script of its own."""
    from app import source
    from app.views import tradeoff

    tradeoff.render(source.reader(source.store_name()))


@pytest.fixture
def opened(open_store: Open) -> Open:
    """Open the page on a store, with the words of a URL."""
    return lambda store, **query: open_store(AppTest.from_function(page_alone, default_timeout=30), store, **query)


def points(page: AppTest) -> list[list[dict[str, Any]]]:
    """What each picture draws, without the line of the reference."""
    found = []
    for element in page.get("vega_lite_chart"):
        datasets = [frame.to_dict("records") for frame in tables(element)]
        found.append(next(lines for lines in datasets if lines and "method" in lines[0]))
    return found


def tables(element: Any) -> list[Any]:
    from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df as as_frame

    return [as_frame(each.data.data) for each in element.proto.datasets]


def said(page: AppTest) -> str:
    elements = [*page.markdown, *page.subheader, *page.code, *page.info, *page.caption]
    return "\n".join(str(element.value) for element in elements)


def test_points_cards_and_commands_of_one_dataset(opened: Open, filled: Path) -> None:
    page = opened(filled)
    (drawn,) = points(page)
    rows = {row.method: row for row in Reader(filled).board(dataset="cora")}
    assert {line["method"] for line in drawn} == set(rows)
    for line in drawn:
        assert line["cost"] == rows[line["method"]].time_ratio
        assert line["score"] == pytest.approx(100 * rows[line["method"]].mean)
        assert line["command"].startswith("leangnn run --dataset cora") and "--splits 0-9" in line["command"]
    best = max(rows.values(), key=lambda row: row.mean)
    assert page.metric[0].value == percent(best.mean)


def test_as_measured_the_cost_has_an_interval_too(opened: Open, filled: Path) -> None:
    page = opened(filled, against="Peak memory", scale="as measured")
    (drawn,) = points(page)
    assert [line["cost"] for line in drawn] == [1.0, 1.0]  # megabytes
    assert all(line["cost_low"] <= line["cost"] <= line["cost_high"] for line in drawn)
    spec = json.loads(page.get("vega_lite_chart")[0].proto.spec)
    assert "megabytes" in spec["layer"][0]["encoding"]["x"]["title"]


def test_a_picture_for_each_dataset(opened: Open, filled: Path) -> None:
    page = opened(filled, picture=["cora", "pubmed"], scale="ratio to full batch")
    assert [{line["method"] for line in drawn} for drawn in points(page)] == [
        {"gcn+sgc", "gcn+full_batch"}, {"sage+full_batch"}
    ]  # fmt: skip
    assert not page.metric


def test_a_cost_that_nobody_measured_says_so(opened: Open, filled: Path) -> None:
    page = opened(filled, against="Energy")
    assert "No method of this dataset has both a metric and this cost" in said(page)


def test_what_a_url_invents_is_named(opened: Open, filled: Path) -> None:
    page = opened(filled, picture="<script>", against="x", scale="y")
    named = " ".join(info.value for info in page.info)
    assert "against\\=x" in named or "against=x" in named
    assert "<script>" not in named
    assert len(points(page)) == 1


def test_filters_that_match_nothing_and_an_empty_store(opened: Open, filled: Path, tmp_path: Path) -> None:
    assert "No row matches" in said(opened(filled, dataset=["pubmed"], backbone=["gcn"]))
    assert "No results yet" in said(opened(tmp_path / "none.duckdb"))


PROTOCOLS = {
    "cora": ("gcn+sgc", Protocol(threads=2)),
    "citeseer": (
        "gcn+full_batch+qlr(bits=2)",
        Protocol("adamw", 5e-4, 1e-3, clip=1.0, epochs=None, seconds=12.5, evaluate_every=5, patience=20, target=0.8,
                 select_by="balanced_accuracy", dynamics_every=None, matmul_precision="high", threads=1, jobs=2),
    ),
    "pubmed": ("sage+neighbor_sampling", Protocol(epochs=50, seconds=3.0, decay=0.5, processes=2, threads=4)),
}  # fmt: skip


def test_the_command_of_a_point_repeats_its_method_and_protocol(
    opened: Open,
    fill: Callable[..., Path],
    trial: Callable[..., TrialRecord],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored = [
        trial(method, split, dataset=dataset, seed=3, protocol=protocol.key(), protocol_settings=protocol.settings())
        for dataset, (method, protocol) in PROTOCOLS.items()
        for split in (0, 1, 4)
    ]
    page = opened(fill(tmp_path / "results.duckdb", *stored), picture=list(PROTOCOLS), scale="as measured")
    commands = [point["command"] for drawn in points(page) for point in drawn]
    assert len(commands) == len(PROTOCOLS)
    for command in commands:
        planned = _planned(command, monkeypatch)
        method, protocol = PROTOCOLS[planned[0].dataset]
        own = [each for each in planned if each.method.name == method]
        assert {each.protocol.key() for each in own} == {protocol.key()}
        assert [(each.split, each.seed) for each in own] == [(0, 3), (1, 3), (4, 3)]


def _planned(command: str, monkeypatch: pytest.MonkeyPatch) -> list[PlannedTrial]:
    """The trials that the command line would run, as the runner settles them."""
    found: list[PlannedTrial] = []

    def run(trials: Sequence[PlannedTrial], options: runner.Options, listener: object) -> runner.Report:
        found.extend(runner._with_its_share(each, options) for each in trials)
        return runner.Report()

    monkeypatch.setattr(cli_run, "run", run)
    program, *words = shlex.split(command)
    finished = CliRunner().invoke(cli.app, words, catch_exceptions=False)
    assert (program, finished.exit_code) == ("leangnn", 0), finished.output
    return found
