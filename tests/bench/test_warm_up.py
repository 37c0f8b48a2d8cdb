"""Warming up: it compiles what a trial runs and touches nothing of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch

from bench.datasets.graph_data import GraphData
from bench.protocol import Protocol
from bench.trial import pose
from bench.warm_up import warm_up
from methods.method import Method

SMALL = "gcn(layers=2,hidden=8)"


def test_warming_up_leaves_the_problem_and_its_random_numbers_alone(blocks: GraphData) -> None:
    problem, _ = pose(blocks.sealed(0), 7, torch.device("cpu"))
    untouched, _ = pose(blocks.sealed(0), 7, torch.device("cpu"))
    assert warm_up(Method.parse(SMALL), problem, Protocol()) > 0
    assert torch.equal(problem.graph.x, untouched.graph.x)
    assert torch.equal(problem.generator.get_state(), untouched.generator.get_state())


COUNTED = """
import sys
import torch
from bench.datasets.registry import load
from bench.protocol import Protocol
from bench.trial import pose
from bench.warm_up import warm_up
from methods.method import Method
from methods.kernels import lowbit_cpu, lowbit_packing_cpu

def versions():
    modules = (lowbit_cpu, lowbit_packing_cpu)
    compiled = [each for module in modules for each in vars(module).values() if hasattr(each, "signatures")]
    return {each.py_func.__name__: len(each.signatures) for each in compiled}

data = load("csbm(nodes=120,degree=6.0,features=8,classes=3)", cache_dir=sys.argv[1])
for name in ("gcn(layers=2,hidden=8)+qlr(bits=2)", "appnp(hidden=8,steps=2)+minmax(bits=4)"):
    method = Method.parse(name)
    problem, evaluator = pose(data.sealed(0), 0, torch.device("cpu"))
    warm_up(method, problem, Protocol())
    warm = versions()
    assert sum(warm.values()) > 0, "no kernel of packed rows was used"
    quantizer = method.build("quantizer")
    model = quantizer.apply(method.build_backbone(problem), problem)
    problem.loss(model(problem.graph), problem.graph).backward()
    evaluator.evaluate(quantizer.pack(model, problem), problem)
    assert versions() == warm, (warm, versions())
"""


def test_warming_up_compiles_what_a_quantizer_runs(cache: Path) -> None:
    # a process of its own, because other tests have compiled everything here; kernels stay in their usual folder
    command = [sys.executable, "-c", COUNTED, str(cache)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
