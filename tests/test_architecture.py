"""The rules that hold for the whole house: who imports whom, what stays light, and that CI runs the tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_rooms_import_in_one_direction_only() -> None:
    finished = run(str(Path(sys.executable).with_name("lint-imports")), "--no-cache")
    assert finished.returncode == 0, finished.stdout + finished.stderr


# streamlit runs app.main as a script; what it shows lies in the other modules
ALL_OF_APP = """
import importlib, pkgutil, app
for module in pkgutil.walk_packages(app.__path__, "app."):
    if module.name != "app.main":
        importlib.import_module(module.name)
"""


@pytest.mark.parametrize(
    "code",
    [
        "import db.store, db.read, db.scoring.board",
        ALL_OF_APP,
        "import methods.spec",
        "import bench.cli.main",
        "import bench.clock, bench.allocator, bench.doctor",
        "import bench.meters.memory, bench.meters.energy, bench.meters.calibration, bench.meters.hardware",
    ],
)
def test_what_needs_no_torch_does_not_import_it(code: str) -> None:
    heavy = "{'torch', 'torch_geometric', 'numba', 'ogb'}"
    finished = run(sys.executable, "-c", f"{code}\nimport sys; print(*{heavy} & set(sys.modules))")
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.split() == []


@pytest.mark.parametrize("room", ["app", "bench", "db", "methods"])
def test_tests_mirror_the_rooms(room: str) -> None:
    strangers = []
    for test in (ROOT / "tests" / room).rglob("test_*.py"):
        place = test.parent.relative_to(ROOT / "tests")
        name = test.stem.removeprefix("test_")
        if not (ROOT / place / f"{name}.py").exists() and not (ROOT / place / name).is_dir():
            strangers.append(str(test.relative_to(ROOT)))
    assert strangers == []


def test_ci_runs_make_test_on_every_supported_python() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    job = workflow["jobs"]["test"]
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make test"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12"]
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["cancel-in-progress"] is True
