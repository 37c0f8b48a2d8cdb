"""What two processes find out together: `python two_processes.py FOLDER RANK CACHE` leaves FOLDER/RANK.json.

Each scenario trains together and, in the first process, alone in the way that is claimed to be the same.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bench.clock import TimeLedger
from bench.datasets import registry
from bench.errors import BenchError
from bench.protocol import Protocol
from bench.team import Processes, Team
from bench.training import Outcome, Trainer
from bench.trial import pose
from methods.graph import GraphView
from methods.method import Method
from methods.problem import Problem, Progress
from methods.strategy import Step, Strategy, Term

CPU = torch.device("cpu")
DATA = "csbm(nodes=120,degree=6.0,features=8,classes=3,signal=2.0)"
GCN = "gcn(layers=2,hidden=8,dropout=0.0)"
CUTS = ((0, 40), (40, 60), (60, 120))
"""Three mini-batches of different sizes, so that the last group of two processes is not complete."""


class Batches(Strategy):
    """The three batches in turn, one a step."""

    def __init__(self, lasts: int = 1, cuts: Iterable[tuple[int, int]] = CUTS) -> None:
        self.lasts, self.cuts = lasts, tuple(cuts)

    def steps(self, problem: Problem, progress: Progress) -> Iterable[Step]:
        for view in problem.own(batches(problem, self.cuts)):
            yield [Term(1.0, view, lasts=self.lasts)]


class Means(Strategy):
    """What two processes make of them, for one: the mean of the first two losses, and then the third."""

    def steps(self, problem: Problem, progress: Progress) -> Iterable[Step]:
        first, second, third = batches(problem)
        yield [Term(0.5, first), Term(0.5, second)]
        yield [Term(1.0, third)]


def batches(problem: Problem, cuts: Iterable[tuple[int, int]] = CUTS) -> list[GraphView]:
    return [problem.graph.induced(torch.arange(*cut)) for cut in cuts]


class Partial(nn.Module):
    """One weight that every batch reaches, one that only the small batch reaches, one that nothing reaches."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.common = nn.Parameter(torch.full((outputs, features), 0.1))
        self.rare = nn.Parameter(torch.full((outputs,), 0.1))
        self.idle = nn.Parameter(torch.ones(3))

    def forward(self, view: GraphView) -> Tensor:
        out = view.x @ self.common.t()
        return out + self.rare if view.num_nodes == 20 else out


class Run:
    """A trainer of a team, or of one process."""

    def __init__(self, cache: str, team: Team, strategy: Strategy, make: Callable[[Problem], nn.Module], **parts: Any):
        data = registry.load(DATA, cache_dir=cache).sealed(0)
        problem, evaluator = pose(data, 0, CPU)
        torch.manual_seed(0)
        self.problem, self.model = problem, make(problem)
        rescaler = parts.pop("rescaler", None)
        settings = {"optimizer": "sgd", "learning_rate": 0.5, "weight_decay": 0.01, "epochs": 2, "dynamics_every": None}
        protocol = Protocol(**{**settings, **parts})
        built = None if rescaler is None else Method.parse(f"gcn+{rescaler}").build("rescaler")
        arguments = (team.share(problem, 0), self.model, strategy, built, None, protocol, evaluator, TimeLedger())
        self.trainer = Trainer(*arguments, lambda point, spent: None, team=team)

    def go(self) -> dict[str, Any]:
        outcome = self.trainer.run()
        return {**_figures(outcome), "parameters": _listed(self.model.parameters())}


def _figures(outcome: Outcome) -> dict[str, Any]:
    return {
        "losses": [point["train_loss"] for point in outcome.curve],
        "steps": outcome.steps,
        "node_visits": outcome.node_visits,
        "edge_visits": outcome.edge_visits,
        "steps_of_schedule": [segment["steps"] for segment in outcome.schedule],
    }


def _listed(tensors: Iterable[Tensor]) -> list[Any]:
    return [tensor.detach().flatten().tolist() for tensor in tensors]


def network(spec: str) -> Callable[[Problem], nn.Module]:
    return lambda problem: Method.parse(spec).build_backbone(problem)


def compared(cache: str, team: Team, make: Callable[[Problem], nn.Module], **settings: Any) -> dict[str, Any]:
    """Together, and in the first process alone."""
    found = {"together": Run(cache, team, Batches(), make, **settings).go()}
    if team.rank == 0:
        found["alone"] = Run(cache, Team(), Means(), make, **settings).go()
    return found


def refused(work: Callable[[], Any]) -> str:
    try:
        work()
    except BenchError as error:
        return str(error)
    return "nothing was refused"


def drifted(cache: str, team: Team) -> str:
    """The second process holds one parameter that is larger by the smallest step there is."""
    run = Run(cache, team, Batches(), network(GCN))
    if team.rank:
        with torch.no_grad():
            weight = next(run.model.parameters())
            weight.view(-1)[0] = torch.nextafter(weight.view(-1)[0], torch.tensor(torch.inf))
    return refused(lambda: team.equalize(run.model))


def still(cache: str, team: Team) -> dict[str, list[float]]:
    """The reported loss of an epoch in which nothing moves, and the losses of its batches."""
    run = Run(cache, team, Batches(), network(GCN), learning_rate=1e-30, epochs=1)
    reported = run.go()["losses"]
    losses = [float(run.problem.loss(run.model.train()(view), view)) for view in batches(run.problem)]
    return {"reported": reported, "losses": losses}


def statistics(cache: str, team: Team) -> dict[str, Any]:
    """Running statistics of batch norm before and after they are made equal."""
    run = Run(cache, team, Batches(), network("gcn(layers=2,hidden=8,norm=batch,dropout=0.0)"), epochs=1)
    before: list[Any] = []
    equalize = team.equalize

    def noted(model: nn.Module) -> None:
        before.extend(_listed(model.buffers()))
        equalize(model)

    team.equalize = noted  # type: ignore[method-assign]
    run.go()
    team.equalize = equalize  # type: ignore[method-assign]
    return {"before": before, "after": _listed(run.model.buffers())}


def main() -> None:
    folder, rank, cache = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    team = Processes(folder, rank, 2, CPU)
    found = {
        "plain": compared(cache, team, network(GCN), clip=0.3),
        "rescaled": compared(cache, team, network(GCN), rescaler="dr_rg(every=1)", learning_rate=0.05),
        "partial": compared(cache, team, lambda problem: Partial(problem.graph.x.shape[1], problem.out_features)),
        "still": still(cache, team),
        "statistics": statistics(cache, team),
        "drifted": drifted(cache, team),
        "gathered": team.gathered(f"process {rank}"),
        "agreed": team.agreed(float(rank + 5)),
    }
    # a refusal ends a team's epoch in the middle, so these come last
    team._met = False  # as for a team that has only just met
    found["too few"] = refused(lambda: Run(cache, team, Batches(cuts=CUTS[:1]), network(GCN)).go())
    found["lasting"] = refused(lambda: Run(cache, team, Batches(lasts=2), network(GCN)).go())
    (folder / f"{rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
