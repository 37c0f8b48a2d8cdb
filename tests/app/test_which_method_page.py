"""The page that advises on a method as Streamlit draws it, on a real database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.testing.v1 import AppTest

from db.records import DatasetRecord, MachineRecord, MethodRecord, SessionRecord, Status, TrialRecord
from db.store import Store, record_trial

Open = Callable[..., AppTest]

HOSTILE = "gcn+<script>alert(1)</script>"
PICTURE = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256))
GRAPHS = {
    "small": DatasetRecord("small", "1", "ab", 1000, 8000, 100, 5, 1, "node", "accuracy", 0.9, 0.8),
    "large": DatasetRecord("large", "1", "cd", 100_000, 800_000, 100, 5, 1, "node", "accuracy", 0.2, 0.1),
}


def page_alone() -> None:
    from app import source
    from app.views import which_method

    which_method.render(source.reader(source.store_name()))


@pytest.fixture
def opened(open_store: Open) -> Open:
    """Open the page on a store, with the words of a URL."""
    return lambda store, **query: open_store(AppTest.from_function(page_alone, default_timeout=30), store, **query)


@pytest.fixture
def store(trial: Callable[..., TrialRecord], tmp_path: Path) -> Path:
    """Two graphs: on the small one the method of the hostile name is best, on the large one sgc is."""
    door = Store(tmp_path / "advice.duckdb")
    session = SessionRecord("s1", "laptop", trial().started_at, "quick", "leangnn run quick", "abc123")
    door.record_session(MachineRecord("laptop", "Acme 1", 2, 2**34), session)
    metrics = {"small": (0.80, 0.70, 0.90), "large": (0.60, 0.75, 0.50)}

    def work(connection: Connection) -> None:
        for name, graph in GRAPHS.items():
            for method, metric in zip(("gcn+full_batch", "gcn+sgc", HOSTILE), metrics[name], strict=True):
                record = MethodRecord(method, "gcn", method[4:], None, None, "training", "gcn+full_batch")
                peak = 10_000_000 if name == "small" else 500_000_000
                for split in range(2):
                    values = {"dataset": name, "test_metric": metric + 0.001 * split, "peak_memory_bytes": peak}
                    record_trial(connection, trial(method, split, curve=(), **values), graph, record)

    door.write(work)
    return tmp_path / "advice.duckdb"


def said(page: AppTest) -> str:
    elements = [*page.markdown, *page.subheader, *page.code, *page.info, *page.caption]
    elements += [*page.warning, *page.error, *page.success]
    return "\n".join(str(element.value) for element in elements)


def ranked(page: AppTest) -> list[str]:
    return list(page.dataframe[1].value["method"])


def measure(page: AppTest, edges: bytes | None, labels: bytes | None = None) -> AppTest:
    for uploader, content in zip(page.file_uploader, (edges, labels), strict=True):
        if content is not None:
            uploader.upload("graph.csv", content, "text/csv")
    next(button for button in page.button if button.label == "Measure").click().run()
    assert not page.exception
    return page


def test_nothing_is_advised_before_something_is_known(opened: Open, store: Path) -> None:
    page = opened(store)
    assert "Type in at least one number" in said(page) and not page.dataframe


def test_the_nearest_graph_decides(opened: Open, store: Path) -> None:
    small = opened(store, nodes="1200", weight_time="0", weight_memory="0")
    assert small.dataframe[0].value["graph"].tolist() == ["small", "large"]
    assert ranked(small) == [HOSTILE, "gcn+full_batch", "gcn+sgc"]
    assert f"leangnn run --dataset my-graph.toml --method '{HOSTILE}'" in [code.value for code in small.code]
    assert not small.warning
    large = opened(store, nodes="90000", weight_time="0", weight_memory="0")
    assert ranked(large)[0] == "gcn+sgc"
    assert "1.2x the nodes" in small.dataframe[0].value["differs"][0]


def test_a_graph_like_none_is_warned_of(opened: Open, store: Path) -> None:
    page = opened(store, nodes="1000000000")
    assert "is far" in page.warning[0].value and ranked(page)


def test_memory_is_bounded_and_a_cap_moves_methods_last(opened: Open, store: Path) -> None:
    whole = {"nodes": "2000", "edges": "8000", "features": "100", "classes": "5"}
    page = opened(store, **whole)
    table = page.dataframe[1].value.set_index("method")
    # twice the nodes and entries of the small graph, so full batch needs 10 to 20 MB; others at least 10, and no more
    # than on the large one
    assert table.loc["gcn+full_batch", "here"] == "10 MB to 20 MB"
    assert table.loc["gcn+sgc", "here"] == "10 MB to 500 MB"
    capped = opened(store, **whole, cap="5").dataframe[1].value.set_index("method")
    assert capped["fits"].tolist() == ["no"] * 3
    capped = opened(store, **whole, cap="25").dataframe[1].value.set_index("method")
    assert capped.loc["gcn+full_batch", "fits"] == "yes" and capped.loc["gcn+sgc", "fits"] == "cannot be said"
    assert "give nodes, edges, features and classes" in said(opened(store, nodes="2000"))


def test_what_nobody_measured_has_no_say(opened: Open, store: Path) -> None:
    page = opened(store, nodes="1000", weight_energy="3")
    assert "Nothing of energy was measured" in said(page) and ranked(page)
    nothing = opened(store, nodes="1000", **{f"weight_{name}": "0" for name in ("accuracy", "time", "memory")})
    assert "Give at least one" in said(nothing) and len(nothing.dataframe) == 1


def test_an_edge_list_fills_in_the_numbers_and_is_thrown_away(
    opened: Open, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed, remove = [], MemoryUploadedFileManager.remove_file

    def record(manager: MemoryUploadedFileManager, session_id: str, file_id: str) -> None:
        removed.append(file_id)
        remove(manager, session_id, file_id)

    monkeypatch.setattr(MemoryUploadedFileManager, "remove_file", record)
    page = measure(opened(store), b"0,1\n1,2\n2,3\n3,3\n", b"a\na\nb\nb\n")
    values = {number.label: number.value for number in page.number_input}
    assert (values["Nodes"], values["Edges"], values["Classes"]) == (4, 3, 2)
    assert values["Edge homophily"] == pytest.approx(0.6667)
    assert "4 nodes, 3 edges, average degree 1.50" in page.success[0].value.replace("\\", "")
    assert "adjusted homophily 0.333" in page.success[0].value.replace("\\", "")
    assert "".join(page.query_params["nodes"]) == "4" and ranked(page)
    assert len(set(removed)) == 2


@pytest.mark.parametrize(
    ("edges", "labels", "words"),
    [
        (None, None, "Choose an edge list first"),
        (PICTURE, None, "not UTF-8 text"),
        (b"", None, "is empty"),
        (b"0\n1\n", None, "one column"),
        (b"0,1\n-3,1\n", None, "Line 2 of the edge list has '-3'"),
        (b"0,1\n=cmd|x,1\n", None, "=cmd|x"),
        (b"0,1\n", b"\xff\xfe", "label file is not UTF-8 text"),
        (b"0,1\n<script>,2\n", None, "Line 2"),
    ],
)
def test_a_bad_upload_is_one_sentence(
    opened: Open, store: Path, edges: bytes | None, labels: bytes | None, words: str
) -> None:
    page = measure(opened(store), edges, labels)
    assert words in page.error[0].value.replace("\\", "") and "<script>" not in page.error[0].value
    assert all(number.value is None for number in page.number_input)


def test_what_a_url_invents_is_named(opened: Open, store: Path) -> None:
    bad = {"nodes": "many", "edges": "-4", "homophily": "7", "cap": "1e99", "weight_time": "9", "classes": "<script>"}
    page = opened(store, **bad, features="100")
    named = page.info[0].value
    assert "<script>" not in named and "features" not in named
    assert all(f"{name}=" in named.replace("\\", "") for name in bad)
    assert ranked(page)


def test_numbers_that_cannot_be_together(opened: Open, store: Path) -> None:
    page = opened(store, nodes="3", edges="4")
    assert "3 nodes cannot have 4 edges" in page.warning[0].value and not page.dataframe


def test_markup_in_a_name_is_shown_as_text(opened: Open, store: Path) -> None:
    page = opened(store, nodes="1000")
    assert HOSTILE in ranked(page)
    assert "<script>" not in "\n".join(element.value for element in [*page.markdown, *page.caption, *page.info])


def test_several_machines_are_not_mixed(opened: Open, store: Path, trial: Callable[..., TrialRecord]) -> None:
    door = Store(store)
    session = SessionRecord("s2", "server", trial().started_at, "quick", "leangnn run quick", "abc123")
    door.record_session(MachineRecord("server", "Acme 9", 64, 2**38), session)
    fields: dict[str, Any] = {"machine_id": "server", "session_id": "s2", "dataset": "small", "seconds": 0.5}
    method = MethodRecord("gcn+full_batch", "gcn", "full_batch", None, None, "training", "gcn+full_batch")
    own = trial(**fields, trial_id="x", fingerprint="x")
    door.record_trial(own, GRAPHS["small"], method)
    assert len(ranked(opened(store, nodes="1000"))) == 3
    page = opened(store, nodes="1000", machine="cpu · Acme 9, 64 cores")
    assert ranked(page) == ["gcn+full_batch"]
    assert page.dataframe[0].value["graph"].tolist() == ["small"]


def test_a_failure_near_by_is_marked(opened: Open, store: Path, trial: Callable[..., TrialRecord]) -> None:
    method = MethodRecord("gcn+broken", "gcn", "broken", None, None, "training", "gcn+full_batch")
    own = trial(method.name, dataset="small", status=Status.OUT_OF_MEMORY, test_metric=None, reason="too large")
    Store(store).record_trial(own, GRAPHS["small"], method)
    table = opened(store, nodes="1000").dataframe[1].value
    assert table["method"].tolist()[-1] == "gcn+broken"
    assert list(table["marks"].iloc[-1]) == ["failed on small", "not run on 1 of the graphs"]
    assert list(table["marks"].iloc[0]) == ["provisional"]


def test_a_store_without_trials(opened: Open, tmp_path: Path) -> None:
    assert "No results yet" in said(opened(tmp_path / "none.duckdb"))
