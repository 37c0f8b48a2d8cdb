"""Cost of coarsening: the view of one step at half of the nodes, with the operator that the step needs."""

from __future__ import annotations

from bench.asv.sample_problem import sample_problem
from methods.graph import GraphView
from methods.method import Method
from methods.problem import Progress

STRATEGIES = {
    "random": "coarse_to_fine(pooling=random,levels=2)",
    "top_k": "coarse_to_fine(pooling=top_k,levels=2)",
    "hybrid": "coarse_to_fine(pooling=hybrid,levels=2)",
    "heavy_edge": "coarse_to_fine(pooling=heavy_edge,levels=2)",
    "ego": "sub_to_full(subgraphs=ego,levels=2)",
    "clusters": "sub_to_full(subgraphs=clusters,levels=2)",
}
"""The strategy that draws by each pooling."""


class Draw:
    """The coarsest view of two levels, by pooling. What a pooling makes once, hierarchy or partition, is timed too."""

    params = tuple(STRATEGIES)
    param_names = ("pooling",)
    timeout = 600

    def setup(self, pooling: str) -> None:
        self.problem = sample_problem()
        self.method = Method.parse(f"gcn(layers=2)+{STRATEGIES[pooling]}")
        self._draw()  # kernels are compiled with the first call

    def time_draw(self, pooling: str) -> None:
        self._draw()

    def peakmem_draw(self, pooling: str) -> None:
        self._draw()

    def track_share_of_edges_kept(self, pooling: str) -> float:
        return self._draw().num_edges / self.problem.graph.num_edges

    track_share_of_edges_kept.unit = "share"  # type: ignore[attr-defined]

    def _draw(self) -> GraphView:
        strategy = self.method.build("strategy")
        problem = strategy.prepare(self.problem)
        [term] = next(iter(strategy.steps(problem, Progress(0, 0.0))))
        view: GraphView = term.view
        view.adjacency.normalized("symmetric", self_loops=True)
        return view
