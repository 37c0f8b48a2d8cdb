"""Fewer edges: at most k of each row, so that their sum is right on average."""

from __future__ import annotations

import torch
from torch import Tensor

from methods.adjacency import Adjacency, concatenated_ranges, offsets


def sampled(adjacency: Adjacency, most: int, generator: torch.Generator) -> Adjacency:
    """At most `most` entries of each row, drawn uniformly without replacement and weighted by degree / kept.

    The rows' own sums are kept as `row_sums`, so that normalised operators estimate those of the whole matrix without
    bias. The result is directed: whether v hears from u says nothing about u hearing from v.
    """
    degrees = adjacency.degrees()
    crowded = degrees > most
    if not bool(crowded.any()):
        return adjacency
    places = _distinct(degrees[crowded], most, generator)
    kept = degrees.clamp(max=most)
    starts = offsets(kept)[:-1]
    entries = concatenated_ranges(adjacency.indptr[:-1].long(), kept)
    chosen = adjacency.indptr[:-1].long()[crowded].unsqueeze(1) + places
    entries[starts[crowded].unsqueeze(1) + torch.arange(most, device=degrees.device)] = chosen
    weights = torch.repeat_interleave(degrees / kept.clamp(min=1), kept).float()
    row_sums = adjacency.row_sums if adjacency.row_sums is not None else _row_sums(adjacency)
    if adjacency.values is not None:
        weights *= adjacency.values[entries]
    return Adjacency(offsets(kept), adjacency.indices[entries], adjacency.columns, weights, row_sums=row_sums)


def _distinct(sizes: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """`count` different numbers below each size, a uniform subset, [sizes, count] int64 (Floyd's algorithm)."""
    uniform = torch.rand(count, sizes.numel(), dtype=torch.float64, generator=generator).to(sizes.device)
    chosen = sizes.new_empty(count, sizes.numel())
    for turn in range(count):
        newest = sizes - count + turn
        pick = (uniform[turn] * (newest + 1)).long().clamp(max=newest)
        taken = (chosen[:turn] == pick).any(0)
        chosen[turn] = torch.where(taken, newest, pick)
    return chosen.T


def _row_sums(adjacency: Adjacency) -> Tensor:
    if adjacency.values is None:
        return adjacency.degrees().float()
    sums = torch.zeros(adjacency.rows, device=adjacency.device)
    return sums.index_add_(0, adjacency.row_of_entry(), adjacency.values)
