"""Compiled kernels belong to exactly one source: a change in any file of the folder must not meet an old binary."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_SHOW = "import numba; print(numba.config.CACHE_DIR)"


@pytest.mark.parametrize("first", ["import numba;", ""], ids=["numba first", "kernels first"])
def test_numba_is_told_wherever_it_was_imported(first, tmp_path):
    code = f"{first}import methods.kernels; {_SHOW}"
    environment = {**os.environ, "LEANGNN_CACHE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(str(tmp_path / "kernels"))


def test_the_folder_changes_with_the_source(tmp_path, monkeypatch):
    import methods.kernels as kernels

    before = kernels._compiled_folder()
    assert kernels._compiled_folder() == before
    (tmp_path / "vector.py").write_text("# another version\n")
    monkeypatch.setattr(kernels, "__file__", str(tmp_path / "__init__.py"))
    assert kernels._compiled_folder() != before
