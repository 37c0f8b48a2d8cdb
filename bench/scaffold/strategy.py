"""The strategy my_strategy."""

import torch

from methods.plugin import register
from methods.strategy import Strategy, Term


@register("strategy", "my_strategy")
class MyStrategy(Strategy):
    """Every step sees a random half of the nodes, and the edges between them."""

    def steps(self, problem, progress):
        drawn = torch.rand(problem.graph.num_nodes, generator=problem.generator) < 0.5
        yield [Term(1.0, problem.graph.induced(drawn.nonzero().squeeze(1).to(problem.device)))]
