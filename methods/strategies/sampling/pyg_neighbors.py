"""Neighbour sampling by PyG's compiled sampler, which needs pyg-lib or torch-sparse."""

from __future__ import annotations

from importlib.util import find_spec

import torch
from torch import Tensor

from methods.graph import GraphView
from methods.strategies.sampling.expansion import Drawn, sampled_adjacency, view_around


def has_compiled_sampler() -> bool:
    """Whether PyG finds one of its compiled companions."""
    # importing PyG takes seconds of a trial's scored time, and mostly there is nothing to find
    if not (find_spec("pyg_lib") or find_spec("torch_sparse")):
        return False
    import torch_geometric.typing as companions

    return companions.WITH_PYG_LIB or companions.WITH_TORCH_SPARSE


class PyGExpansion:
    """Draws views around seeds with `torch_geometric.sampler.NeighborSampler`, on the CPU."""

    def __init__(self, graph: GraphView, neighbors: int) -> None:
        from torch_geometric.data import Data
        from torch_geometric.sampler import NeighborSampler

        self._graph, self._neighbors = graph, neighbors
        edges = torch.stack([graph.adjacency.indices.long(), graph.adjacency.row_of_entry()]).cpu()
        # rows of targets are PyG's sorted order already, so its edge numbers are our positions of entries
        self._sampler = NeighborSampler(Data(edge_index=edges, num_nodes=graph.num_nodes), [neighbors], is_sorted=True)

    def view(self, seeds: Tensor, hops: int, generator: torch.Generator) -> GraphView:
        """The same as `Expansion.view` with as many neighbours as the sampler was made for."""
        from torch_geometric.sampler import NodeSamplerInput

        self._sampler.num_neighbors = [self._neighbors] * hops
        with torch.random.fork_rng(devices=[]):  # the compiled code draws from torch's global generator
            torch.default_generator.manual_seed(int(torch.randint(2**31, (), generator=generator)))
            out = self._sampler.sample_from_nodes(NodeSamplerInput(input_id=None, node=seeds.cpu()))
        device, adjacency = seeds.device, self._graph.adjacency
        order = torch.argsort(out.col, stable=True)
        nodes, columns, entries = (part.to(device) for part in (out.node, out.row[order], out.edge[order]))
        sizes = torch.bincount(out.col.to(device), minlength=nodes.numel())
        degrees = adjacency.ranges(nodes)[1]
        drawn = Drawn(entries, sizes, degrees / sizes.clamp(min=1))
        return view_around(self._graph, nodes, seeds.numel(), sampled_adjacency(adjacency, nodes, columns, drawn))
