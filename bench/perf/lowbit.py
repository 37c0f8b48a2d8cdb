"""Low-bit inference at ogbn-arxiv's size: packed aggregation, GCN and propagation, packing included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from bench.perf.interleave import Interleaved, Sample
from bench.perf.registry import Options
from bench.perf.report import Figure, Figures, Goal, Report, Table
from bench.perf.worker import call, usable_threads

TITLE = "Low bits: aggregation, GCN and propagation in INT2, INT4 and INT8 against FP32, bf16 and PyG, on the CPU"

_CONTENDERS = "bench.perf.contenders.lowbit"
_FP32, _BF16, _CSR = "LeanGNN FP32", "LeanGNN bf16", "PyG, CSR"
_KERNEL_TURNS, _MODEL_TURNS, _LARGE_TURNS = 7, 2, 1  # a round; kernels take milliseconds
_THREADS = (1, 2)
_SAME = 0.1  # of the logits' norm, for INT8 beside FP32
Ask = Callable[..., Any]


def run(options: Options) -> Report:
    """Time all variants in turn, one process for each part and number of threads.

    Without `threads` everything runs on 1 and on 2 threads.

    Raises:
        BenchError: a measurement failed.
    """
    data, cache = (None if path is None else str(path) for path in (options.data_dir, options.cache_dir))
    graph = {"quick": options.quick, "data_dir": data, "cache_dir": cache}
    counts = [options.threads] if options.threads else [count for count in _THREADS if count <= usable_threads()]
    tables: list[Table | Figures] = []
    goals: list[Goal] = []
    setting = {**call(counts[0], "bench.perf.contenders.training:describe", **graph), "rounds": options.rounds}
    for threads in counts:
        part = _Part(threads, options.rounds, partial(call, threads, **graph))
        part.measure()
        tables += part.tables
        goals += part.goals
    return Report(TITLE, setting, tables, goals)


class _Part:
    """Everything on one number of threads."""

    def __init__(self, threads: int, rounds: int, ask: Ask) -> None:
        self.on = f"{threads} thread{'s' if threads > 1 else ''}"
        self.rounds, self.ask = rounds, ask
        self.tables: list[Table | Figures] = []
        self.goals: list[Goal] = []

    def measure(self) -> None:
        self._aggregation()
        self._large_aggregation()
        self._model("gcn", "GCN, 3 layers x 256", {_CSR: 1 / 8, _FP32: 1 / 4, _BF16: 1.0})
        self._model("propagation", "Propagation, 10 steps at 40 classes", {_BF16: 1.0})

    def _aggregation(self) -> None:
        found = self.ask(f"{_CONTENDERS}:aggregation", rounds=_KERNEL_TURNS * self.rounds)
        samples = self._table("A @ x, width 256", found["seconds"])
        for bits, bound in ((2, 1 / 5), (4, 1 / 3)):
            for name in (f"INT{bits} to float32", f"INT{bits}"):
                self._goal(samples, "aggregation", name, _FP32, bound)
        self._rates(samples, found["bytes"], found["bandwidth"])

    def _large_aggregation(self) -> None:
        found = self.ask(f"{_CONTENDERS}:aggregation", rounds=_LARGE_TURNS * self.rounds, larger=True)
        samples = self._table("A @ x, width 256, ten times the nodes and edges", found["seconds"])
        for bits in (2, 4):
            self._goal(samples, "aggregation on the larger graph", f"INT{bits}", _FP32, 1 / 2)

    def _model(self, model: str, title: str, bounds: Mapping[str, float]) -> None:
        found = self.ask(f"{_CONTENDERS}:{model}_inference", rounds=_MODEL_TURNS * self.rounds)
        samples = self._table(f"{title}: one inference", found["seconds"])
        for bits in (2, 4):
            for baseline, bound in bounds.items():
                self._goal(samples, model, f"INT{bits}", baseline, bound)
        differences = found["differences"]
        self.goals.append(Goal(f"{model}, {self.on}: INT8 logits differ from FP32 by", differences["INT8"], _SAME))

    def _table(self, title: str, seconds: Mapping[str, list[float]]) -> Interleaved:
        samples = Interleaved({name: [Sample(turn) for turn in turns] for name, turns in seconds.items()})
        self.tables.append(Table(f"{title} ({self.on})", _FP32, samples.summaries(_FP32)))
        return samples

    def _goal(self, samples: Interleaved, what: str, name: str, baseline: str, bound: float) -> None:
        ratio = samples.ratio(name, baseline)
        text = f"{what}, {self.on}: time of {name} over {baseline}"
        self.goals.append(Goal(text, ratio and ratio.value, bound))

    def _rates(self, samples: Interleaved, moved: Mapping[str, int], bandwidth: float) -> None:
        """How close the aggregations come to the memory's limit.

        Rows that several nodes gather count as often as they are gathered, so that caches may lift a rate above it.
        """
        rates = {
            row.variant: moved[row.variant] / row.seconds for row in samples.summaries(_FP32) if row.variant in moved
        }
        rows: list[tuple[str, list[Figure]]] = [
            (name, [rate / 1e9, rate / bandwidth]) for name, rate in {**rates, "a large copy": bandwidth}.items()
        ]
        self.tables.append(Figures(f"A @ x, width 256: bytes moved ({self.on})", ["GB/s", "of the copy's"], rows))
