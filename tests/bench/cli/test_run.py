"""`leangnn run`: what it says, its exit codes, and that neither Ctrl-C nor a kill loses or doubles a row."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli.run import chosen_suite, command_line
from bench.cli.words import Wanted
from db.read import Reader
from db.records import Status

GRID = "minesweeper-grid(side=12)"
SMALL = "gcn(layers=2,hidden=8)"
# the checkout may be edited while the tests run, which would make every trial a new one
COMMAND = """
from bench.meters import hardware
hardware.code_version = lambda: "under test"
{quickly}
from bench.cli.main import main
main()
"""
WITHOUT_CALIBRATION = "from bench import runner; runner.calibrate = lambda options: None"
PATIENCE = 120.0


class Running:
    """`leangnn run` on one store in a process of its own."""

    def __init__(
        self, environment: dict[str, str], store: Path, *words: str, quickly: str = WITHOUT_CALIBRATION
    ) -> None:
        self.scratch = store.parent / "scratch"
        self.scratch.mkdir(exist_ok=True)
        command = [sys.executable, "-c", COMMAND.format(quickly=quickly), "run", "--dataset", GRID, "--epochs", "3"]
        self.process = subprocess.Popen(
            [*command, "--threads", "1", "--db", str(store), *words], stderr=subprocess.PIPE, text=True,
            env={**environment, "TMPDIR": str(self.scratch)},
        )  # fmt: skip

    def wait_for(self, happened: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not happened():
            assert self.process.poll() is None, self.process.stderr and self.process.stderr.read()
            assert time.monotonic() < end, "what was waited for did not happen"
            time.sleep(0.02)

    def trials(self) -> list[int]:
        """Running processes of trials of this store's runs."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes()
            except OSError:
                continue
            if b"bench.trial" in words and os.fsencode(self.scratch) in words:
                found.append(int(entry.parent.name))
        return found

    def has_started(self, number: int) -> bool:
        """Whether the trial with this position has its folder."""
        return any(self.scratch.glob(f"leangnn-*/{number:06d}/log"))

    def end(self) -> tuple[int, str]:
        assert self.process.stderr is not None
        with self.process.stderr:
            said = self.process.stderr.read()
        return self.process.wait(PATIENCE), said

    def kill(self) -> None:
        self.process.kill()
        self.end()
        end = time.monotonic() + PATIENCE
        while self.trials():  # the trial notices by itself that nobody waits for it
            assert time.monotonic() < end, "a trial outlived its runner"
            time.sleep(0.02)
        for folder in self.scratch.glob("leangnn-*"):
            folder.rename(self.scratch.parent / f"left-by-{self.process.pid}")


@pytest.mark.slow
def test_ctrl_c_stores_what_finished_and_what_ran_and_leaves_nothing(
    tmp_path: Path, child_environment: dict[str, str]
) -> None:
    store = tmp_path / "s.duckdb"
    words = ("--method", SMALL, "--method", f"{SMALL}+never_ends")
    running = Running(child_environment, store, *words, quickly="")
    running.wait_for(lambda: running.has_started(1) and len(running.trials()) == 1)
    running.process.send_signal(signal.SIGINT)
    code, said = running.end()
    assert code == 130
    assert "[1/2]" in said
    assert f"[2/2] {GRID}  {SMALL}+never_ends  split 0 seed 0  interrupted: the run was stopped" in said
    assert running.trials() == []
    assert list(running.scratch.glob("leangnn-*")) == []
    rows = {row.method: row for row in Reader(store).trials()}
    assert rows[f"{SMALL}+full_batch"].status is Status.FINISHED
    assert rows[f"{SMALL}+never_ends"].status is Status.INTERRUPTED
    assert rows[f"{SMALL}+never_ends"].test_metric is None
    [session] = Reader(store).sessions()
    assert session.finished_at is not None
    assert session.calibration_before and min(session.calibration_before.values()) > 0


