"""Packages that `leangnn new` writes: short, working, and never over something else."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bench.errors import BenchError, UsageError
from bench.scaffold.package import write
from methods.plugin import KINDS, Kind


def module(kind: str, name: str, folder: Path) -> str:
    return write(kind, name, folder / "package")[0].read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_only_names_differ_from_the_templates(kind: Kind, tmp_path: Path) -> None:
    text = module(kind, "quite_new", tmp_path)
    assert f'@register("{kind}", "quite_new")\nclass QuiteNew(' in text
    assert f"my_{kind}" not in text and f"My{kind.capitalize()}" not in text
    compile(text, "quite_new.py", "exec")


def test_a_strategy_has_at_most_twelve_lines_of_code(tmp_path: Path) -> None:
    lines = [line for line in module("strategy", "quite_new", tmp_path).splitlines() if line.strip()]
    assert len(lines) <= 12


def test_a_class_never_hides_what_the_module_imports(tmp_path: Path) -> None:
    text = module("strategy", "term", tmp_path)
    assert "class TermStrategy(Strategy):" in text and "import Strategy, Term\n" in text


def test_the_project_names_the_entry_point_and_the_test_runs_the_suite(tmp_path: Path) -> None:
    written = write("rescaler", "quite_new", tmp_path / "deep" / "package")
    assert [path.name for path in written] == ["quite_new.py", "test_quite_new.py", "pyproject.toml"]
    project = tomllib.loads(written[2].read_text())
    assert project["project"]["entry-points"] == {"leangnn.methods": {"quite_new": "quite_new"}}
    assert project["tool"]["setuptools"]["py-modules"] == ["quite_new"]
    test = written[1].read_text()
    assert 'check(str(Path(__file__).with_name("quite_new.py")))' in test
    compile(test, "test_quite_new.py", "exec")


def test_setuptools_makes_the_entry_point(tmp_path: Path) -> None:
    folder = write("quantizer", "quite_new", tmp_path / "package")[0].parent
    code = "from setuptools import build_meta; print(build_meta.prepare_metadata_for_build_wheel('.'))"
    made = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    info = folder / made.stdout.split()[-1]
    assert (info / "entry_points.txt").read_text().split() == ["[leangnn.methods]", "quite_new", "=", "quite_new"]
    assert "Requires-Dist: leangnn" in (info / "METADATA").read_text()


@pytest.mark.parametrize(
    ("kind", "name", "sentence"),
    [
        ("stategy", "mine", "no kind of plug-in called 'stategy'; did you mean 'strategy'"),
        ("strategy", "my-own", "'my-own' cannot be a name; use lower-case letters"),
        ("strategy", "2nd", "'2nd' cannot be a name"),
        ("strategy", "../mine", "cannot be a name"),
        ("strategy", "lambda", "'lambda' cannot be a name"),
        ("strategy", "gcn", "there is a backbone called 'gcn' already"),
        ("backbone", "torch", "there is a Python module called 'torch' already"),
    ],
)
def test_names_that_cannot_be(tmp_path: Path, kind: str, name: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        write(kind, name, tmp_path / "package")
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays(tmp_path: Path) -> None:
    folder = tmp_path / "package"
    folder.mkdir()
    with pytest.raises(UsageError, match="is there already and stays as it is"):
        write("strategy", "quite_new", folder)
    assert list(folder.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(BenchError, match="cannot be written"):
        write("strategy", "quite_new", tmp_path / "file" / "package")
