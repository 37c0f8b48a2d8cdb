"""Without numba or Triton the same numbers come from plain torch, with one notice."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Iterator

import pytest
import torch

from methods import compilers
from methods.adjacency import Adjacency
from methods.compilers import has_compiler
from methods.graph import GraphView
from methods.lowbit import backend, reference
from methods.method import Method
from methods.problem import Problem


@pytest.fixture
def hide(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Makes a package look as if it were not installed."""
    found = importlib.util.find_spec

    def hidden(package: str) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else found(name))
        compilers._is_installed.cache_clear()

    yield hidden
    compilers._is_installed.cache_clear()


@pytest.mark.parametrize(("kind", "package"), [("cpu", "numba"), ("cuda", "triton")])
def test_the_definition_answers_with_one_notice(hide, kind: str, package: str) -> None:
    hide(package)
    device = torch.device(kind)
    with pytest.warns(UserWarning, match=f"{package} is not installed") as notices:
        assert backend.kernels(device) is reference
        assert not backend.is_compiled(device)
        assert not has_compiler(device)
    assert len(notices) == 1


def test_a_device_that_nothing_compiles_for_gets_no_notice() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not has_compiler(torch.device("meta"))


@pytest.mark.parametrize("spec", ["gcn(layers=2,hidden=16,dropout=0.0)+qlr(bits=2)", "gat(layers=1,heads=2,hidden=8)"])
def test_a_method_runs_without_numba(hide, uneven: Adjacency, spec: str) -> None:
    method = Method.parse(spec)

    def outputs_and_gradient() -> tuple[torch.Tensor, torch.Tensor]:
        torch.manual_seed(0)
        fresh = Adjacency(uneven.indptr, uneven.indices, uneven.columns)
        labels = torch.arange(60) % 3
        graph = GraphView(torch.randn(60, 5), fresh, labels, labels >= 0)
        problem = Problem(graph, "multiclass", 3, torch.Generator())
        network, quantizer = method.build_backbone(problem), method.build("quantizer")
        model = network if quantizer is None else quantizer.apply(network, problem)
        problem.loss(model(graph), graph).backward()
        predicting = model if quantizer is None else quantizer.pack(model, problem)
        with torch.no_grad():
            out = predicting.eval()(graph)
        return out, torch.cat([parameter.grad.flatten() for parameter in network.parameters()])

    compiled = outputs_and_gradient()
    hide("numba")
    with pytest.warns(UserWarning, match="numba is not installed") as notices:
        plain = outputs_and_gradient()
    assert len(notices) == 1
    for found, expected in zip(plain, compiled, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