@pytest.mark.slow
def test_a_killed_run_that_is_started_again_ends_with_the_same_rows(
    tmp_path: Path, child_environment: dict[str, str]
) -> None:
    store = tmp_path / "s.duckdb"
    words = ("--method", SMALL, "--seeds", "0-1")
    moments = (
        lambda running: store.exists(),
        lambda running: running.has_started(0) and running.trials(),
        # the second trial begins while the first one's row is written
        lambda running: running.has_started(1),
    )
    for moment in moments:
        running = Running(child_environment, store, *words)
        running.wait_for(lambda running=running, moment=moment: bool(moment(running)))
        running.kill()
    code, said = Running(child_environment, store, *words).end()
    assert code == 0, said
    rows = Reader(store).trials()
    assert sorted((row.method, row.split, row.seed) for row in rows) == [
        (f"{SMALL}+full_batch", 0, seed) for seed in (0, 1)
    ]
    assert {row.status for row in rows} == {Status.FINISHED}
    assert len({row.fingerprint for row in rows}) == 2
    assert all(len(Reader(store).curves([row.trial_id])[row.trial_id].epoch) == 3 for row in rows)


def test_a_failed_trial_is_told_as_json_with_exit_code_1(cli) -> None:
    said = cli("run", "--dataset", GRID, "--method", SMALL, "--threads", 1, "--timeout", 1, "--json")
    assert said.code == 1
    [row] = said.json
    assert row == {
        "dataset": GRID, "method": f"{SMALL}+full_batch", "split": 0, "seed": 0, "status": "timed_out",
        "reason": "killed after 1 s of wall time", "test_metric": None,
    }  # fmt: skip
    lines = said.error.splitlines()
    assert lines[0] == "1 trials to run"
    assert lines[1].endswith("timed_out: killed after 1 s of wall time")


def test_a_suite_of_ones_own_is_narrowed_and_changed_by_words(cli, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(
        f'question = "?"\nseeds = [0, 1]\n[protocol]\nepochs = 9\n'
        f'[[run]]\ndatasets = ["{GRID}", "digits-knn"]\nmethods = ["mlp", "gcn"]\n'
    )
    words = ("run", mine, "--dataset", GRID, "--method", SMALL, "--seeds", 5, "--epochs", 4)
    assert cli(*words, "--timeout", 1, "--threads", 1).code == 1
    [row] = cli("trials", "--json").json
    assert (row["dataset"], row["method"], row["seed"]) == (GRID, f"{SMALL}+full_batch", 5)
    assert row["protocol_settings"]["epochs"] == 4
    [session] = Reader(tmp_path / "store.duckdb").sessions()
    assert session.suite == "mine"


def test_blocks_of_a_suite_keep_what_is_theirs_and_get_what_is_nobodys() -> None:
    def left(**words: tuple[str, ...]) -> list[tuple[list[str], list[str]]]:
        wanted = Wanted("more-graphs", words.get("datasets", ()), words.get("methods", ()), None, None, None, {})
        return [(block.datasets, block.methods) for block in chosen_suite(wanted).run]

    whole = left()
    assert [datasets for datasets, _ in whole] == [["amazon-computers", "dblp"], ["ogbg-molhiv"]]
    assert left(datasets=("dblp",)) == [(["dblp"], whole[0][1])]
    # a dataset of no block is run by all, and beside it those of a block
    assert left(datasets=("cora", "ogbg-molhiv")) == [(["cora"], whole[0][1]), (["ogbg-molhiv", "cora"], whole[1][1])]
    # spelled in another way, with full batch written out
    assert left(methods=("gin(norm=batch,layers=3,hidden=64)+full_batch",)) == [(["ogbg-molhiv"], whole[1][1][:1])]
    assert [methods for _, methods in left(methods=("mlp",))] == [["mlp"], ["mlp"]]


def test_the_recorded_command_can_be_pasted_and_holds_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://me:secret@host/leangnn"
    monkeypatch.setattr(sys, "argv", ["/usr/bin/leangnn", "run", "--method", "gcn(layers=2)", "--db", url])
    assert command_line(url) == "leangnn run --method 'gcn(layers=2)' --db DATABASE"
    assert command_line("file.duckdb").endswith(url)
