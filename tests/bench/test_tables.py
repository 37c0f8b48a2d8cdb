"""TOML files with unknown keys, wrong values, and other faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import tables
from bench.errors import UsageError
from bench.presets import Preset
from bench.suite import Suite
from bench.tables import Table

GOOD = 'question = "?"\n[[run]]\ndatasets = ["cora"]\nmethods = ["gcn"]\n'
PRESET = 'description = "d"\nsource = "s"\n[backbone.gcn]\nlayers = 2\n'


def sentence(path: Path, content: str | bytes, model: type[Table] = Suite) -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError) as caught:
        tables.read(path, model)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_unknown_keys_are_named_with_the_nearest_at_any_depth(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    assert sentence(path, "sedes = [0]\n" + GOOD) == f"{path}: unknown key 'sedes'; did you mean 'seeds'?"
    assert sentence(path, GOOD + "method = []\n").endswith("unknown key 'run.0.method'; did you mean 'methods'?")
    preset = PRESET + "[dataset.cora.protocl]\nepochs = 1\n"
    assert sentence(path, preset, Preset).endswith("unknown key 'dataset.cora.protocl'; did you mean 'protocol'?")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("question = \n", "is not valid TOML"),
        (b"\xff\xfe", "is not valid TOML"),
        (GOOD.replace('["gcn"]', '"gcn"'), "run.0.methods: input should be a valid list, not 'gcn'"),
        (GOOD.replace('["gcn"]', "[]"), "run.0.methods"),
        ("splits = [-1]\n" + GOOD, "splits.0: input should be greater than or equal to 0, not -1"),
        ("seeds = []\n" + GOOD, "seeds"),
        ("repeats = 0\n" + GOOD, "repeats"),
        ('question = "?"\n', "run: field required"),
    ],
)
def test_faults_are_told_in_one_sentence(tmp_path: Path, content: str | bytes, expected: str) -> None:
    assert expected in sentence(tmp_path / "mine.toml", content)


def test_a_file_that_is_not_there_or_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nosuch.toml cannot be read: No such file"):
        tables.read(tmp_path / "nosuch.toml", Suite)
    with pytest.raises(UsageError, match=r"cannot be read: Is a directory"):
        tables.read(tmp_path, Suite)


def test_names_are_those_of_shipped_files_and_paths_stay_paths() -> None:
    assert tables.find("suites", "quick") == tables.shipped("suites")["quick"]
    assert tables.find("suites", "elsewhere/mine.toml") == Path("elsewhere/mine.toml")
    with pytest.raises(UsageError, match=r"no suite is called 'quik'; did you mean 'quick'\?"):
        tables.find("suites", "quik")
