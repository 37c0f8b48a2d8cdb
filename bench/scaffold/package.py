"""A package of one plug-in, its test, and the entry point by which LeanGNN finds it."""

from __future__ import annotations

import importlib.util
import keyword
import re
from importlib import resources
from pathlib import Path

from bench.errors import BenchError, UsageError
from methods import plugin
from methods.errors import SpecError
from methods.plugin import ENTRY_POINT_GROUP, KINDS
from methods.spec import nearest

_PROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "leangnn-{dashed}"
version = "0.1.0"
description = "The {kind} {name} for LeanGNN"
requires-python = ">=3.11"
dependencies = ["leangnn"]

[project.entry-points."{group}"]
{name} = "{name}"

[tool.setuptools]
py-modules = ["{name}"]
"""

_TEST = '''\
"""{name} holds to what LeanGNN expects of a {kind}; see docs/plugins.md there."""

from pathlib import Path

from bench.conformance.suite import check


def test_it_conforms():
    [conformance] = check(str(Path(__file__).with_name("{name}.py")))
    assert not conformance.failures
'''


def write(kind: str, name: str, folder: Path) -> list[Path]:
    """Write a package that works as it is.

    Args:
        kind: one of `methods.plugin.KINDS`.
        name: of the plug-in, and of its module.
        folder: a new one.

    Returns:
        The files, the module first.

    Raises:
        UsageError: an unknown kind, a name that cannot be used, or a folder that is there already.
        BenchError: the folder cannot be written.
    """
    if kind not in KINDS:
        raise UsageError(f"there is no kind of plug-in called '{kind}'; {nearest(kind, KINDS)}")
    _check_name(name)
    words = {"kind": kind, "name": name, "dashed": name.replace("_", "-"), "group": ENTRY_POINT_GROUP}
    files = {
        f"{name}.py": _module(kind, name),
        f"test_{name}.py": _TEST.format(**words),
        "pyproject.toml": _PROJECT.format(**words),
    }
    try:
        folder.mkdir(parents=True)
        for file, text in files.items():
            (folder / file).write_text(text)
    except FileExistsError as error:
        raise UsageError(f"{folder} is there already and stays as it is; name another one with --folder") from error
    except OSError as error:
        raise BenchError(f"{folder} cannot be written ({error.strerror}); name another one with --folder") from error
    return [folder / file for file in files]


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise UsageError(f"'{name}' cannot be a name; use lower-case letters, digits and _, and no word of Python")
    try:
        kind, _ = plugin.find(name)
    except SpecError:
        pass
    else:
        raise UsageError(f"there is a {kind} called '{name}' already; choose another name")
    found = importlib.util.find_spec(name)
    if found is not None and found.origin is not None:
        raise UsageError(f"there is a Python module called '{name}' already; choose another name")


def _module(kind: str, name: str) -> str:
    template = resources.files("bench.scaffold").joinpath(f"{kind}.py").read_text()
    class_name = "".join(word.capitalize() for word in name.split("_"))
    if re.search(rf"\b{class_name}\b", template):  # `term` would hide the class Term that the module imports
        class_name += kind.capitalize()
    return template.replace(f"my_{kind}", name).replace(f"My{kind.capitalize()}", class_name)
