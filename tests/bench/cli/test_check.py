"""`leangnn check`: how findings are printed, and the exit code."""

from __future__ import annotations

import pytest

from bench.conformance import suite
from bench.conformance.check import Check
from bench.conformance.suite import Conformance

CHECKS = (
    Check("deterministic", "passed", "it repeats"),
    Check("settle", "not applicable", "it has no settle"),
    Check("test labels", "failed", "it reads test labels; train on problem.graph.y"),
)


@pytest.fixture
def finds(monkeypatch: pytest.MonkeyPatch):
    def find(*checks: Check) -> None:
        monkeypatch.setattr(
            suite, "conformance", lambda target: Conformance(target.kind, target.spec.name, checks, 12.3)
        )

    return find


def test_a_failure_is_said_and_is_the_exit_code(cli, finds) -> None:
    finds(*CHECKS)
    said = cli("check", "labor(batch_size=24)")
    assert said.code == 1
    assert "strategy labor" in said.out
    for check in CHECKS:
        assert check.name in said.out and check.status in said.out and check.sentence in said.out
    assert "1 of 3 checks failed, in 12.3 s." in said.out
    assert said.error == "Checking the strategy labor(batch_size=24); this takes up to a minute.\n"


def test_without_a_failure_all_is_well(cli, finds) -> None:
    finds(*CHECKS[:2])
    assert cli("check", "gcn").code == 0


def test_json_has_every_check(cli, finds) -> None:
    finds(*CHECKS)
    said = cli("check", "dr_w", "--json")
    assert said.code == 1
    [found] = said.json
    assert (found["kind"], found["name"], found["seconds"]) == ("rescaler", "dr_w", 12.3)
    assert [Check(**check) for check in found["checks"]] == list(CHECKS)


def test_wrong_words(sentence) -> None:
    assert sentence(2, "check", "full_bach") == (
        "no backbone, strategy, rescaler or quantizer is called 'full_bach'; did you mean 'full_batch'?"
    )
    assert sentence(2, "check", "missing.py").startswith("there is no file missing.py")


def test_help_says_that_the_file_is_executed(cli) -> None:
    assert "never check a file you do not trust" in " ".join(cli("check", "--help").out.split())
