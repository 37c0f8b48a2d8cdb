"""Cost of packing and of inference on packed codes, by bits."""

from __future__ import annotations

import torch

from bench.asv.sample_problem import CLASSES, FEATURES, THREADS, sample_view
from methods.lowbit.aggregate import aggregate_packed
from methods.lowbit.calibration import gcn_grids, grid_of
from methods.lowbit.grid import BITS
from methods.lowbit.operator import SymmetricOperator
from methods.lowbit.packed_gcn import PackedGCN
from methods.lowbit.packing import quantize_rows, unpack

HIDDEN = 64


class Packing:
    """Float rows to packed codes and back."""

    params = BITS
    param_names = ("bits",)

    def setup(self, bits: int) -> None:
        torch.set_num_threads(THREADS)
        self.x = sample_view().x
        self.grid = grid_of(self.x, bits)
        self.packed = quantize_rows(self.x, self.grid)
        unpack(self.packed)

    def time_pack(self, bits: int) -> None:
        quantize_rows(self.x, self.grid)

    def time_unpack(self, bits: int) -> None:
        unpack(self.packed)


class Sums:
    """The sum over neighbours on codes, to float32."""

    params = BITS
    param_names = ("bits",)

    def setup(self, bits: int) -> None:
        torch.set_num_threads(THREADS)
        view = sample_view()
        self.operator = SymmetricOperator.of(view.adjacency)
        self.operand = quantize_rows(view.x, grid_of(view.x, bits), self.operator.root)
        aggregate_packed(self.operator, self.operand)

    def time_sums(self, bits: int) -> None:
        aggregate_packed(self.operator, self.operand)


class Inference:
    """A GCN of two layers from float features to logits, packing included."""

    params = BITS
    param_names = ("bits",)

    def setup(self, bits: int) -> None:
        torch.set_num_threads(THREADS)
        self.view = sample_view()
        generator = torch.Generator().manual_seed(0)
        weights = [
            torch.randn(HIDDEN, FEATURES, generator=generator),
            torch.randn(CLASSES, HIDDEN, generator=generator),
        ]
        biases = [torch.zeros(HIDDEN), torch.zeros(CLASSES)]
        grids = gcn_grids(weights, biases, self.view.x, self.view.adjacency, bits)
        self.model = PackedGCN(weights, biases, grids)
        self.model(self.view.x, self.view.adjacency)

    def time_logits(self, bits: int) -> None:
        self.model(self.view.x, self.view.adjacency)

    def peakmem_logits(self, bits: int) -> None:
        self.model(self.view.x, self.view.adjacency)

    def track_model_bytes(self, bits: int) -> int:
        return self.model.bytes

    track_model_bytes.unit = "bytes"  # type: ignore[attr-defined]
