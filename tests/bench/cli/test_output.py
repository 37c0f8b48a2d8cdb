"""Numbers and tables for the terminal."""

from __future__ import annotations

import json

import pytest

from bench.cli import output


def test_numbers_by_hand() -> None:
    assert output.percent(0.89753) == "89.75"
    assert output.interval(0.8975, 0.8938, 0.9012) == "89.75 ± 0.37"
    assert output.interval(0.8975, None, None) == "89.75"
    assert output.ratio(0.531, 0.484, 0.587) == "0.53 (0.48 to 0.59)"
    assert output.ratio(1.0, 1.0, 1.0) == "1.00"
    assert [output.seconds(value) for value in (0.0274, 9.34, 119.9, 150.0)] == ["27 ms", "9.3 s", "119.9 s", "2.5 min"]
    assert output.megabytes(15_400_000) == "15 MB"


def test_what_is_not_known_is_a_dash_and_never_a_zero() -> None:
    nothing = [
        output.percent(None), output.interval(None, None, None), output.ratio(None, None, None), output.seconds(None),
        output.megabytes(None),
    ]  # fmt: skip
    assert nothing == ["\N{EN DASH}"] * 5
    assert output.megabytes(0) == "0 MB"


def test_a_table_in_a_pipe_is_never_folded(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(("name", "n"), [("gcn(" + "x" * 200 + ")", "7"), ("[bold]", "12")], numeric=(1,))
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert lines[2].strip() == "gcn(" + "x" * 200 + ")    7"
    assert lines[3].strip().startswith("[bold]")
    assert lines[3].endswith(" 12")


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json([{"mean": 0.5}])
    assert json.loads(capsys.readouterr().out) == [{"mean": 0.5}]
