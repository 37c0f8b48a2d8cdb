"""Dynamic rescaling: what it costs, which layer should learn first, and whether balance helps.

Runs the suites `layer-order` and `rescaling-smoke`, and times rebalancing and the recording of dynamics beside neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench import suite as suites
from bench.perf.interleave import Interleaved, Sample
from bench.perf.layer_order import LayerOrder
from bench.perf.paired_effects import Effects
from bench.perf.registry import Options
from bench.perf.report import Figures, Goal, Report, Table
from bench.perf.trials import run_trials
from bench.perf.worker import call, usable_threads
from bench.plan import plan
from bench.suite import Suite
from db.records import MethodRecord, TrialRecord
from db.scoring.curve import Curve

TITLE = "Rescaling: what it costs, which layer should learn first, and the sign of what balance does"

_EPOCHS = 10  # of a turn, so that each holds one rebalancing and one sample of the dynamics
_NEITHER, _RECORDING = "neither", f"dynamics recorded every {_EPOCHS} epochs"
_VARIANTS: dict[str, dict[str, Any]] = {
    _NEITHER: {"rescaler": None, "dynamics_every": 0},
    "dr_w": {"rescaler": "dr_w", "dynamics_every": 0},
    "dr_rg": {"rescaler": "dr_rg", "dynamics_every": 0},
    "dr_c": {"rescaler": "dr_c", "dynamics_every": 0},
    _RECORDING: {"rescaler": None, "dynamics_every": _EPOCHS},
}
_MOST = {"dr_w": 1.05, "dr_rg": 1.05, _RECORDING: 1.03}  # dr_c rebalances every epoch and promises nothing
_ORDER, _EFFECTS = "layer-order", "rescaling-smoke"
_TURNS_PER_ROUND = 10
_QUICK_GRID = "minesweeper-grid(side=20)"
_QUICK_PROTOCOL = {"epochs": 20, "evaluate_every": 5}


def run(options: Options) -> Report:
    """Time the variants in one process, then run both suites in one session, with as many seeds or splits as rounds.

    Raises:
        BenchError: a measurement failed, a dataset is missing, or a trial could not be started.
    """
    threads = options.threads or usable_threads()
    cost, kept = _cost(options, threads)
    stored = run_trials([*plan(_order(options)), *plan(_effects(options))], options, "rescaling")
    suites_run = f"{_ORDER}, {_EFFECTS}"
    setting = {"suites": suites_run, "seeds or splits": options.rounds, "threads": stored.threads}
    judged = judge(stored.trials, stored.methods, stored.curves, setting)
    return Report(TITLE, setting, [cost, *judged.tables], [*kept, *judged.goals])


def judge(
    trials: Sequence[TrialRecord], methods: Sequence[MethodRecord], curves: Mapping[str, Curve], setting: dict[str, Any]
) -> Report:
    """Tables and goals from stored trials of both suites.

    Args:
        methods: of all trials, for what they are made of.
    """
    known = {method.name: method for method in methods}
    tables: list[Figures] = []
    goals: list[Goal] = []
    for dataset in dict.fromkeys(trial.dataset for trial in trials):
        here = [trial for trial in trials if trial.dataset == dataset]
        for backbone in dict.fromkeys(known[trial.method].backbone for trial in here):
            study = LayerOrder([trial for trial in here if known[trial.method].backbone == backbone], known, curves)
            if study.has_focus:
                tables.append(study.table(f"{dataset}, {backbone}"))
                goals += study.goals(dataset)
    effects = Effects(trials, known)
    return Report(TITLE, setting, [*tables, *effects.tables()], [*goals, *effects.goals()])


def _cost(options: Options, threads: int) -> tuple[Table, list[Goal]]:
    dataset = _QUICK_GRID if options.quick else "minesweeper"
    data, cache = (None if path is None else str(path) for path in (options.data_dir, options.cache_dir))
    turns = _TURNS_PER_ROUND * options.rounds
    measured = call(
        threads,
        "bench.perf.contenders.rescaling:measure",
        dataset=dataset,
        variants=_VARIANTS,
        epochs=_EPOCHS,
        turns=turns,
        data_dir=data,
        cache_dir=cache,
    )
    samples = Interleaved({name: [Sample(turn) for turn in seconds] for name, seconds in measured.items()})
    title = f"{_EPOCHS} epochs of GATv2, 5 layers x 64, on {dataset}, {turns} turns"
    ratios = {name: samples.ratio(name, _NEITHER) for name in _MOST}
    goals = [
        Goal(f"training time with {name} over without", ratio and ratio.value, _MOST[name])
        for name, ratio in ratios.items()
    ]
    return Table(title, _NEITHER, samples.summaries(_NEITHER)), goals


def _order(options: Options) -> Suite:
    suite = suites.load(_ORDER)
    blocks = suite.run
    if options.quick:
        chosen = {"datasets": ["target-gat(nodes=200,probability=0.02)"], "methods": blocks[0].methods[:2]}
        blocks = [blocks[0].model_copy(update={**chosen, "protocol": _QUICK_PROTOCOL})]
    return suite.model_copy(update={"run": blocks, "seeds": list(range(options.rounds))})


def _effects(options: Options) -> Suite:
    suite = suites.load(_EFFECTS)
    blocks = suite.run
    if options.quick:
        chosen = {"datasets": [_QUICK_GRID], "methods": ["gatv2", "gatv2+dr_rg"]}
        blocks = [blocks[0].model_copy(update={**chosen, "protocol": _QUICK_PROTOCOL})]
    return suite.model_copy(update={"run": blocks, "splits": list(range(options.rounds))})
