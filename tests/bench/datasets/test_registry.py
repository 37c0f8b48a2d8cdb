from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from bench.datasets import raw_files, registry
from bench.datasets.raw_graph import RawGraph
from bench.errors import DataError, UsageError

NAMES = [
    "actor",
    "amazon-computers",
    "amazon-photo",
    "amazon-ratings",
    "amazon-ratings-partial",
    "amherst41",
    "arxiv-structural",
    "blogcatalog",
    "chameleon",
    "chameleon-filtered",
    "citeseer",
    "citeseer-full",
    "coauthor-cs",
    "coauthor-physics",
    "cora",
    "cora-ml",
    "cornell",
    "cornell5",
    "csbm",
    "dblp",
    "digits-knn",
    "grokking",
    "johnshopkins55",
    "layer-order",
    "minesweeper",
    "minesweeper-grid",
    "mutag",
    "nci1",
    "ogbg-molhiv",
    "ogbn-arxiv",
    "ogbn-mag",
    "ogbn-products",
    "penn94",
    "proteins",
    "pubmed",
    "q-tips",
    "questions",
    "reed98",
    "roman-empire",
    "squirrel",
    "squirrel-filtered",
    "target-gat",
    "texas",
    "tolokers",
    "wisconsin",
]

PARTIAL = Path("incomplete/heterophilous/amazon_ratings/raw/amazon_ratings.npz")


def test_every_set_is_found() -> None:
    assert registry.names() == sorted(NAMES)


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("cora", "cora"),
        (" cora( split = public ) ", "cora"),
        ("cora(split=full)", "cora(split=full)"),
        ("minesweeper-grid(seed=3,side=20)", "minesweeper-grid(side=20,seed=3)"),
        ("csbm(degree=10,homophily=1)", "csbm(homophily=1.0)"),
    ],
)
def test_canonical(written: str, spelled: str) -> None:
    assert registry.canonical(written) == spelled
    assert registry.canonical(spelled) == spelled


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("minesweper", "there is no dataset 'minesweper'; did you mean 'minesweeper'"),
        ("cora(splt=full)", "dataset 'cora' has no parameter 'splt'; did you mean 'split'?"),
        ("cora(split=ful)", "cannot be 'ful'; did you mean 'full'?"),
        ("reed98(split=full)", "has no parameter 'split'; it has none"),
        (
            "minesweeper-grid(side=big)",
            "parameter 'side' of dataset 'minesweeper-grid' cannot be 'big'; it is of type int",
        ),
        ("minesweeper-grid(side=1.5)", "it is of type int"),
        ("csbm(seed=true)", "it is of type int"),
        ("cora(split", "opening parenthesis"),
    ],
)
def test_wrong_words(written: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        registry.canonical(written)
    assert message in str(raised.value)


def test_two_datasets_cannot_share_a_name() -> None:
    registry.names()
    with pytest.raises(ValueError, match="two datasets are called cora"):
        registry.dataset("cora", metric="accuracy", description="")(lambda files: RawGraph)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("csbm", "digits-knn", "minesweeper-grid")])
def test_every_published_set_is_described_without_its_files(name: str, tmp_path: Path) -> None:
    if not registry.declared(name).files:
        pytest.skip("generated, so there are no files that could be missing")
    facts = registry.describe(name, tmp_path, tmp_path)
    assert not facts["measured"]
    assert facts["missing_files"]
    assert min(facts[key] for key in ("nodes", "edges", "features", "classes", "graphs")) > 0
    assert facts["description"]
    assert facts["source"].startswith("http")
    assert not list(tmp_path.iterdir())


def test_describe_measures_what_is_here(tmp_path: Path) -> None:
    facts = registry.describe("minesweeper-grid(side=10)", cache_dir=tmp_path)
    assert facts["measured"]
    assert facts["parameters"] == {"side": 10, "mines": 0.2, "hidden": 0.5, "seed": 0}
    # 90 + 90 straight and 81 + 81 diagonal neighbours, each in both directions
    assert (facts["nodes"], facts["edges"], facts["splits"][0]) == (100, 684, [50, 25, 25])


def test_check_names_every_missing_file(tmp_path: Path) -> None:
    checks = registry.check("cora", tmp_path, tmp_path)
    assert [item.ok for item in checks] == [False] * 8
    assert checks[0].what == "planetoid/Cora/raw/ind.cora.x"
    assert str(tmp_path) in checks[0].detail
    assert len(registry.check("cora(split=geom-gcn)", tmp_path, tmp_path)) == 18


def test_check_of_published_files(real_data: Path, tmp_path: Path) -> None:
    file, graph = registry.check("minesweeper", real_data, tmp_path)
    assert file == ("heterophilous/minesweeper/raw/minesweeper.npz", True, "checksum as published")
    assert graph.ok
    assert graph.detail == "10000 nodes, 78804 edges, 7 features, 2 classes, as published"


def test_check_of_a_damaged_file(real_data: Path, tmp_path: Path) -> None:
    relative = "heterophilous/minesweeper/raw/minesweeper.npz"
    (tmp_path / relative).parent.mkdir(parents=True)
    (tmp_path / relative).write_bytes((real_data / relative).read_bytes()[:1000])
    (only,) = registry.check("minesweeper", tmp_path, tmp_path / "cache")
    assert not only.ok
    assert "SHA-256" in only.detail
    with pytest.raises(DataError, match="is not the file that minesweeper was published with"):
        registry.load("minesweeper", tmp_path, tmp_path / "cache")
    with pytest.raises(DataError, match="not in the published format"):
        registry.load("minesweeper", tmp_path, tmp_path / "cache", verify=False)


def test_the_second_load_comes_from_the_cache(real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = registry.load("minesweeper", real_data, tmp_path)
    monkeypatch.setattr(registry, "_prepare", lambda *_: pytest.fail("prepared again"))
    second = registry.load("minesweeper", real_data, tmp_path)
    assert second.sha256 == first.sha256
    assert isinstance(second.x, np.memmap)


def test_the_environment_names_the_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEANGNN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LEANGNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(raw_files.download, "fetch", lambda *_: pytest.fail("a check must not download"))
    (only,) = registry.check("tolokers")
    assert f"looked in {tmp_path / 'data'}, {tmp_path / 'cache' / 'raw'}" in only.detail


def test_the_partial_amazon_ratings_never_passes_for_the_whole(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "heterophilous/amazon_ratings/raw/amazon_ratings.npz"
    target.parent.mkdir(parents=True)
    shutil.copy(real_data / PARTIAL, target)
    with pytest.raises(DataError, match="git blob id"):
        registry.load("amazon-ratings", tmp_path, tmp_path / "cache")
    monkeypatch.setattr(raw_files, "mismatch", lambda *_: None)
    with pytest.raises(DataError, match="has 91904 stored edges but was published with 93050"):
        registry.load("amazon-ratings", tmp_path, tmp_path / "cache")


@pytest.mark.parametrize(
    ("name", "published"), [("amazon-ratings-partial", "amazon-ratings"), ("arxiv-structural", "ogbn-arxiv")]
)
def test_substitutes_say_so(name: str, published: str, tmp_path: Path) -> None:
    assert registry.describe(name, tmp_path, tmp_path)["substitute_for"] == published
    assert registry.describe(published, tmp_path, tmp_path)["substitute_for"] is None
