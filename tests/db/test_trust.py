"""The trust ladder: who may go where, what a step changes, and what a retraction marks."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from db import trust
from db.bundle import records
from db.bundle.plausibility import read_contents
from db.bundle.read import Bundle
from db.bundle.records import Addition
from db.database import Database, TransientError
from db.errors import StoreError
from db.read import Reader
from db.records import Trust
from db.schema import MethodCard
from db.snapshot import export_snapshot, import_snapshot
from db.store import Store
from db.submitted import named, submitted

SMALL = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("bundle") / "small_bundle.py")))
BY = {"who": "rita", "why": "read the report"}
Make = Callable[..., Addition]


@pytest.fixture
def make(samples: Any) -> Make:
    """Make the records of a bundle of `backbone+sgc`, derived from another method or from none."""

    def addition(backbone: str = "gcn", derived_from: str | None = None, **changes: Any) -> Addition:
        method, card = {"backbone": backbone, "strategy": "sgc"}, {"authors": "A", "derived_from": derived_from}
        with Bundle(SMALL.zipped(*SMALL.small(method=method, card=card, **changes))) as bundle:
            return records.addition(
                bundle.submission_id,
                bundle.manifest,
                read_contents(bundle).curves,
                {"cora": samples.dataset()},
                {"p": records.Protocol("p1", {"epochs": 2})},
                records.claimed(bundle.manifest),
            )

    return addition


def add(url: str | Path, addition: Addition) -> str:
    trust.add(Store(url), addition, {"refused": False}, "ada", "sent by mail")
    return addition.submission_id


def states(url: str | Path) -> dict[str, str]:
    """The newest state by method."""
    return {item.record.method: item.newest.state.value for item in submitted(url)}


def test_a_bundle_is_stored_whole_as_self_reported(url: str, make: Make) -> None:
    addition = make()
    add(url, addition)
    trials = Reader(url).trials()
    assert [trial.trust for trial in trials] == [Trust.SELF_REPORTED] * 4
    assert {trial.machine_id for trial in trials} == {records.machine_id(addition.submission_id)}
    assert len(Reader(url).curves()) == 4
    [item] = submitted(url)
    assert (item.record.submitter, item.record.method, item.record.report) == (
        "A. Person",
        "gcn+sgc",
        {"refused": False},
    )
    assert [(event.state, event.who, event.why) for event in item.events] == [("self_reported", "ada", "sent by mail")]


def test_each_step_is_kept_and_the_newest_holds(url: str, make: Make) -> None:
    word = add(url, make())[:12]
    trust.move(Store(url), word, Trust.CHECKED, **BY)
    trust.move(Store(url), word, Trust.DISPUTED, who="otto", why="cannot be")
    trust.move(Store(url), word, Trust.REPRODUCED, who="rita", why="ran it", evidence={"n": 10})
    [item] = submitted(url)
    assert [event.state.value for event in item.events] == ["self_reported", "checked", "disputed", "reproduced"]
    assert [event.who for event in item.events] == ["ada", "rita", "otto", "rita"]
    assert item.newest.evidence == {"n": 10}
    assert all(first.at < second.at for first, second in zip(item.events, item.events[1:], strict=False))
    assert {trial.trust for trial in Reader(url).trials()} == {Trust.REPRODUCED}
    assert {row.trust for row in Reader(url).board()} == {"reproduced"}


def test_a_step_whose_answer_was_lost_is_not_taken_twice(url: str, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first commit of each write is stored, and its writer hears of a dropped connection."""
    write = Database.writing
    lost: list[str] = []

    @contextmanager
    def forgetful(self: Database, deadline: float = 1.0) -> Iterator[Any]:
        with write(self, deadline) as connection:
            yield connection
        if not lost:
            lost.append(self.name)
            raise TransientError("the server dropped the connection")

    Store(url).write(lambda connection: None)
    monkeypatch.setattr(Database, "writing", forgetful)
    word = add(url, make())
    assert lost.pop()
    trust.move(Store(url), word, Trust.CHECKED, **BY)
    assert lost.pop()
    moved = trust.move(Store(url), word, Trust.REPRODUCED, **BY, evidence={"n": 10})
    assert lost
    [item] = submitted(url)
    assert [event.state.value for event in item.events] == ["self_reported", "checked", "reproduced"]
    assert [step.event_id for step in moved] == [item.newest.event_id]


