"""What is looked at inside one process: with whom a plug-in works, and what its kind promises."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from bench.conformance import backbones, leftovers, quantizers, rescalers, strategies
from bench.conformance.case import Case, Promise, usual_partner, written
from bench.conformance.check import Check, FailedError, checked, described
from bench.conformance.decoy import SETS
from bench.conformance.posed import train
from bench.conformance.target import Target
from bench.datasets import registry
from bench.datasets.graph_data import GraphData
from methods.errors import MethodError
from methods.method import Method
from methods.plugin import Kind, names

GRAPH = "csbm(nodes=240,degree=6.0,features=8,classes=3,signal=1.0)"
PATIENCE = 5.0
"""Scored seconds of a short run, so that a strategy whose epochs never end does not hold everything up."""

_PROMISES: dict[Kind, dict[str, Promise]] = {
    "strategy": strategies.PROMISES,
    "rescaler": rescalers.PROMISES,
    "quantizer": quantizers.PROMISES,
    "backbone": backbones.PROMISES,
}


class _Tried(NamedTuple):
    """Methods that train, and why others do not, by partner."""

    works: dict[str, str]
    refused: dict[str, str]
    broken: dict[str, str]


class Inspection:
    """The checks of one plug-in.

    Args:
        cache_dir: for the small datasets that it is tried on.

    Attributes:
        method: one that works with the plug-in in it, once the checks have begun; None where there is none.
        sets: whether it takes sets of graphs only.
    """

    def __init__(self, target: Target, cache_dir: str) -> None:
        self.target, self.cache_dir = target, cache_dir
        self.method: str | None = None
        self.sets = False

    def checks(self) -> Iterator[Check]:
        """Look at one thing after the other; without company that it works with there is only one check."""
        partners = "strategies" if self.target.kind == "backbone" else "backbones"
        yield checked(f"works with {partners}", self._company)
        if self.method is None:
            return
        case = Case(self.target, Method.parse(self.method), self._data())
        for name, look in (_PROMISES[self.target.kind] | leftovers.PROMISES).items():
            yield checked(name, partial(look, case))

    def _company(self) -> str:
        tried = self._tried()
        refused = [f"refuses {name} ({sentence})" for name, sentence in tried.refused.items()]
        if not tried.works and not tried.broken:
            self.sets = True
            tried, refused = self._tried(), [f"refuses one graph ({next(iter(tried.refused.values()))})"]
        if tried.works:
            self.method = tried.works.get(usual_partner(self.target), next(iter(tried.works.values())))
        if tried.broken:
            partner, reason = next(iter(tried.broken.items()))
            raise FailedError(
                f"it fails with {', '.join(tried.broken)}, with {partner}: {reason}; support it, or raise "
                "methods.errors.MethodError with a sentence that says what it needs"
            )
        if not tried.works:
            raise FailedError(
                f"it {refused[0]}, and sets of graphs ({next(iter(tried.refused.values()))}); "
                "if its defaults are for large graphs, check it with smaller ones, such as 'NAME(size=60)'"
            )
        return "; ".join([f"trains with {', '.join(tried.works)}", *refused])

    def _tried(self) -> _Tried:
        data, tried = self._data(), _Tried({}, {}, {})
        for partner in names("strategy" if self.target.kind == "backbone" else "backbone"):
            text = written(self.target, partner)
            try:
                train(Method.parse(text), data, epochs=2, seconds=PATIENCE)
            except MethodError as error:
                tried.refused[partner] = str(error)
            except Exception as error:
                tried.broken[partner] = described(error)
            else:
                tried.works[partner] = text
        return tried

    def _data(self) -> GraphData:
        return registry.load(SETS if self.sets else GRAPH, None, self.cache_dir).sealed(0)
