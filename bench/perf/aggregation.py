"""Full-batch training at ogbn-arxiv's size: LeanGNN's aggregation against PyTorch Geometric's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from bench.perf.interleave import Interleaved, Sample, interleave
from bench.perf.registry import Options
from bench.perf.report import Goal, Report, Table
from bench.perf.worker import call, usable_threads

TITLE = "Aggregation: one training epoch of GCN and GAT against PyTorch Geometric, on the CPU"

_TRAINING = "bench.perf.contenders.training"
_GCN = {
    "LeanGNN GCN": "gcn",
    "PyG GCNConv, edge_index": "pyg_gcn_edge_index",
    "PyG GCNConv, CSR": "pyg_gcn_csr",
}
_GAT = {"LeanGNN GAT": "gat", "PyG GATConv": "pyg_gat"}
Ask = Callable[..., Any]
_AGREEMENT = 1e-4
_KERNEL_ROUNDS = 7  # a product takes milliseconds, so that more turns cost little


def run(options: Options) -> Report:
    """Train 3 layers of 256 with dropout, every variant in its own process; then compare outputs and bare kernels.

    Raises:
        BenchError: a measurement failed.
    """
    threads = options.threads or usable_threads()
    data, cache = _text(options.data_dir), _text(options.cache_dir)
    ask: Ask = partial(call, threads, quick=options.quick, data_dir=data, cache_dir=cache)
    gcn = interleave(_turns(_GCN, ask), options.rounds)
    gat = interleave(_turns(_GAT, ask), options.rounds)
    setting = {**ask(f"{_TRAINING}:describe"), "threads": threads, "rounds": options.rounds}
    tables = [
        Table("GCN, 3 layers x 256: one training epoch", list(_GCN)[1], gcn.summaries(list(_GCN)[1])),
        Table("GAT, 3 layers, 8 heads x 32: one training epoch", list(_GAT)[1], gat.summaries(list(_GAT)[1])),
        *_kernel_tables(ask, options.rounds),
    ]
    return Report(TITLE, setting, tables, [*_gcn_goals(gcn), *_gat_goals(gat), *_agreement_goals(ask)])


def _turns(variants: dict[str, str], ask: Ask) -> dict[str, Callable[[], Sample]]:
    def turn(contender: str) -> Sample:
        return Sample(**ask(f"{_TRAINING}:train", contender=contender))

    return {name: partial(turn, contender) for name, contender in variants.items()}


def _kernel_tables(ask: Ask, rounds: int) -> list[Table]:
    measured = ask("bench.perf.contenders.kernels:measure", rounds=_KERNEL_ROUNDS * rounds)
    tables = []
    for width, seconds in measured.items():
        samples = Interleaved({name: [Sample(turn) for turn in turns] for name, turns in seconds.items()})
        tables.append(Table(f"A @ x, width {width}", "torch.sparse.mm", samples.summaries("torch.sparse.mm")))
    return tables


def _gcn_goals(measured: Interleaved) -> list[Goal]:
    ours, edge_index, csr = _GCN
    return [
        _time_goal(measured, ours, edge_index, 1 / 4),
        _time_goal(measured, ours, csr, 1 / 2),
        _memory_goal(measured, ours, edge_index, 1.0),
        _memory_goal(measured, ours, csr, 1.0),
    ]


def _gat_goals(measured: Interleaved) -> list[Goal]:
    ours, theirs = _GAT
    return [_time_goal(measured, ours, theirs, 1 / 2), _memory_goal(measured, ours, theirs, 0.4)]


def _agreement_goals(ask: Ask) -> list[Goal]:
    goals = []
    for variants in (_GCN, _GAT):
        (ours, contender), *others = variants.items()
        for theirs, other in others:
            found = ask(f"{_TRAINING}:agreement", ours=contender, theirs=other)
            goals += [Goal(f"{what} of {ours} and {theirs} differ by", found[what], _AGREEMENT) for what in found]
    return goals


def _time_goal(measured: Interleaved, ours: str, theirs: str, bound: float) -> Goal:
    ratio = measured.ratio(ours, theirs)
    return Goal(f"time of {ours} over {theirs}", ratio and ratio.value, bound)


def _memory_goal(measured: Interleaved, ours: str, theirs: str, bound: float) -> Goal:
    ratio = measured.memory_ratio(ours, theirs)
    return Goal(f"memory of {ours} over {theirs}", ratio and ratio.value, bound)


def _text(path: object) -> str | None:
    return None if path is None else str(path)
