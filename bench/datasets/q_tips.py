"""Q-Tips: rods with two coloured tips; every node of a rod has to know both (multiscale training, arXiv:2503.19666).

Images are drawn by the released recipe, cut into quadtree leaves and joined by nearest neighbours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.datasets.graph_data import Split
from bench.datasets.raw_files import RawFiles
from bench.datasets.raw_graph import RawGraph
from bench.datasets.registry import dataset
from bench.errors import UsageError

SIDE = 128
_BLOCKS = (64, 32, 16, 8, 4, 2)
_NEIGHBOURS = 5
_TIPS = ((2, 2), (3, 3), (2, 3))
"""Values of the upper and lower tip for each type of rod; the rod itself is 1."""


@dataset(
    "q-tips",
    metric="accuracy",
    description="Generated images of rods with two coloured tips as quadtree graphs; background or type of rod",
    source="https://arxiv.org/abs/2503.19666",
)
def q_tips(files: RawFiles, *, graphs: int = 1100, seed: int = 0) -> RawGraph:
    """One node a leaf, its value as the only feature, classes background and three types.

    Each leaf has edges to its four nearest leaves, directed as in the release; the self-loop stored there too is
    left to the backbone. One split: the last 1/11 of the graphs for testing as in the release, the 1/11 before
    for validation.

    Raises:
        UsageError: too few graphs to split.
    """
    if graphs < 11:
        raise UsageError(f"q-tips needs at least 11 graphs to split, not {graphs}")
    generator = np.random.default_rng(seed)
    parts = [_graph(generator) for _ in range(graphs)]
    counts = np.array([len(values) for values, _, _ in parts])
    offsets = np.concatenate([[0], np.cumsum(counts)])
    edge_index = np.concatenate([e + start for (_, e, _), start in zip(parts, offsets[:-1], strict=True)], axis=1)
    held_out = graphs // 11
    train, valid, _ = offsets[[graphs - 2 * held_out, graphs - held_out, graphs]]
    split = Split(np.arange(train), np.arange(train, valid), np.arange(valid, offsets[-1]))
    return RawGraph(
        x=np.concatenate([values for values, _, _ in parts])[:, None],
        edge_index=edge_index,
        y=np.concatenate([labels for _, _, labels in parts]),
        splits=(split,),
        direction="stored",
        graph_ptr=offsets,
        classes=4,
    )


def _graph(generator: np.random.Generator) -> tuple[NDArray, NDArray[np.int64], NDArray[np.int64]]:
    kind, image = draw_image(generator)
    values, centres = quadtree(image)
    labels = np.where(values == 0, 0, kind + 1)
    return values, nearest_edges(centres), labels


def draw_image(generator: np.random.Generator) -> tuple[int, NDArray[np.int64]]:
    """Type 0 to 2 and image [128, 128] of a rod, turned, moved, sheared and enlarged at random."""
    kind = int(generator.integers(3))
    image = np.zeros((SIDE, SIDE), np.int64)
    image[44:84, 60:68] = 1
    image[36:44, 56:72], image[80:88, 56:72] = _TIPS[kind]
    angle = np.radians(180 * generator.standard_normal())
    shift = 5 * generator.standard_normal(2)
    shear = np.radians(2 * generator.random())
    scale = 1 + 0.5 * generator.random()
    forward = scale * np.array(
        [
            [np.cos(angle), -np.cos(angle) * np.tan(shear) - np.sin(angle)],
            [np.sin(angle), -np.sin(angle) * np.tan(shear) + np.cos(angle)],
        ]
    )
    return kind, _sample(image, forward, shift)


def _sample(image: NDArray[np.int64], forward: NDArray, shift: NDArray) -> NDArray[np.int64]:
    """Nearest-neighbour sampling of the affine map (columns, rows) -> forward @ . + shift about the centre."""
    middle = (SIDE - 1) / 2
    rows, columns = np.mgrid[:SIDE, :SIDE]
    target = np.stack([columns.ravel() - middle - shift[0], rows.ravel() - middle - shift[1]])
    source = np.rint(np.linalg.inv(forward) @ target + middle).astype(np.int64)
    inside = ((source >= 0) & (source < SIDE)).all(axis=0)
    sampled = np.zeros(SIDE * SIDE, np.int64)
    sampled[inside] = image[source[1, inside], source[0, inside]]
    return sampled.reshape(SIDE, SIDE)


def quadtree(image: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Largest aligned constant blocks, in row-major order of their upper-left pixels.

    Returns:
        values [L] and centres [L, 2] (row, column) as shares of the side.
    """
    taken = np.zeros_like(image, bool)
    corners, sizes = [], []
    for block in _BLOCKS:
        cells = SIDE // block
        tiles = image.reshape(cells, block, cells, block)
        constant = tiles.max(axis=(1, 3)) == tiles.min(axis=(1, 3))
        fresh = constant & ~taken[::block, ::block]
        corners.append(np.argwhere(fresh) * block)
        sizes.append(np.full(len(corners[-1]), block))
        taken |= fresh.repeat(block, axis=0).repeat(block, axis=1)
    corners.append(np.argwhere(~taken))
    sizes.append(np.ones(len(corners[-1]), np.int64))
    corner, size = np.concatenate(corners), np.concatenate(sizes)
    order = np.lexsort((corner[:, 1], corner[:, 0]))
    corner, size = corner[order], size[order]
    return image[corner[:, 0], corner[:, 1]], (corner + size[:, None] / 2) / SIDE


def nearest_edges(centres: NDArray[np.float64]) -> NDArray[np.int64]:
    """Edges [2, 5 L] from each leaf to its five nearest, itself among them."""
    from scipy.spatial import cKDTree

    _, nearest = cKDTree(centres).query(centres, k=_NEIGHBOURS)
    return np.stack([np.repeat(np.arange(len(centres)), _NEIGHBOURS), nearest.ravel()])
