"""Every set whose published files are here has the published counts, split sizes and no test label when sealed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.datasets import registry

# name, nodes, CSR entries (None where the published count is of directed edges), features, classes, splits, split sizes
PUBLISHED = [
    ("minesweeper", 10_000, 78_804, 7, 2, 10, (5_000, 2_500, 2_500)),
    ("tolokers", 11_758, 1_038_000, 10, 2, 10, (5_879, 2_939, 2_940)),
    ("amazon-ratings-partial", 24_492, 183_808, 300, 5, 10, (12_246, 6_123, 6_123)),
    ("chameleon", 2_277, None, 2_325, 5, 10, (1_092, 729, 456)),
    ("squirrel", 5_201, None, 2_089, 5, 10, (2_496, 1_664, 1_041)),
    ("chameleon-filtered", 890, 17_708, 2_325, 5, 10, None),
    ("squirrel-filtered", 2_223, 93_996, 2_089, 5, 10, None),
    ("cornell", 183, None, 1_703, 5, 10, (87, 59, 37)),
    ("texas", 183, None, 1_703, 5, 10, (87, 59, 37)),
    ("wisconsin", 251, None, 1_703, 5, 10, (120, 80, 51)),
    ("cora", 2_708, 10_556, 1_433, 7, 1, (140, 500, 1_000)),
    ("cora(split=full)", 2_708, 10_556, 1_433, 7, 1, (1_208, 500, 1_000)),
    ("cora(split=random)", 2_708, 10_556, 1_433, 7, 10, (140, 500, 1_000)),
    ("cora(split=geom-gcn)", 2_708, 10_556, 1_433, 7, 10, None),
    ("citeseer", 3_327, 9_104, 3_703, 6, 1, (120, 500, 1_000)),
    ("pubmed", 19_717, 88_648, 500, 3, 1, (60, 500, 1_000)),
    ("amazon-computers", 13_752, 491_722, 767, 10, 1, (8_251, 2_750, 2_751)),
    ("amazon-photo", 7_650, 238_162, 745, 8, 1, (4_590, 1_530, 1_530)),
    ("amazon-photo(split=shchur)", 7_650, 238_162, 745, 8, 10, (160, 240, 7_250)),
    ("dblp", 17_716, 105_734, 1_639, 4, 10, (10_629, 3_543, 3_544)),
    ("cora-ml", 2_995, 16_316, 2_879, 7, 10, (1_797, 599, 599)),
    ("citeseer-full", 4_230, 10_674, 602, 6, 10, (2_538, 846, 846)),
    ("reed98", 962, 37_624, 745, 2, 10, (432, 216, 217)),
    ("amherst41", 2_235, 181_908, 1_193, 2, 10, (1_016, 508, 508)),
    ("johnshopkins55", 5_180, 373_172, 2_406, 2, 10, (2_381, 1_190, 1_191)),
    ("blogcatalog", 5_196, 343_486, 8_189, 6, 10, (3_117, 1_039, 1_040)),
    ("mutag", 3_371, 7_442, 7, 2, 10, (150, 19, 19)),
    ("proteins", 43_471, 162_088, 3, 2, 10, (889, 112, 112)),
    ("nci1", 122_747, 265_506, 37, 2, 10, (3_288, 411, 411)),
    ("ogbg-molhiv", 1_049_163, 2_259_376, 9, 2, 1, (32_901, 4_113, 4_113)),
    ("layer-order", 5_000, 12_516, 10, 2, 1, (2_500, 1_250, 1_250)),
    ("grokking", 100, 92, 10, 2, 1, (50, 25, 25)),
]


@pytest.mark.parametrize(("spec", "nodes", "edges", "features", "classes", "splits", "sizes"), PUBLISHED)
def test_counts_and_splits(
    spec: str,
    nodes: int,
    edges: int | None,
    features: int,
    classes: int,
    splits: int,
    sizes: tuple[int, int, int] | None,
    real_data: Path,
    cache: Path,
) -> None:
    data = registry.load(spec, real_data, cache)
    assert (data.nodes, data.features, data.classes) == (nodes, features, classes)
    assert edges is None or data.edges == edges
    assert data.undirected
    assert len(data.splits) == splits
    first = data.splits[0]
    assert sizes is None or (len(first.train), len(first.valid), len(first.test)) == sizes
    sealed = data.sealed(0)
    assert (sealed.y[first.test] == -1).all()
    assert (sealed.y[np.concatenate([first.train, first.valid])] >= 0).all()
    assert (data.y[first.test] >= 0).all()
    assert registry.load(spec, real_data, cache).sha256 == data.sha256


# preparing these takes up to 1.2 GB or half a minute, so that only the checksums of their files are compared here
@pytest.mark.parametrize("name", ["coauthor-cs", "coauthor-physics", "arxiv-structural"])
def test_files_of_the_large_sets(name: str, real_data: Path, cache: Path) -> None:
    files = registry._files(*registry._resolve(name)[:2], real_data, cache, True)
    assert all(registry._check_file(files, file).ok for file in files.declared.values())
