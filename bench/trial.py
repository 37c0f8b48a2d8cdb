"""One trial in one fresh process: `python -m bench.trial FOLDER`.

FOLDER/trial.json says what to run. The process prints one JSON event a line on its standard output and leaves
FOLDER/result.json and FOLDER/predictions.npz. It never opens the store, it gets no test label, and it ends itself when
its parent is gone (its standard input closes).
"""

from __future__ import annotations

import json
import os
import re
import statistics
import sys
import threading
import time
import traceback
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.clock import TimeLedger
from bench.errors import BenchError
from bench.protocol import Protocol

if TYPE_CHECKING:
    import torch

    from bench.datasets.graph_data import GraphData
    from bench.evaluation import Evaluator
    from methods.method import Method
    from methods.problem import Problem
    from methods.strategy import Strategy

_REQUEST = re.compile(r"tried to allocate ([\d.]+) (\w+)", re.IGNORECASE)
"""How torch says which allocation failed, on the CPU and on a GPU."""
REPORT_SECONDS = 0.2
"""Shortest time between two progress events."""


def main() -> None:
    """Run the trial of the folder named on the command line; the exit code is 0 whenever result.json was written."""
    folder = Path(sys.argv[1])
    document = json.loads((folder / "trial.json").read_text())
    events = claim_standard_output()
    end_with_parent()
    ledger = TimeLedger(document["started_ns"], _synchronizer(document["device"]))
    try:
        result = run(document, folder, ledger, events)
    except Exception as error:
        result = {"status": _status_of(error), "reason": _sentence(error), "log_tail": _tail(traceback.format_exc())}
    try:
        result["ledger"] = asdict(ledger.close())
    except BenchError as error:
        result = {"status": "crashed", "reason": str(error)}
    # renamed into place, so that the parent never reads half a result
    partial = folder / "result.partial"
    partial.write_text(json.dumps(result))
    partial.rename(folder / "result.json")
    events.flush()
    os._exit(0)  # tearing torch down takes up to a second and nobody waits for anything in it


def run(document: dict[str, Any], folder: Path, ledger: TimeLedger, events: Any) -> dict[str, Any]:
    """Load, prepare, train; return the result document without its ledger."""
    import numpy as np
    import torch

    from bench.allocator import describe_allocator
    from bench.datasets.registry import load
    from bench.meters.energy import EnergyMeter
    from bench.meters.memory import MemoryMeter
    from bench.training import Trainer
    from methods.method import Method

    print(json.dumps({"stage": "loading"}), file=events, flush=True)
    torch.set_num_threads(document["protocol"]["threads"])
    device = torch.device(document["device"])
    protocol = Protocol.from_settings(document["protocol"])
    torch.set_float32_matmul_precision(protocol.matmul_precision)
    method = Method.parse(document["method"])
    data = load(document["dataset"], document["data_dir"], document["cache_dir"]).sealed(document["split"])
    torch.manual_seed(document["seed"])
    problem, evaluator = pose(data, document["seed"], device)
    mask_before = _hash(problem.graph.train_mask)
    warm_up_seconds = warm_up(method, problem, protocol)
    memory, energy = MemoryMeter(document["device"]), EnergyMeter(document["device"])
    # with everything warm, all randomness starts again from the trial's seed
    torch.manual_seed(document["seed"])
    memory.start()
    energy.start()
    quantizer, strategy, rescaler = method.build("quantizer"), method.build("strategy"), method.build("rescaler")
    with ledger.account("preprocess"):
        problem = prepared(strategy, problem)
        model = method.build_backbone(problem).to(device)
        problem = replace(problem, hops=getattr(model, "hops", None))
        if quantizer is not None:
            model = quantizer.apply(model, problem)
    report = _reporter(events)
    trainer = Trainer(
        problem, model, strategy, rescaler, quantizer, protocol, evaluator, ledger, report, memory.excluded
    )
    outcome = trainer.run()
    energy_reading, memory_reading = energy.stop(), memory.stop()
    with ledger.account("checkpoint"):
        np.savez_compressed(
            folder / "predictions.npz", valid=outcome.predictions["valid"], test=outcome.predictions["test"]
        )
    if _hash(problem.graph.train_mask) != mask_before:
        raise BenchError("the training mask changed during training; a strategy must not write to the problem")
    missed = outcome.reached_target is False
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
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "model_bytes": outcome.model_bytes,
        "inference_seconds": statistics.median(evaluator.inference_seconds),
        "peak_memory_bytes": memory_reading.peak_bytes,
        "memory": {**memory_reading.numbers, **({"reason": memory_reading.reason} if memory_reading.reason else {})},
        "energy_joules": energy_reading.joules,
        "energy": energy_reading.details,
        "environment": {
            "allocator": describe_allocator(),
            "strategy": strategy.facts(),
            "rescaler": None if rescaler is None else rescaler.facts(),
            "quantizer": outcome.quantizer,
            "matmul_precision": torch.get_float32_matmul_precision(),
            "warm_up_seconds": warm_up_seconds,
        },
    }


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
    labels = np.full_like(data.y, -1)
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
    evaluator = Evaluator(data.metric, split.valid, split.test, data.y[split.valid])
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


def warm_up(method: Method, problem: Problem, protocol: Protocol) -> float:
    """Take a step of the same network on a small graph and predict in few bits, to compile kernels; its seconds."""
    import torch

    from bench.optimizer import make_optimizer
    from methods.adjacency import Adjacency
    from methods.graph import GraphView

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


def claim_standard_output() -> Any:
    """Keep the standard output for events; whatever else prints goes to the standard error."""
    events = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return events


def end_with_parent() -> None:
    """End this process when its standard input closes, which is when its parent is gone."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _reporter(events: Any):
    last = 0.0

    def report(point: dict[str, Any], spent: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= REPORT_SECONDS or spent >= 1:
            last = now
            print(json.dumps({"spent": spent, **point}), file=events, flush=True)

    return report


def _synchronizer(device: str):
    if not device.startswith("cuda"):
        return None
    import torch

    return torch.cuda.synchronize


def _status_of(error: Exception) -> str:
    name = type(error).__name__
    if isinstance(error, MemoryError) or "OutOfMemory" in name or "can't allocate memory" in str(error):
        return "out_of_memory"
    return "crashed"


def _sentence(error: Exception) -> str:
    from methods.errors import MethodError

    if found := _REQUEST.search(str(error)):
        size = f"{int(found[1]) / 1e9:,.1f} GB" if found[2] == "bytes" else f"{found[1]} {found[2]}"
        return f"the trial asked for {size} of memory at once, more than the device could give"
    first = str(error).strip().partition("\n")[0] or "no message"
    return first if isinstance(error, BenchError | MethodError) else f"{type(error).__name__}: {first}"


def _missed(protocol: Protocol, curve: list[dict[str, Any]]) -> str:
    best = max(point["validation_metric"] for point in curve)
    return f"the best validation metric was {best:.4f}; the target was {protocol.target}"


def _tail(text: str, lines: int = 30) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])


def _hash(mask: torch.Tensor) -> int:
    return hash(mask.cpu().numpy().tobytes())


if __name__ == "__main__":
    main()
