"""A method: one backbone, one strategy, and at most one rescaler and one quantizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from methods.errors import SpecError
from methods.parameters import canonical
from methods.plugin import KINDS, Kind, find, names
from methods.spec import Spec, Value, parse_specs

if TYPE_CHECKING:
    from torch import nn

    from methods.problem import Problem

REFERENCE_STRATEGY = Spec("full_batch")


@dataclass(frozen=True)
class Method:
    """One choice of each kind, written `gat(layers=3)+coarse_to_fine+dr_rg+qlr(bits=2)`."""

    backbone: Spec
    strategy: Spec = REFERENCE_STRATEGY
    rescaler: Spec | None = None
    quantizer: Spec | None = None

    @classmethod
    def parse(cls, text: str, backbone_defaults: Mapping[str, Value] | None = None) -> Method:
        """Read a method; parts may come in any order, and a part left out means none or full batch.

        Args:
            text: for example `gat(layers=3)+full_batch`.
            backbone_defaults: parameters of the backbone where `text` does not write them out.

        Raises:
            SpecError: an unknown name or parameter, two parts of one kind, or no backbone.
        """
        parts: dict[str, Spec] = {}
        for spec in parse_specs(text):
            kind, plugin = find(spec.name)
            if kind in parts:
                raise SpecError(f"'{text}' has two parts of the kind {kind}: {parts[kind].name} and {spec.name}")
            if kind == "backbone" and backbone_defaults:
                # before the canonical form, which drops what equals the plug-in's own defaults
                spec = Spec(spec.name, {**backbone_defaults, **spec.parameters})
            parts[kind] = canonical(spec, plugin, partial(_of_kind, kind))
        if "backbone" not in parts:
            raise SpecError(f"'{text}' names no backbone; write for example gcn+{text}")
        return cls(**parts)

    @property
    def name(self) -> str:
        """The canonical spelling, which `parse` reads back."""
        return "+".join(str(part) for kind in KINDS if (part := getattr(self, kind)) is not None)

    @property
    def reference(self) -> Method:
        """The method this one is measured against: the same backbone, full batch, FP32."""
        return Method(self.backbone)

    @property
    def track(self) -> Literal["training", "low_bit"]:
        """`low_bit` when numbers are stored or computed in fewer bits, else `training`."""
        return "low_bit" if self.quantizer else "training"

    def build(self, kind: Literal["strategy", "rescaler", "quantizer"]) -> Any:
        """Make the plug-in of a kind, or None where the method has none."""
        spec: Spec | None = getattr(self, kind)
        return None if spec is None else find(spec.name)[1](**spec.parameters)

    def build_backbone(self, problem: Problem) -> nn.Module:
        """Make the network for a problem; integer-coded features get an embedding in front."""
        plugin = find(self.backbone.name)[1]
        if problem.categories is None:
            return plugin(problem.graph.x.shape[1], problem.out_features, **self.backbone.parameters)
        from methods.backbones.embedding import CATEGORY_WIDTH, Embedded

        network = plugin(CATEGORY_WIDTH, problem.out_features, **self.backbone.parameters)
        return Embedded(problem.categories, network)

    def __str__(self) -> str:
        return self.name


def _of_kind(kind: Kind) -> dict[str, type]:
    return {name: find(name)[1] for name in names(kind)}
