"""`leangnn perf`; the comparisons themselves are tested in tests/bench/perf."""

from __future__ import annotations

from bench import perf


def test_the_comparisons_are_listed(cli) -> None:
    said = cli("perf")
    assert said.code == 0
    assert [line.split()[0] for line in said.out.splitlines()] == list(perf.names())
