"""Running statistics of batch norms, estimated anew on the graph that predictions are made on."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from methods.graph import GraphView
from methods.problem import Problem
from methods.strategies.full_batch import training_graphs


def reestimate_batch_norms(model: nn.Module, finest: Callable[[], GraphView]) -> None:
    """Replace the running statistics of all batch norms by those of one forward pass.

    Everything else is in evaluation mode meanwhile, so that nothing is dropped and no random number is drawn; modes
    and momenta are restored. A model without batch norms is not run, and a single node, which has no variance, changes
    nothing.

    Args:
        finest: makes the view to run on.
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm) and module.running_mean is not None]
    if not norms or (view := finest()).num_nodes < 2:
        return
    modes = [(module, module.training) for module in model.modules()]
    settings = [(norm, norm.momentum, norm.track_running_stats) for norm in norms]
    model.eval()
    for norm in norms:
        norm.reset_running_stats()
        # without momentum the running statistics are the mean of all passes, here of one
        norm.momentum, norm.track_running_stats, norm.training = None, True, True
    with torch.no_grad():
        model(view)
    for module, training in modes:
        module.training = training
    for norm, momentum, tracked in settings:
        norm.momentum, norm.track_running_stats = momentum, tracked


def sample_of(problem: Problem, graphs: int) -> GraphView:
    """The one graph, or at most so many training graphs, evenly spaced so that no random number is needed."""
    if problem.graph.graph_ptr is None:
        return problem.graph
    train = training_graphs(problem)
    count = min(graphs, train.numel())
    return problem.graph.graphs(train[torch.arange(count) * train.numel() // count].to(problem.device))
