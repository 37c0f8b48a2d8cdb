"""The registry, its folders, and plug-ins of other people's packages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from methods import plugin
from methods.errors import MethodError, SpecError

BACKBONES = {"mlp", "gcn", "sage", "gin", "gat", "gcnii", "appnp"}


def test_files_in_the_folders_are_found() -> None:
    assert set(plugin.names("backbone")) >= BACKBONES
    assert "full_batch" in plugin.names("strategy")
    assert plugin.names("backbone") == sorted(plugin.names("backbone"))
    assert plugin.find("full_batch")[0] == "strategy"


def test_every_plugin_is_described_in_one_line() -> None:
    for kind in plugin.KINDS:
        for name in plugin.names(kind):
            assert plugin.describe(name).endswith("."), name


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(SpecError, match="'fullbatch'; did you mean 'full_batch'"):
        plugin.find("fullbatch")


def test_a_name_is_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "_registry", dict(plugin._registry))
    plugin.names("backbone")

    class Impostor:
        pass

    with pytest.raises(MethodError, match=r"the name 'gcn' is taken by methods.backbones.gcn.GCN"):
        plugin.register("backbone", "gcn")(Impostor)
    with pytest.raises(MethodError, match="taken"):
        plugin.register("strategy", "gcn")(Impostor)


def test_a_module_that_is_loaded_again_keeps_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    kind, known = plugin.find("gcn")
    monkeypatch.setattr(plugin, "_registry", dict(plugin._registry))
    again = type(known.__name__, (), {"__module__": known.__module__, "__qualname__": known.__qualname__})
    assert plugin.register(kind, "gcn")(again) is again


PLUGIN_SOURCE = '''
from methods.plugin import register
from methods.strategies.full_batch import FullBatch


@register("strategy", "twice_the_batch")
class TwiceTheBatch(FullBatch):
    """Somebody else's strategy."""
'''


def install(folder: Path, package: str, source: str) -> None:
    """What `pip install` leaves of a one-file package with an entry point."""
    (folder / f"{package}.py").write_text(source)
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[leangnn.methods]\n{package} = {package}\n")


def test_an_installed_package_adds_its_methods_and_a_broken_one_only_warns(tmp_path: Path) -> None:
    install(tmp_path, "outside_methods", PLUGIN_SOURCE)
    install(tmp_path, "broken_methods", "raise RuntimeError('built for another version')\n")
    code = (
        "from methods.method import Method; from methods.plugin import describe\n"
        "print(Method.parse('gcn+twice_the_batch(graphs_per_step=4)').name, describe('twice_the_batch'), sep='|')"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    finished = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip() == "gcn+twice_the_batch(graphs_per_step=4)|Somebody else's strategy."
    assert "'broken_methods' (broken_methods) could not be loaded: built for another version" in finished.stderr