def test_a_rejected_submission_leaves_its_record_and_no_trial(url: str, make: Make, samples: Any) -> None:
    samples.fill(Store(url), samples.trial())
    addition = make()
    add(url, addition)
    trust.move(Store(url), addition.submission_id, Trust.REJECTED, who="rita", why="copied")
    assert [trial.machine_id for trial in Reader(url).trials()] == ["laptop"]
    assert list(Reader(url).curves()) == ["gcn+full_batch/0"]
    assert states(url) == {"gcn+sgc": "rejected"}
    with pytest.raises(StoreError, match=r"is in the store already, as rejected since .* \(copied\)"):
        add(url, addition)


@pytest.mark.parametrize(
    ("before", "state"),
    [((), Trust.REPRODUCED), ((Trust.CHECKED,), Trust.REJECTED), ((Trust.RETRACTED,), Trust.CHECKED),
     ((Trust.REJECTED,), Trust.CHECKED), ((), Trust.MEASURED_HERE), ((Trust.CHECKED,), Trust.SELF_REPORTED)],
)  # fmt: skip
def test_steps_that_are_not_possible(path: Path, make: Make, before: tuple[Trust, ...], state: Trust) -> None:
    word = add(path, make())
    for step in before:
        trust.move(Store(path), word, step, **BY)
    count = len(submitted(path)[0].events)
    with pytest.raises(StoreError, match=f"cannot become {state.value}; possible: "):
        trust.move(Store(path), word, state, **BY)
    assert len(submitted(path)[0].events) == count


def test_a_step_needs_who_and_why(path: Path, make: Make) -> None:
    word = add(path, make())
    with pytest.raises(StoreError, match="needs who took it and why"):
        trust.move(Store(path), word, Trust.CHECKED, who="rita", why=" ")


def test_names_of_submissions(path: Path, make: Make) -> None:
    first = add(path, make())
    every = submitted(path)
    assert named(first[:6], every).record.submission_id == first
    with pytest.raises(StoreError, match="too short"):
        named(first[:5], every)
    with pytest.raises(StoreError, match="no submission begins with 'zzzzzz'"):
        named("zzzzzz", every)
    with pytest.raises(StoreError, match="2 submissions begin with"):
        named(first[:6], [*every, *every])


def test_a_retraction_marks_everything_derived_from_it_and_nothing_else(url: str, make: Make) -> None:
    chain = [("gcn", None), ("gat", "gcn+sgc"), ("gin", "gat+sgc"), ("sage", None), ("mlp", "sage+sgc")]
    ids = [add(url, make(backbone, parent)) for backbone, parent in chain]
    trust.move(Store(url), ids[2], Trust.CHECKED, **BY)
    events = trust.move(Store(url), ids[0], Trust.RETRACTED, who="ada", why="a bug in the labels")
    assert [event.state.value for event in events] == ["retracted", "disputed", "disputed"]
    assert states(url) == {
        "gcn+sgc": "retracted",
        "gat+sgc": "disputed",
        "gin+sgc": "disputed",
        "sage+sgc": "self_reported",
        "mlp+sgc": "self_reported",
    }
    assert {(row.method, row.trust) for row in Reader(url).board() if row.strategy == "sgc"} == set(states(url).items())
    why = named(ids[2], submitted(url)).newest.why
    assert why == "derived from gcn+sgc, which was retracted"


def test_what_is_derived_from_something_retracted_is_disputed_when_it_arrives(path: Path, make: Make) -> None:
    trust.move(Store(path), add(path, make("gcn")), Trust.RETRACTED, **BY)
    add(path, make("gat", "gcn+sgc"))
    add(path, make("gin", "gat+sgc"))
    assert states(path) == {"gcn+sgc": "retracted", "gat+sgc": "disputed", "gin+sgc": "disputed"}
    assert {t.trust for t in Reader(path).trials(method="gin+sgc")} == {Trust.DISPUTED}


def test_cards_that_go_round_in_circles_end(path: Path, make: Make) -> None:
    first, second = add(path, make("gcn", "gat+sgc")), add(path, make("gat", "gcn+sgc"))
    trust.move(Store(path), first, Trust.RETRACTED, **BY)
    assert [named(word, submitted(path)).newest.state.value for word in (first, second)] == ["retracted", "disputed"]


