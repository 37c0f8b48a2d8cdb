"""Activation-compressed training (Liu et al. 2022)."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.multiprocessing.reductions import StorageWeakRef

from methods.graph import GraphView
from methods.invariance import Invariance
from methods.plugin import register
from methods.problem import Problem
from methods.quantizer import Quantizer
from methods.quantizers.stochastic_rows import StochasticRows

SMALLEST_WIDTH = 16
"""Matrices of fewer columns stay as they are: their rows' scales would cost as much as is saved, and among them are the
scores of attention, whose noise a softmax would amplify."""


@register("quantizer", "exact")
class Exact(Quantizer):
    """Forward in FP32; what backward needs is kept in few bits, rounded at random (EXACT, Liu et al. 2022).

    Gradients of linear layers, sums and ReLUs are unbiased; those of norms, attention and other activations are not
    exactly so, since they are not linear in what they keep. Predictions are those of FP32. The memory is really saved,
    and pays with time for packing.
    """

    simulated = False

    def __init__(self, *, bits: Literal[2, 4, 8, 32] = 2) -> None:
        self.bits = bits
        self._compressed: CompressedTraining | None = None

    def apply(self, model: nn.Module, problem: Problem) -> nn.Module:
        self._compressed = CompressedTraining(model, self.bits)
        return self._compressed

    def facts(self) -> dict[str, Any]:
        """Bits of kept activations, and their bytes in the last pass of training, compressed and not."""
        model = self._compressed
        return {
            "simulated": False,
            "bits_stored": self.bits,
            "bits_computed": 32,
            "compressed_bytes": 0 if model is None else model.compressed_bytes,
            "original_bytes": 0 if model is None else model.original_bytes,
        }


class CompressedTraining(nn.Module):
    """A network that keeps matrices for backward as `StochasticRows`; parameters and features stay as they are.

    Attributes:
        compressed_bytes, original_bytes: of all matrices that the last pass of training kept compressed, each counted
            once.
    """

    def __init__(self, network: nn.Module, bits: int) -> None:
        super().__init__()
        self.network, self.bits = network, bits
        self.hops = getattr(network, "hops", None)
        self.compressed_bytes = self.original_bytes = 0

    def invariance(self) -> Invariance | None:
        """What the network declares: predictions are the network's."""
        declare = getattr(self.network, "invariance", None)
        return None if declare is None else declare()

    def propagation_trace(self, view: GraphView) -> dict[str, Tensor]:
        """That of the network."""
        measure = getattr(self.network, "propagation_trace", None)
        return {} if measure is None else measure(view)

    def forward(self, view: GraphView) -> Tensor:
        if self.bits == 32 or not torch.is_grad_enabled():
            return self.network(view)
        kept = [*self.network.parameters(), *self.network.buffers(), view.x]
        keeper = _Keeper(self.bits, {tensor.untyped_storage().data_ptr() for tensor in kept})
        with saved_tensors_hooks(keeper.pack, keeper.unpack):
            out = self.network(view)
        keeper.known.clear()  # from here on backward alone decides how long a matrix is kept
        self.compressed_bytes, self.original_bytes = keeper.compressed_bytes, keeper.original_bytes
        return out


class _Keeper:
    """Packs what one pass saves for backward; a matrix that several operations save is packed once."""

    def __init__(self, bits: int, untouched: set[int]) -> None:
        self.bits, self.untouched = bits, untouched
        self.known: dict[tuple, StochasticRows] = {}
        self.compressed_bytes = self.original_bytes = 0

    def pack(self, x: Tensor) -> Tensor | tuple[StochasticRows, torch.Size]:
        if not self._is_worth_it(x):
            return x
        # the weak reference keeps the storage's address from being given to another tensor while it is a key
        storage = StorageWeakRef(x.untyped_storage())
        key = storage, x.storage_offset(), x.shape[0], x.numel(), x._version
        if key not in self.known:
            self.known[key] = StochasticRows.of(x.flatten(1), self.bits)
            self.compressed_bytes += self.known[key].bytes
            self.original_bytes += x.numel() * x.element_size()
        return self.known[key], x.shape

    def unpack(self, kept: Tensor | tuple[StochasticRows, torch.Size]) -> Tensor:
        if isinstance(kept, Tensor):
            return kept
        packed, shape = kept
        return packed.restored().view(shape)

    def _is_worth_it(self, x: Tensor) -> bool:
        return (
            x.dtype in (torch.float32, torch.float64)
            and x.dim() >= 2
            and x.is_contiguous()
            and x.shape[0] > 0
            and x.shape[1:].numel() >= SMALLEST_WIDTH
            and x.untyped_storage().data_ptr() not in self.untouched
        )
