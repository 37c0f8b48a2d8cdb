"""GraphSAINT's samplers of nodes, and the probability with which each node and each pair of neighbours is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.errors import MethodError

Draw = Callable[[torch.Generator], Tensor]
"""Draws the different nodes of one subgraph, [k] int64."""


class Inclusion(NamedTuple):
    """Probabilities of being in a drawn subgraph.

    Attributes:
        nodes: [nodes] float64.
        entries: [entries] float64; of both ends of an entry of the adjacency together.
    """

    nodes: Tensor
    entries: Tensor


def node_sampler(adjacency: Adjacency, draws: int) -> tuple[Draw, Inclusion]:
    """Nodes by the squared norm of their column of D^-1/2 (A + I) D^-1/2, with replacement.

    Source: Zeng et al. 2020, section 3.4, random node sampler.
    """
    operator = adjacency.normalized("symmetric", self_loops=True)
    assert operator.values is not None
    norms = torch.zeros(adjacency.columns, device=adjacency.device, dtype=torch.float64)
    norms.index_add_(0, operator.indices, operator.values.double() ** 2)
    chances = norms / norms.sum()
    draw_one = _categorical(chances)

    def draw(generator: torch.Generator) -> Tensor:
        return draw_one(draws, generator).unique()

    rows, columns = adjacency.row_of_entry(), adjacency.indices.long()
    return draw, _inclusion(rows, columns, draws, chances, torch.zeros((), device=chances.device))


def edge_sampler(adjacency: Adjacency, draws: int) -> tuple[Draw, Inclusion]:
    """Both ends of edges u - v that are drawn by 1 / degree(u) + 1 / degree(v), with replacement.

    Source: Zeng et al. 2020, section 3.4, random edge sampler.

    Raises:
        MethodError: the graph has no edges.
    """
    _require_edges(adjacency, "edge")
    rows, columns = adjacency.row_of_entry(), adjacency.indices.long()
    inverse = 1 / adjacency.degrees().clamp(min=1).double()
    chances = inverse[rows] + inverse[columns]
    chances /= chances.sum()
    draw_one = _categorical(chances)

    def draw(generator: torch.Generator) -> Tensor:
        drawn = draw_one(draws, generator)
        return torch.cat([rows[drawn], columns[drawn]]).unique()

    touched = torch.zeros(adjacency.rows, device=rows.device, dtype=torch.float64)
    touched.index_add_(0, rows, chances)
    touched.index_add_(0, columns, torch.where(rows == columns, 0, chances))
    return draw, _inclusion(rows, columns, draws, touched, _of_both_directions(adjacency, chances))


def walk_sampler(adjacency: Adjacency, roots: int, length: int) -> Draw:
    """All nodes that random walks from uniformly drawn roots visit; a node without in-neighbours ends its walk.

    Source: Zeng et al. 2020, Alg. 2, random walk sampler. Walks go against the direction of messages.

    Raises:
        MethodError: the graph has no edges.
    """
    _require_edges(adjacency, "walk")

    def draw(generator: torch.Generator) -> Tensor:
        visited = [torch.randint(adjacency.rows, (roots,), generator=generator).to(adjacency.device)]
        for _ in range(length):
            here = visited[-1]
            starts, degrees = adjacency.ranges(here)
            uniform = torch.rand(roots, generator=generator, dtype=torch.float64).to(here.device)
            entries = (starts + (uniform * degrees).long()).clamp(max=adjacency.entries - 1)
            visited.append(torch.where(degrees > 0, adjacency.sources(entries), here))
        return torch.cat(visited).unique()

    return draw


def counted(adjacency: Adjacency, draw: Draw, coverage: int, generator: torch.Generator) -> tuple[Inclusion, int]:
    """Frequencies in trial subgraphs, and how many were drawn: until nodes were met `coverage` times on average.

    What was never met counts as met once. Source: Zeng et al. 2020, section 3.2 and Alg. 1, pre-processing.
    """
    numbered = Adjacency(
        adjacency.indptr,
        adjacency.indices,
        adjacency.columns,
        torch.arange(adjacency.entries, device=adjacency.device),
    )
    nodes = torch.zeros(adjacency.rows, device=adjacency.device, dtype=torch.float64)
    entries = torch.zeros(adjacency.entries, device=adjacency.device, dtype=torch.float64)
    met, subgraphs = 0, 0
    while met < coverage * adjacency.rows:
        drawn = draw(generator)
        inside = numbered.induced(drawn).values
        assert inside is not None
        nodes[drawn] += 1
        entries[inside] += 1
        met, subgraphs = met + drawn.numel(), subgraphs + 1
    return Inclusion(nodes.clamp(min=1) / subgraphs, entries.clamp(min=1) / subgraphs), subgraphs


def _inclusion(rows: Tensor, columns: Tensor, draws: int, of_node: Tensor, of_pair: Tensor) -> Inclusion:
    """Of what is drawn independently so many times.

    Args:
        of_node: [nodes], probability that one draw brings the node.
        of_pair: [entries], probability that one draw brings both ends of an entry.
    """

    def ever(chance: Tensor) -> Tensor:
        return -torch.expm1(draws * torch.log1p(-chance.clamp(max=1)))

    left, right = of_node[rows], of_node[columns]
    both = ever(left) + ever(right) - ever(left + right - of_pair)
    nodes = ever(of_node)
    return Inclusion(nodes, torch.where(rows == columns, nodes[rows], both))


def _of_both_directions(adjacency: Adjacency, chances: Tensor) -> Tensor:
    """For each entry the chance of it and of the entry in the other direction, where there is one, [entries]."""
    rows, columns = adjacency.row_of_entry(), adjacency.indices.long()
    keys, order = torch.sort(rows * adjacency.columns + columns)
    back = columns * adjacency.columns + rows
    place = torch.searchsorted(keys, back).clamp(max=keys.numel() - 1)
    return chances + torch.where(keys[place] == back, chances[order[place]], 0)


def _categorical(chances: Tensor) -> Callable[[int, torch.Generator], Tensor]:
    """Draws of positions with replacement, by their chances; torch.multinomial stops at 2^24 positions."""
    cumulative = chances.cumsum(0)

    def draw(count: int, generator: torch.Generator) -> Tensor:
        uniform = torch.rand(count, generator=generator, dtype=torch.float64).to(chances.device)
        found = torch.searchsorted(cumulative, uniform * cumulative[-1], right=True)
        return found.clamp(max=chances.numel() - 1)

    return draw


def _require_edges(adjacency: Adjacency, sampler: str) -> None:
    if adjacency.entries == 0:
        raise MethodError(
            f"graph_saint(sampler={sampler}) cannot draw from a graph without edges; use graph_saint(sampler=node)"
        )
