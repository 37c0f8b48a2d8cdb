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
        "import bench.site.export, bench.nightly.issues, db.dictionary, db.scoring.history",
        "import bench.meters.memory, bench.meters.energy, bench.meters.calibration, bench.meters.hardware",
    ],
)
def test_what_needs_no_torch_does_not_import_it(code: str) -> None:
    heavy = "{'torch', 'torch_geometric', 'numba', 'ogb'}"
    finished = run(sys.executable, "-c", f"{code}\nimport sys; print(*{heavy} & set(sys.modules))")
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.split() == []


def test_the_folders_of_the_tests_mirror_the_rooms() -> None:
    folders = {test.parent.relative_to(ROOT / "tests") for test in (ROOT / "tests").rglob("test_*.py")}
    assert [str(folder) for folder in sorted(folders) if not (ROOT / folder).is_dir()] == []


def test_ci_runs_make_test_on_every_supported_python_with_a_browser() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    job = workflow["jobs"]["test"]
    browser, tests = (step["run"] for step in job["steps"] if "run" in step)
    assert "apt-get install --yes chromium" in browser and tests == "make test"
    # without a browser there are no screenshots, and then the upload fails
    upload = job["steps"][-1]["with"]
    assert (upload["path"], upload["if-no-files-found"]) == (job["env"]["LEANGNN_SCREENSHOTS"], "error")
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12"]
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["cancel-in-progress"] is True
