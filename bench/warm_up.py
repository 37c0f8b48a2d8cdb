"""Untimed warm-up: kernels are compiled before the clock of a trial starts."""

from __future__ import annotations

import time
from dataclasses import replace

import torch

from bench.optimizer import make_optimizer
from bench.protocol import Protocol
from methods.adjacency import Adjacency
from methods.graph import GraphView
from methods.method import Method
from methods.problem import Problem


def warm_up(method: Method, problem: Problem, protocol: Protocol) -> float:
    """Take a step of the same network on a small graph and predict in few bits, to compile kernels; its seconds."""
    started = time.perf_counter()
    nodes, device = 64, problem.device
    ring = torch.arange(nodes, device=device)
    adjacency = Adjacency.from_edges(torch.cat([ring, ring.roll(1)]), torch.cat([ring.roll(1), ring]), nodes, True)
    # what strategies that draw subgraphs call beside what a step calls
    adjacency.transposed_with_order()
    adjacency.induced(ring).normalized("symmetric", self_loops=True)
    per_graph = problem.graph.level == "graph"
    labels = 1 if per_graph else nodes
    view = GraphView(
        x=torch.zeros(nodes, problem.graph.x.shape[1], device=device),
        adjacency=adjacency,
        y=torch.zeros(labels, dtype=torch.int64, device=device),
        train_mask=torch.ones(labels, dtype=torch.bool, device=device),
        level=problem.graph.level,
        graph_ptr=torch.tensor([0, nodes], device=device) if per_graph else None,
    )
    dummy = replace(problem, graph=view)
    model, quantizer = method.build_backbone(dummy).to(device), method.build("quantizer")
    if quantizer is not None:
        model = quantizer.apply(model, dummy)
    optimizer = make_optimizer(model.train(), protocol)
    problem.loss(model(view), view).backward()
    optimizer.step()
    if quantizer is not None:
        packed = quantizer.pack(model, dummy).eval()
        with torch.inference_mode():
            packed(view)
    return time.perf_counter() - started