def test_only_an_approved_card_reaches_what_was_measured_here(path: Path, make: Make, samples: Any) -> None:
    samples.fill(Store(path), samples.trial("gat+sgc"), samples.trial("gcn+full_batch"))
    gcn, gat = add(path, make("gcn")), add(path, make("gat", "gcn+sgc"))
    trust.move(Store(path), gcn, Trust.RETRACTED, **BY)
    here = {"machine_id": "laptop"}
    assert {trial.trust for trial in Reader(path).trials(**here)} == {Trust.MEASURED_HERE}
    trust.move(Store(path), gat, Trust.CHECKED, **BY)
    with Database(path).reading() as connection:
        assert connection.execute(MethodCard.__table__.select()).one().derived_from == "gcn+sgc"
    trust.move(Store(path), add(path, make("gcn", submitter="B")), Trust.RETRACTED, **BY)
    by_method = {trial.method: trial.trust for trial in Reader(path).trials(**here)}
    assert by_method == {"gat+sgc": Trust.DISPUTED, "gcn+full_batch": Trust.MEASURED_HERE}


def test_what_was_measured_here_can_be_disputed_and_given_back(path: Path, samples: Any) -> None:
    samples.fill(Store(path), samples.trial())
    trust.move(Store(path), "gcn+full_batch", Trust.DISPUTED, who="rita", why="a warm machine")
    samples.fill(Store(path), samples.trial(split=1))
    assert [trial.trust.value for trial in Reader(path).trials()] == ["disputed", "disputed"]
    [event] = trust.move(Store(path), "gcn+full_batch", Trust.CHECKED, **BY)
    assert (event.submission_id, event.state) == (None, Trust.MEASURED_HERE)
    assert {trial.trust for trial in Reader(path).trials()} == {Trust.MEASURED_HERE}


def test_a_submission_cannot_touch_what_was_measured_here(path: Path, make: Make, samples: Any) -> None:
    samples.fill(
        Store(path), *(samples.trial(method, split) for method in ("gcn+full_batch", "gcn+sgc") for split in (0, 1))
    )
    before = [row for row in Reader(path).board() if row.machine_id == "laptop"]
    add(path, make())
    after = [row for row in Reader(path).board() if row.machine_id == "laptop"]
    figures = ("method", "mean", "n", "time_ratio", "memory_ratio", "trust", "pareto", "scored_seconds")
    assert [[getattr(row, name) for name in figures] for row in after] == [
        [getattr(row, name) for name in figures] for row in before
    ]


def test_a_method_that_is_known_as_something_else_is_refused(path: Path, make: Make, samples: Any) -> None:
    store = Store(path)
    store.record_session(samples.machine(), samples.session())
    store.record_trial(samples.trial("gcn+sgc"), samples.dataset(), samples.method("gcn+sgc", track="low_bit"))
    content = path.read_bytes()
    assert (
        trust.refusal(path, make()) == "the store knows 'gcn+sgc' as made of other parts; give the method another name"
    )
    assert path.read_bytes() == content
    with pytest.raises(StoreError, match="made of other parts"):
        add(path, make())
    assert submitted(path) == []


def test_a_snapshot_carries_submissions_and_the_newest_step_wins(path: Path, make: Make, tmp_path: Path) -> None:
    first, second = add(path, make("gcn")), add(path, make("gat"))
    other, before, folder = tmp_path / "other.duckdb", tmp_path / "before", tmp_path / "after"
    export_snapshot(path, before)
    import_snapshot(other, before)
    assert submitted(other) == submitted(path)
    trust.move(Store(path), first, Trust.CHECKED, **BY)
    trust.move(Store(path), second, Trust.REJECTED, **BY)
    export_snapshot(path, folder)
    import_snapshot(other, folder)
    assert submitted(other) == submitted(path)
    assert {(trial.method, trial.trust.value) for trial in Reader(other).trials()} == {
        ("gcn+sgc", "checked"),
        ("gcn+full_batch", "checked"),
    }
    assert set(import_snapshot(other, folder).values()) == {0}
    # a snapshot from before the rejection does not bring the trials back
    import_snapshot(other, before)
    assert Reader(other).trials(method="gat+sgc") == []


def test_a_store_without_submissions_lists_none(path: Path, samples: Any) -> None:
    assert submitted(path) == []
    assert not path.exists()
    samples.fill(Store(path))
    assert submitted(path) == []
