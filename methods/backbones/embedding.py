"""Learned embeddings for integer-coded features, such as the atoms of molecules."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from methods.backbones.backbone import Backbone
from methods.graph import GraphView
from methods.invariance import Invariance

CATEGORY_WIDTH = 100
"""Width of the embedding; OGB's atom encoder uses the hidden width, we keep it the same for all backbones."""


class Embedded(nn.Module):
    """A backbone behind the sum of one embedding per feature column (Hu et al. 2020, OGB's atom encoder)."""

    offsets: Tensor

    def __init__(self, categories: tuple[int, ...], network: nn.Module) -> None:
        super().__init__()
        # one table for all columns: a column's codes start where the previous column's end
        self.register_buffer("offsets", torch.tensor([0, *categories[:-1]]).cumsum(0), persistent=False)
        self.table = nn.Embedding(sum(categories), CATEGORY_WIDTH)
        nn.init.xavier_uniform_(self.table.weight)
        self.network = network
        self.hops = getattr(network, "hops", None)

    def invariance(self) -> Invariance | None:
        """What the backbone declares; the embedding is its input and stays as it is."""
        return self.network.invariance() if isinstance(self.network, Backbone) else None

    def propagation_trace(self, view: GraphView) -> dict[str, Tensor]:
        """That of the backbone."""
        return self.network.propagation_trace(self._embedded(view)) if isinstance(self.network, Backbone) else {}

    def forward(self, view: GraphView) -> Tensor:
        return self.network(self._embedded(view))

    def _embedded(self, view: GraphView) -> GraphView:
        codes = view.x.long() + self.offsets
        return replace(view, x=nn.functional.embedding_bag(codes, self.table.weight, mode="sum"))
