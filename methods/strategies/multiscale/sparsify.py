"""Fewer edges: at most k of each row, so that their sum is right on average."""

from __future__ import annotations

import torch

from methods.adjacency import Adjacency, offsets
from methods.strategies.sampling.neighbor_sampling import draw_neighbors


def sampled(adjacency: Adjacency, most: int, generator: torch.Generator) -> Adjacency:
    """At most `most` entries of each row, drawn uniformly without replacement and weighted by degree / kept.

    The rows keep the whole matrix's sums, so that normalised operators estimate those of the whole matrix without bias.
    The result is directed: whether v hears from u says nothing about u hearing from v.
    """
    if not bool((adjacency.degrees() > most).any()):
        return adjacency
    rows = torch.arange(adjacency.rows, device=adjacency.device)
    drawn = draw_neighbors(adjacency, rows, most, generator)
    values = torch.repeat_interleave(drawn.factors, drawn.sizes)
    if adjacency.values is not None:
        values = values * adjacency.values[drawn.entries]
    indices = adjacency.indices[drawn.entries]
    return Adjacency(offsets(drawn.sizes), indices, adjacency.columns, values, row_sums=adjacency.sums())
