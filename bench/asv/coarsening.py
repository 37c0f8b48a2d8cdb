"""Cost of coarsening: the view of one step at half of the nodes, with the operator that the step needs."""

from __future__ import annotations

from bench.asv.sample_problem import sample_problem
from methods.graph import GraphView
from methods.method import Method
from methods.problem import Progress


class Draw:
    """The coarsest view of two levels, by pooling. Poolings that keep their hierarchy are timed with all of it."""

    params = ("random", "top_k", "cluster", "hybrid", "heavy_edge")
    param_names = ("pooling",)
    timeout = 600

    def setup(self, pooling: str) -> None:
        self.problem = sample_problem()
        self.method = Method.parse(f"gcn(layers=2)+coarse_to_fine(pooling={pooling},levels=2)")
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
