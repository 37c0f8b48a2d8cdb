"""Rows as files."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest

from app import downloads


@pytest.fixture
def rows(row):
    return [row(mean=1 / 3, failures={"crashed": 1}), row(method="a|<b>\n*c*", mean=None, energy_joules=None)]


def test_csv_has_every_field_at_full_precision(rows) -> None:
    lines = list(csv.DictReader(io.StringIO(downloads.csv(rows).decode())))
    assert float(lines[0]["mean"]) == 1 / 3
    assert lines[0]["failures"] == '{"crashed": 1}'
    assert (lines[1]["mean"], lines[1]["method"]) == ("", "a|<b>\n*c*")
    assert {"dataset", "method", "time_ratio_low", "trust", "p_value", "measured_at"} <= set(lines[0])


def test_parquet_keeps_numbers_times_and_what_is_missing(rows) -> None:
    table = pd.read_parquet(io.BytesIO(downloads.parquet(rows)))
    assert table["mean"].iloc[0] == 1 / 3 and pd.isna(table["mean"].iloc[1])
    assert table["measured_at"].iloc[0] == rows[0].measured_at
    assert table["method"].tolist() == [row.method for row in rows]


def test_nothing_in_a_name_is_markup_in_markdown(rows) -> None:
    head, rule, first, second = downloads.markdown(rows).decode().splitlines()
    assert head.count(" | ") == rule.count(" | ") == first.count(" | ") == second.count(" | ")
    assert "a\\|&lt;b> \\*c\\*" in second
    assert f"| {1 / 3} |" in first


@pytest.mark.parametrize("form", downloads.FORMATS, ids=lambda form: form.label)
def test_no_rows_make_a_file_too(form: downloads.Format) -> None:
    assert isinstance(form.write([]), bytes)
