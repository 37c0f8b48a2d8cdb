"""One trial in one fresh process: `python -m bench.trial FOLDER`.

FOLDER/trial.json says what to run. The process prints one JSON event a line on its standard output and leaves
FOLDER/result.json and FOLDER/predictions.npz. It never opens the store, it gets no test label, and it ends itself when
its parent is gone (its standard input closes).
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.child import Report, claim_standard_output, end_with_parent, reporter
from bench.clock import TimeLedger
from bench.errors import BenchError
from bench.parallel import PATIENCE, LostError, Others, check_devices, check_method, document_of
from bench.protocol import Protocol
from bench.result import failure, leave

if TYPE_CHECKING:
    import torch

    from bench.datasets.graph_data import GraphData
    from bench.evaluation import Evaluator
    from bench.meters.energy import EnergyReading
    from bench.meters.memory import MemoryReading
    from bench.team import Team
    from bench.training import Outcome
    from methods.problem import Problem
    from methods.strategy import Strategy

_ending = threading.Lock()


@dataclass(frozen=True)
class Trained:
    """What training leaves to the first process of a trial; in the others the readings are their own."""

    outcome: Outcome
    parameters: int
    inference_seconds: list[float]
    memory: MemoryReading
    energy: EnergyReading
    environment: dict[str, Any]


def main() -> None:
    """Run the trial of the folder named on the command line; the exit code is 0 whenever result.json was written."""
    folder = Path(sys.argv[1])
    asked = json.loads((folder / "trial.json").read_text())
    document = document_of(asked, rank=0)
    events = claim_standard_output()
    end_with_parent()
    ledger = TimeLedger(document["started_ns"], _synchronizer(document["device"]))
    others: Others | None = None
    try:
        processes = document["protocol"]["processes"]
        check_devices(asked["device"], processes)
        if processes > 1:
            others = Others(folder, processes, document["threads"], lambda said: _end(said, folder, events))
        result = run(document, folder, ledger, events)
    except LostError as error:
        time.sleep(PATIENCE)  # the others' own words come in a thread, which ends this process
        result = failure(error)
    except Exception as error:
        result = failure(error)
    if others is not None:
        others.stop()
    try:
        result["ledger"] = asdict(ledger.close())
    except BenchError as error:
        result = {"status": "crashed", "reason": str(error)}
    _end(result, folder, events)


def _end(result: dict[str, Any], folder: Path, events: Any) -> None:
    """Leave the result and end this process, once, whichever thread comes first."""
    _ending.acquire()
    leave(folder / "result.json", result)
    events.flush()
    os._exit(0)  # tearing torch down takes up to a second and nobody waits for anything in it


def run(document: dict[str, Any], folder: Path, ledger: TimeLedger, events: Any) -> dict[str, Any]:
    """Load, prepare, train; return the result document without its ledger."""
    import numpy as np

    from bench.datasets.registry import load

    print(json.dumps({"stage": "loading"}), file=events, flush=True)
    place = document["data_dir"], document["cache_dir"]
    trained = train(
        document, load(document["dataset"], *place).sealed(document["split"]), folder, 0, ledger, reporter(events)
    )
    outcome = trained.outcome
    with ledger.account("checkpoint"):
        np.savez_compressed(
            folder / "predictions.npz", valid=outcome.predictions["valid"], test=outcome.predictions["test"]
        )
    missed = outcome.reached_target is False
    protocol = Protocol.from_settings(document["protocol"])
    return {
        "status": "missed_target" if missed else "finished",
        "reason": _missed(protocol, outcome.curve) if missed else None,
        "curve": outcome.curve,
        "dynamics": outcome.dynamics,
        "validation_metric": outcome.validation_metric,
        "selected_epoch": outcome.selected_epoch,
        "epochs": outcome.epochs,
        "node_visits": outcome.node_visits,
        "edge_visits": outcome.edge_visits,
        "schedule": outcome.schedule,
        "parameters": trained.parameters,
        "model_bytes": outcome.model_bytes,
        "inference_seconds": statistics.median(trained.inference_seconds),
        "peak_memory_bytes": trained.memory.peak_bytes,
        "memory": {**trained.memory.numbers, **({"reason": trained.memory.reason} if trained.memory.reason else {})},
        "energy_joules": trained.energy.joules,
        "energy": trained.energy.details,
        "environment": trained.environment,
    }


def train(
    document: dict[str, Any], data: GraphData, folder: Path, rank: int, ledger: TimeLedger, report: Report
) -> Trained:
    """What every process of a trial does with a sealed dataset: prepare, train, measure.

    Raises:
        BenchError: the method cannot be trained so, or it wrote to the problem.
        LostError: another process is gone.
    """
    import torch

    from bench.allocator import describe_allocator
    from bench.meters.energy import EnergyMeter
    from bench.meters.joined import joined_energy, joined_memory
    from bench.meters.memory import MemoryMeter
    from bench.stored_problem import check_on_disk, pose_on_disk
    from bench.training import Trainer
    from bench.warm_up import warm_up
    from methods.method import Method

    torch.set_num_threads(document["threads"])
    device = torch.device(document["device"])
    if device.index is not None:
        torch.cuda.set_device(device)
    protocol = Protocol.from_settings(document["protocol"])
    torch.set_float32_matmul_precision(protocol.matmul_precision)
    method = Method.parse(document["method"])
    check_method(method, protocol)
    torch.manual_seed(document["seed"])
    on_disk = method.build("strategy").graph == "disk"
    problem, evaluator = (pose_on_disk if on_disk else pose)(data, document["seed"], device)
    if on_disk:
        del data  # a graph on disk leaves nothing of all nodes in memory
    mask_before = _hash(problem.graph.train_mask)
    warm_up_seconds = warm_up(method, problem, protocol)
    team = _join(folder, rank, protocol.processes, device)
    memory, energy = MemoryMeter(document["device"]), EnergyMeter(document["device"])
    # with everything warm, all randomness starts again from the trial's seed
    torch.manual_seed(document["seed"])
    memory.start()
    if rank == 0 or device.type == "cuda":  # the counter of a CPU covers all processes
        energy.start()
    team.agreed(0.0)  # the others work from here on, and not while the first one measures idle power
    quantizer, strategy, rescaler = method.build("quantizer"), method.build("strategy"), method.build("rescaler")
    with ledger.account("preprocess"):
        problem = prepared(strategy, problem)
        model = method.build_backbone(problem).to(device)
        problem = replace(problem, hops=getattr(model, "hops", None))
        if quantizer is not None:
            model = quantizer.apply(model, problem)
        if on_disk:
            check_on_disk(method, model)
        problem = team.share(problem, document["seed"])
    parts = (problem, model, strategy, rescaler, quantizer, protocol, evaluator, ledger)
    outcome = Trainer(*parts, report, memory.excluded, team).run()
    own = energy.stop(), memory.stop(), {**strategy.facts(), "one_node_steps": outcome.one_node_steps}
    if _hash(problem.graph.train_mask) != mask_before:
        raise BenchError("the training mask changed during training; a strategy must not write to the problem")
    energies, memories, facts = zip(*(team.gathered(own) or [own]), strict=True)
    return Trained(
        outcome,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        inference_seconds=evaluator.inference_seconds,
        memory=joined_memory(memories),
        energy=joined_energy(energies, document["device"]),
        environment={
            "allocator": describe_allocator(),
            "strategy": facts[0],
            "rescaler": None if rescaler is None else rescaler.facts(),
            "quantizer": outcome.quantizer,
            "matmul_precision": torch.get_float32_matmul_precision(),
            "warm_up_seconds": warm_up_seconds,
            "processes": None if team.size == 1 else {**team.facts(), "strategies": facts},
        },
    )


def _join(folder: Path, rank: int, processes: int, device: torch.device) -> Team:
    from bench import team

    return team.Team() if processes == 1 else team.Processes(folder, rank, processes, device)


def pose(data: GraphData, seed: int, device: torch.device) -> tuple[Problem, Evaluator]:
    """The training problem of a sealed dataset, and the evaluator that holds its validation labels.

    The problem's labels are -1 outside the training set, so no strategy can read a validation label either.
    """
    import numpy as np
    import torch

    from bench.evaluation import Evaluator
    from methods.adjacency import Adjacency
    from methods.graph import GraphView
    from methods.problem import Problem

    split = data.splits[0]
    labels = np.full(len(data.y), -1)
    labels[split.train] = data.y[split.train]
    mask = np.zeros(len(data.y), dtype=bool)
    mask[split.train] = True
    graph = GraphView(
        x=torch.from_numpy(np.array(data.x)),
        adjacency=Adjacency(
            torch.from_numpy(np.array(data.indptr)),
            torch.from_numpy(np.array(data.indices)),
            data.nodes,
            symmetric=data.undirected,
        ),
        y=torch.from_numpy(labels),
        train_mask=torch.from_numpy(mask),
        level=data.level,
        graph_ptr=None if data.graph_ptr is None else torch.from_numpy(np.array(data.graph_ptr)),
    )
    binary = data.metric == "roc_auc"
    problem = Problem(
        graph=graph.to(device),
        task="binary" if binary else "multiclass",
        out_features=1 if binary else data.classes,
        generator=torch.Generator().manual_seed(seed),
        categories=data.categories,
    )
    evaluator = Evaluator(data.metric, split.valid, split.test, data.y[split.valid].astype(np.int64))
    return problem, evaluator


def prepared(strategy: Strategy, problem: Problem) -> Problem:
    """What a strategy makes of a problem before training.

    Raises:
        BenchError: it made nothing.
    """
    made = strategy.prepare(problem)
    if made is None:  # other people's strategies: an easy mistake with a baffling consequence
        raise BenchError(f"{type(strategy).__name__}.prepare returned nothing; it must return the problem to train on")
    return made


def _synchronizer(device: str):
    if not device.startswith("cuda"):
        return None

    def synchronize() -> None:
        import torch  # not sooner: it reads the number of threads from the environment

        torch.cuda.synchronize()

    return synchronize


def _missed(protocol: Protocol, curve: list[dict[str, Any]]) -> str:
    best = max(point["validation_metric"] for point in curve)
    return f"the best validation metric was {best:.4f}; the target was {protocol.target}"


def _hash(mask: torch.Tensor) -> int:
    return hash(mask.cpu().numpy().tobytes())


if __name__ == "__main__":
    main()
