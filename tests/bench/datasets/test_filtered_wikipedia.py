from __future__ import annotations

from pathlib import Path

import pytest

from bench.datasets import registry


@pytest.mark.parametrize(
    ("name", "both", "stored"), [("chameleon-filtered", 17_708, 13_584), ("squirrel-filtered", 93_996, 65_718)]
)
def test_the_directed_edges_are_a_file_of_their_own(
    name: str, both: int, stored: int, real_data: Path, cache: Path
) -> None:
    undirected = registry.load(name, real_data, cache)
    directed = registry.load(f"{name}(direction=stored)", real_data, cache)
    assert (undirected.edges, undirected.undirected) == (both, True)
    assert both / 2 <= directed.edges <= stored
    assert not directed.undirected
    assert undirected.y.tolist() == directed.y.tolist()
