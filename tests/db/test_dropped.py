"""A server that drops connections, goes away and comes back, or was never there."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, func, select

from db.errors import StoreError
from db.read import Reader
from db.schema import Trial
from db.store import Store, record_trial


def _pid(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


@contextmanager
def _away(server, mode: str, seconds: float) -> Iterator[None]:
    """The server is stopped as the block begins, started `seconds` later, and runs when the block has ended."""
    server.stop(mode)
    back = threading.Timer(seconds, server.start)
    back.start()
    try:
        yield
    finally:
        back.join()


@pytest.mark.parametrize("when", ["before the first statement", "before the last statement", "before the commit"])
def test_a_connection_that_is_killed_is_opened_again_and_nothing_is_lost(
    server, server_url: str, samples, when: str
) -> None:
    store, killed = Store(server_url), []
    samples.fill(store, samples.trial())

    def work(connection: Connection) -> bool:
        def kill(moment: str) -> None:
            if moment == when and len(killed) < 3:
                killed.append(pid := _pid(connection))
                server.run(f"SELECT pg_terminate_backend({pid}, 5000)")

        kill("before the first statement")
        record_trial(connection, samples.trial(split=1), samples.dataset(), samples.method())
        kill("before the last statement")
        stored = record_trial(connection, samples.trial(split=2), samples.dataset(), samples.method())
        kill("before the commit")
        return stored

    assert store.write(work)
    assert len(set(killed)) == 3
    assert [(trial.split, trial.attempt) for trial in Reader(server_url).trials()] == [(0, 1), (1, 1), (2, 1)]
    assert len(Reader(server_url).curves()) == 3


def test_a_connection_that_is_always_killed_ends_in_a_sentence(server, server_url: str, samples) -> None:
    store = Store(server_url)
    samples.fill(store)
    with pytest.raises(StoreError, match="the server dropped the connection to"):
        store.write(lambda connection: server.run(f"SELECT pg_terminate_backend({_pid(connection)}, 5000)"))


def test_connections_that_are_killed_while_trials_are_stored_lose_none(server, server_url: str, samples) -> None:
    store, reader, count = Store(server_url), Reader(server_url), 40
    samples.fill(store)
    name = server_url.rpartition("/")[2]
    kill = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"

    def write() -> None:
        for split in range(count):
            assert store.record_trial(samples.trial(split=split), samples.dataset(), samples.method())

    kills = 0
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        while not writing.done():
            kills += len(server.run(kill))
            assert reader.overview().exists
            time.sleep(0.02)
        writing.result()
    assert kills > 0
    assert [trial.split for trial in reader.trials()] == list(range(count))
    assert len(reader.curves()) == count


def test_a_connection_stuck_in_a_pipeline_is_dropped_and_nothing_is_lost(server_url: str, samples, monkeypatch) -> None:
    psycopg = pytest.importorskip("psycopg")
    store, whole, stuck = Store(server_url), psycopg.Cursor.executemany, []
    samples.fill(store, samples.trial())

    def once(cursor, *args, **settings) -> None:
        if not stuck:
            stuck.append(cursor.connection.info.backend_pid)
            raise psycopg.OperationalError("sending query failed: cannot exit pipeline mode while busy")
        whole(cursor, *args, **settings)

    monkeypatch.setattr(psycopg.Cursor, "executemany", once)
    assert store.record_trial(samples.trial(split=1), samples.dataset(), samples.method())
    assert len(stuck) == 1
    assert [trial.split for trial in Reader(server_url).trials()] == [0, 1]
    assert len(Reader(server_url).curves()) == 2


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_is_started_again_is_waited_for(server, server_url: str, samples, mode: str) -> None:
    store, reader = Store(server_url), Reader(server_url)
    samples.fill(store, samples.trial())
    assert len(reader.trials()) == 1
    with _away(server, mode, seconds=0.3):
        # as the runner does, which opens the store with more patience for the rows of a run
        another = Store(server_url, deadline=600)
        assert another.record_trial(samples.trial(split=1), samples.dataset(), samples.method())
    assert store.record_trial(samples.trial(split=2), samples.dataset(), samples.method())
    assert store.statuses(["gcn+full_batch/1"])
    assert [trial.split for trial in reader.trials()] == [0, 1, 2]


def test_a_server_that_stays_away_is_given_up_and_what_was_stored_stays(server, server_url: str, samples) -> None:
    store, reader = Store(server_url, deadline=0.1), Reader(server_url, deadline=0.1)
    samples.fill(store, samples.trial())
    with _away(server, "immediate", seconds=1.0):
        for work in (lambda: samples.fill(store, samples.trial(split=1)), reader.trials):
            with pytest.raises(StoreError, match="no database server answers at 'postgresql"):
                work()
    assert [trial.split for trial in Reader(server_url).trials()] == [0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("/t", "/none_"), "does not exist on the server; create it first"),
        (("postgres@", "stranger@"), "does not let this user into"),
        (("127.0.0.1", "nowhere.invalid"), "no database server answers"),
    ],
    ids=["database", "user", "host"],
)
def test_a_wrong_url_is_one_sentence_at_once(server_url: str, samples, change: tuple[str, str], said: str) -> None:
    wrong = server_url.replace(*change)
    # nobody waits for a server that never answered
    for work in (lambda: samples.fill(Store(wrong, deadline=600)), lambda: Reader(wrong, deadline=600).trials()):
        with pytest.raises(StoreError, match=said) as caught:
            work()
        assert "\n" not in str(caught.value)


def test_a_socket_without_a_server_is_no_missing_folder(samples) -> None:
    with pytest.raises(StoreError, match="no database server answers"):
        samples.fill(Store("postgresql://postgres@/leangnn?host=/nowhere"))


def test_many_make_the_tables_of_an_empty_server_at_once(server_url: str, samples) -> None:
    together = threading.Barrier(6)

    def make(number: int) -> None:
        together.wait()
        Store(server_url).record_session(samples.machine(), samples.session(session_id=f"s{number}"))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(make, range(6)))
    assert sorted(session.session_id for session in Reader(server_url).sessions()) == [f"s{n}" for n in range(6)]


def test_the_queries_of_one_reading_see_one_moment(server_url: str, samples) -> None:
    store = Store(server_url)
    samples.fill(store, samples.trial())
    count = select(func.count(Trial.trial_id))

    def work(connection: Connection) -> tuple[int | None, int | None]:
        first = connection.scalar(count)
        samples.fill(store, samples.trial(split=1))
        return first, connection.scalar(count)

    assert Reader(server_url).read(work, (None, None)) == (1, 1)
    assert len(Reader(server_url).trials()) == 2


def test_a_reading_writes_nothing(url: str, samples) -> None:
    samples.fill(Store(url), samples.trial())
    with pytest.raises(StoreError, match="read-only"):
        Reader(url).read(lambda connection: connection.exec_driver_sql("DELETE FROM trials"), None)
    assert len(Reader(url).trials()) == 1


def test_few_connections_are_left_open(server, server_url: str, samples) -> None:
    name = server_url.rpartition("/")[2]
    store = Store(server_url)
    for split in range(3):
        samples.fill(store, samples.trial(split=split))
    open_now = f"SELECT pid FROM pg_stat_activity WHERE datname = '{name}'"
    assert len(server.run(open_now)) == 1
    del store
    assert len(server.run(open_now)) == 0
