"""`leangnn new`."""

from __future__ import annotations

from pathlib import Path

import pytest

from methods import plugin


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """What `pip install -e` leaves of a package: its folder on the path, and its entry points."""

    def install(folder: Path, name: str) -> None:
        info = folder / f"{name}-0.1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: leangnn-{name}\nVersion: 0.1.0\n")
        (info / "entry_points.txt").write_text(f"[leangnn.methods]\n{name} = {name}\n")
        monkeypatch.syspath_prepend(folder)
        monkeypatch.setattr(plugin, "_registry", dict(plugin._registry))
        plugin._discover.cache_clear()

    yield install
    plugin._discover.cache_clear()


def test_a_new_strategy_is_listed_once_it_is_installed(cli, installed, tmp_path: Path) -> None:
    folder = tmp_path / "half"
    said = cli("new", "strategy", "half_of_all", "--folder", folder)
    assert (said.code, said.error) == (0, "")
    assert f"wrote {folder / 'half_of_all.py'}" in said.out
    assert f"pip install --no-build-isolation -e {folder}" in said.out
    assert "--method 'gcn+half_of_all'" in said.out
    installed(folder, "half_of_all")
    [row] = [row for row in cli("list", "strategies", "--json").json if row["name"] == "half_of_all"]
    assert row["what"] == "Every step sees a random half of the nodes, and the edges between them."


def test_the_folder_has_the_name_and_is_never_overwritten(
    cli, sentence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("new", "backbone", "quite_new").code == 0
    before = {path: path.read_text() for path in Path("quite_new").iterdir()}
    assert sentence(2, "new", "rescaler", "quite_new").startswith("quite_new is there already")
    assert {path: path.read_text() for path in Path("quite_new").iterdir()} == before
