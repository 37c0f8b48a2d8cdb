"""The one training loop: what it computes, when it stops, whom it calls, what it charges."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.clock import TimeLedger
from bench.datasets.graph_data import GraphData
from bench.errors import BenchError
from bench.evaluation import Evaluator
from bench.metrics import balanced_accuracy
from bench.protocol import Protocol
from bench.scorer import METRICS
from bench.training import Outcome, Trainer
from bench.trial import pose
from methods.graph import GraphView
from methods.method import Method
from methods.problem import Problem, Progress
from methods.quantizer import Quantizer
from methods.rescaler import Factors, Rescaler
from methods.strategies.full_batch import FullBatch
from methods.strategy import Step, Strategy, Term


class Linear(nn.Module):
    """One linear layer without bias that starts at zero, so that gradients can be computed by hand."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, features))

    def forward(self, view: GraphView) -> Tensor:
        return view.x @ self.weight.t()


class Terms(Strategy):
    """The whole graph with these weights, in as many steps an epoch as there are lists."""

    def __init__(self, *steps: list[float]) -> None:
        self.weights = steps
        self.seen: list[Progress] = []

    def steps(self, problem: Problem, progress: Progress) -> Iterable[Step]:
        self.seen.append(progress)
        for weights in self.weights:
            yield [Term(weight, problem.graph) for weight in weights]


class Says:
    """An evaluator that returns what it is told; the predictions name the look they come from."""

    def __init__(self, metrics: list[float], seconds: float = 0.0) -> None:
        self.metrics, self.seconds, self.models = iter(metrics), seconds, list[nn.Module]()

    def evaluate(self, model: nn.Module, problem: Problem) -> tuple[float, dict[str, Any]]:
        self.models.append(model)
        time.sleep(self.seconds)
        return next(self.metrics), {"valid": len(self.models), "test": len(self.models)}


class Run:
    """A trainer on the blocks, with a part replaced."""

    def __init__(self, data: GraphData, protocol: Protocol, **parts: Any) -> None:
        self.problem, self.evaluator = pose(data.sealed(0), 0, torch.device("cpu"))
        self.evaluator = parts.get("evaluator", self.evaluator)
        self.model = parts.get("model", Linear(data.features, self.problem.out_features))
        self.ledger, self.points = TimeLedger(), list[tuple[dict[str, Any], float]]()
        trainer = Trainer(
            self.problem, self.model, parts.get("strategy", FullBatch()), parts.get("rescaler"),
            parts.get("quantizer"), protocol, self.evaluator, self.ledger,
            lambda point, spent: self.points.append((dict(point), spent)),
        )  # fmt: skip
        self.outcome: Outcome = trainer.run()


def sgd(**settings: Any) -> Protocol:
    return Protocol(**{"optimizer": "sgd", "learning_rate": 0.5, "epochs": 1, **settings})


def network(data: GraphData, spec: str = "gcn(layers=2,hidden=16,dropout=0.0)") -> Any:
    """A backbone for a set, the same at each call."""
    torch.manual_seed(0)
    return Method.parse(spec).build_backbone(pose(data, 0, torch.device("cpu"))[0])


def gradient(data: GraphData, weight: Tensor) -> Tensor:
    """Of the mean cross-entropy of a linear model, in closed form: (softmax - onehot)^T x / n."""
    train = data.splits[0].train
    x, y = torch.from_numpy(np.array(data.x[train])), torch.from_numpy(np.array(data.y[train]))
    return (torch.softmax(x @ weight.t(), 1) - nn.functional.one_hot(y, data.classes)).t() @ x / len(train)


def test_one_step_of_full_batch_by_hand(blocks: GraphData) -> None:
    run = Run(blocks, sgd())
    expected = -0.5 * gradient(blocks, torch.zeros(3, 8))
    assert torch.allclose(run.model.weight, expected, atol=1e-6)
    assert run.outcome.curve[0]["train_loss"] == pytest.approx(math.log(3), abs=1e-6)


def test_the_terms_of_a_step_are_one_signed_sum(blocks: GraphData) -> None:
    # 2 - 3 + 1.5 = 0.5 of the gradient, in one step
    run = Run(blocks, sgd(), strategy=Terms([2.0, -3.0, 1.5]))
    assert torch.allclose(run.model.weight, -0.25 * gradient(blocks, torch.zeros(3, 8)), atol=1e-6)
    assert run.outcome.curve[0]["train_loss"] == pytest.approx(0.5 * math.log(3), abs=1e-6)
    assert run.outcome.steps == 1


def test_two_steps_an_epoch_are_two_updates_and_their_mean_is_the_loss(blocks: GraphData) -> None:
    run = Run(blocks, sgd(), strategy=Terms([1.0], [1.0]))
    once = -0.5 * gradient(blocks, torch.zeros(3, 8))
    twice = once - 0.5 * gradient(blocks, once)
    assert torch.allclose(run.model.weight, twice, atol=1e-6)
    train = blocks.splits[0].train
    logits = torch.from_numpy(np.array(blocks.x[train])) @ once.t()
    second = nn.functional.cross_entropy(logits, torch.from_numpy(np.array(blocks.y[train])))
    assert run.outcome.curve[0]["train_loss"] == pytest.approx((math.log(3) + float(second)) / 2, abs=1e-6)
    assert (run.outcome.epochs, run.outcome.steps) == (1, 2)


def test_visits_count_every_term(blocks: GraphData) -> None:
    outcome = Run(blocks, sgd(epochs=3, evaluate_every=2), strategy=Terms([1.0, -0.5], [1.0])).outcome
    # three terms an epoch, three epochs
    assert (outcome.node_visits, outcome.edge_visits) == (9 * blocks.nodes, 9 * blocks.edges)
    assert [point["node_visits"] for point in outcome.curve] == [6 * blocks.nodes, 9 * blocks.nodes]


def test_a_network_learns_and_the_loss_falls(blocks: GraphData) -> None:
    torch.manual_seed(0)
    model = Method.parse("gcn(layers=2,hidden=16,dropout=0.0)").build_backbone(pose(blocks, 0, torch.device("cpu"))[0])
    outcome = Run(blocks, Protocol(epochs=40), model=model).outcome
    losses = [point["train_loss"] for point in outcome.curve]
    assert losses[-1] < losses[20] < losses[0]
    assert outcome.validation_metric > 0.8
    assert outcome.validation_metric == max(point["validation_metric"] for point in outcome.curve)


def test_evaluation_every_few_epochs_and_at_the_end(blocks: GraphData) -> None:
    run = Run(blocks, sgd(epochs=7, evaluate_every=3))
    assert [(point["epoch"], spent) for point, spent in run.points] == [
        (3, pytest.approx(3 / 7)),
        (6, pytest.approx(6 / 7)),
        (7, 1.0),
    ]
    assert [point for point, _ in run.points] == run.outcome.curve


def test_the_earliest_of_the_best_epochs_is_selected_with_its_predictions(blocks: GraphData) -> None:
    outcome = Run(blocks, sgd(epochs=5), evaluator=Says([0.2, 0.6, 0.5, 0.6, 0.1])).outcome
    assert (outcome.selected_epoch, outcome.validation_metric) == (2, 0.6)
    assert outcome.predictions == {"valid": 2, "test": 2}


def test_patience_counts_evaluations_without_gain(blocks: GraphData) -> None:
    says = Says([0.5, 0.6, 0.6, 0.4, 0.9])
    outcome = Run(blocks, sgd(epochs=50, evaluate_every=2, patience=2), evaluator=says).outcome
    # evaluations at epochs 2, 4, 6 (equal is no gain) and 8
    assert [point["epoch"] for point in outcome.curve] == [2, 4, 6, 8]
    assert (outcome.epochs, outcome.selected_epoch) == (8, 4)


class Balances(Says):
    """The same with a balanced accuracy of its own beside each metric."""

    def __init__(self, metrics: list[float], balanced: list[float]) -> None:
        super().__init__(metrics)
        self.balanced = balanced

    def balanced_accuracy(self, predictions: dict[str, Any]) -> float:
        return self.balanced[predictions["valid"] - 1]


def test_balanced_accuracy_selects_and_counts_patience_where_the_protocol_says_so(blocks: GraphData) -> None:
    def run(select_by: str) -> Outcome:
        says = Balances([0.5, 0.7, 0.6, 0.9, 0.8], [0.5, 0.2, 0.6, 0.6, 0.1])
        return Run(blocks, sgd(epochs=50, patience=2, target=0.9, select_by=select_by), evaluator=says).outcome

    balanced = run("balanced_accuracy")
    assert [point["validation_metric"] for point in balanced.curve] == [0.5, 0.7, 0.6, 0.9, 0.8]
    assert (balanced.selected_epoch, balanced.validation_metric, balanced.predictions["valid"]) == (3, 0.6, 3)
    assert balanced.reached_target is True  # the target is one of the metric
    with pytest.raises(StopIteration):  # epoch 4 is a gain by the metric, so that a sixth evaluation is asked for
        run("metric")


def test_a_real_evaluator_selects_by_the_balanced_accuracy_of_its_predictions(blocks: GraphData) -> None:
    run = Run(blocks, Protocol(epochs=30, select_by="balanced_accuracy"), model=network(blocks))
    labels = blocks.y[blocks.splits[0].valid]
    assert run.evaluator.balanced_accuracy(run.outcome.predictions) > 0.6
    shorter = [Run(blocks, Protocol(epochs=epochs), model=network(blocks)) for epochs in (1, 5, 30)]
    others = [each.evaluator.balanced_accuracy(each.outcome.predictions) for each in shorter]
    assert balanced_accuracy(run.outcome.predictions["valid"], labels) >= max(others)
    metric = METRICS["accuracy"](run.outcome.predictions["valid"], labels)
    at_selection = run.outcome.curve[run.outcome.selected_epoch - 1]
    assert metric == run.outcome.validation_metric == at_selection["validation_metric"]


@pytest.mark.parametrize(("target", "reached"), [(None, None), (0.6, True), (0.61, False)])
def test_targets_are_reached_or_missed(blocks: GraphData, target: float | None, reached: bool | None) -> None:
    outcome = Run(blocks, sgd(epochs=3, target=target), evaluator=Says([0.5, 0.6, 0.4])).outcome
    assert outcome.reached_target is reached
    assert outcome.epochs == 3


def test_gradients_are_clipped_to_their_norm(blocks: GraphData) -> None:
    run = Run(blocks, sgd(clip=0.01))
    assert run.model.weight.norm().item() == pytest.approx(0.5 * 0.01, rel=1e-3)
    direction = -gradient(blocks, torch.zeros(3, 8))
    assert torch.allclose(run.model.weight, 0.005 * direction / direction.norm(), atol=1e-6)


class Order(Rescaler):
    """Notes what is called and what there is at that moment."""

    def attach(self, model: nn.Module, optimizer: torch.optim.Optimizer, problem: Problem) -> None:
        super().attach(model, optimizer, problem)
        self.calls = ["attach"]

    def before_forward(self, progress: Progress) -> None:
        self.calls.append(f"forward {progress.epoch} {'old' if self.model.weight.grad is not None else 'no'} gradient")

    def before_update(self, progress: Progress) -> None:
        self.calls.append(f"update {progress.epoch}")
        self.model.weight.grad.mul_(2.0)


def test_a_rescaler_is_called_in_order_and_may_change_what_the_optimizer_gets(blocks: GraphData) -> None:
    order = Order()
    run = Run(blocks, sgd(epochs=2, clip=1000.0), rescaler=order, strategy=Terms([1.0]))
    assert order.calls == ["attach", "forward 0 no gradient", "update 0", "forward 1 old gradient", "update 1"]
    once = -gradient(blocks, torch.zeros(3, 8))
    assert torch.allclose(run.model.weight, once - gradient(blocks, once), atol=1e-6)


class Turns(nn.Module):
    """Two linear layers without bias or activation."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.first = nn.Parameter(torch.randn(4, features, generator=generator) * 0.3)
        self.second = nn.Parameter(torch.randn(outputs, 4, generator=generator) * 0.3)

    def forward(self, view: GraphView) -> Tensor:
        return view.x @ self.first.t() @ self.second.t()


class ThereAndBack(Rescaler):
    """Multiplies hidden units before the forward pass, more in each epoch, and undoes it before the update.

    So the parameters take the path that they take without it.
    """

    def before_forward(self, progress: Progress) -> Factors | None:
        return self._multiply(torch.tensor([4.0, 1.0, 0.5, 2.0]) ** (1 + progress.epoch))

    def before_update(self, progress: Progress) -> Factors | None:
        return self._multiply(torch.tensor([0.25, 1.0, 2.0, 0.5]) ** (1 + progress.epoch))

    def _multiply(self, units: Tensor) -> Factors:
        factors = {self.model.first: units.view(-1, 1), self.model.second: 1 / units}
        with torch.no_grad():
            for parameter, factor in factors.items():
                parameter.mul_(factor)
                if parameter.grad is not None:
                    parameter.grad.div_(factor)
        return factors


@pytest.mark.parametrize("told", [True, False])
def test_lasting_gradients_follow_the_parameters_that_a_rescaler_multiplies(blocks: GraphData, told: bool) -> None:
    class Silent(ThereAndBack):
        def _multiply(self, units: Tensor) -> Factors:
            super()._multiply(units)
            return {}

    def trained(rescaler: Rescaler | None) -> Turns:
        # one gradient that is kept, one of that step alone, and one kept from a later step
        strategy = Views([{"weight": 0.5, "lasts": 4}, {}], [{}], [{"lasts": 2}], [{}])
        return Run(blocks, sgd(epochs=4), model=Turns(8, 3), strategy=strategy, rescaler=rescaler).model

    plain, rescaled = trained(None), trained(ThereAndBack() if told else Silent())
    # the factors are powers of two, so nothing is rounded; a rescaler that does not say them takes another path
    assert torch.equal(plain.first, rescaled.first) is told
    assert torch.equal(plain.second, rescaled.second) is told


class Rounds(Quantizer):
    """Predicts with a packed copy, and keeps all of them."""

    def __init__(self) -> None:
        self.packed: list[nn.Module] = []

    def apply(self, model: nn.Module, problem: Problem) -> nn.Module:
        return model

    def pack(self, model: nn.Module, problem: Problem) -> nn.Module:
        self.packed.append(nn.Module())
        return self.packed[-1]


def test_predictions_come_from_the_packed_model(blocks: GraphData) -> None:
    quantizer, says = Rounds(), Says([0.5, 0.5])
    Run(blocks, sgd(epochs=2), quantizer=quantizer, evaluator=says)
    assert says.models == quantizer.packed
    assert len(says.models) == 2


def test_what_a_quantizer_says_is_of_the_model_that_made_the_predictions(blocks: GraphData) -> None:
    class Counts(Rounds):
        def pack(self, model: nn.Module, problem: Problem) -> nn.Module:
            packed = super().pack(model, problem)
            packed.bytes = 100 * len(self.packed)  # type: ignore[assignment]
            return packed

        def facts(self) -> dict[str, Any]:
            return {"looks": len(self.packed)}

    run = Run(blocks, sgd(epochs=3), quantizer=Counts(), evaluator=Says([0.5, 0.9, 0.1]))
    assert (run.outcome.quantizer, run.outcome.model_bytes) == ({"looks": 2}, 200)
    plain = Run(blocks, sgd(epochs=1)).outcome
    assert (plain.quantizer, plain.model_bytes) == (None, 4 * 3 * 8)


def test_the_bytes_that_compressed_training_saves_are_recorded(blocks: GraphData) -> None:
    quantizer = Method.parse("gcn+exact(bits=4)").build("quantizer")
    model = quantizer.apply(network(blocks, "gcn(layers=2,hidden=64)"), pose(blocks, 0, torch.device("cpu"))[0])
    said = Run(blocks, sgd(epochs=2), model=model, quantizer=quantizer).outcome.quantizer
    assert said is not None and not said["simulated"]
    assert 0 < said["compressed_bytes"] < said["original_bytes"] / 4


def test_evaluation_is_not_in_scored_time(blocks: GraphData) -> None:
    run = Run(blocks, sgd(epochs=3), evaluator=Says([0.1, 0.2, 0.3], seconds=0.15))
    ledger = run.ledger.close()
    assert ledger.evaluate >= 0.45
    assert ledger.scored == pytest.approx(ledger.preprocess + ledger.compile + ledger.train)
    assert run.outcome.curve[-1]["scored_seconds"] <= ledger.scored
    # what evaluation took is in one account and only there
    assert ledger.wall - ledger.scored >= 0.45


class Slow(Terms):
    """Each step of the endless epoch takes a while, as sampling does."""

    def steps(self, problem: Problem, progress: Progress) -> Iterable[Step]:
        self.seen.append(progress)
        while True:
            time.sleep(0.05)
            yield [Term(1.0, problem.graph)]


def test_a_budget_in_seconds_ends_within_a_step_and_counts_sampling(blocks: GraphData) -> None:
    slow = Slow()
    outcome = Run(blocks, sgd(epochs=None, seconds=0.2), strategy=slow).outcome
    assert outcome.epochs == 1
    assert 1 <= outcome.steps <= 4  # each step takes at least 0.05 of the 0.2 s
    assert outcome.curve[-1]["scored_seconds"] >= 0.2
    assert outcome.selected_epoch == 1


def test_slow_evaluation_does_not_use_up_a_budget_in_seconds(blocks: GraphData) -> None:
    says = Says([0.1] * 3, seconds=0.5)
    outcome = Run(blocks, sgd(epochs=3, seconds=1.0), evaluator=says, strategy=Terms([1.0])).outcome
    assert outcome.epochs == 3


def test_of_two_budgets_the_first_one_spent_ends_the_trial(blocks: GraphData) -> None:
    assert Run(blocks, sgd(epochs=2, seconds=600.0)).outcome.epochs == 2
    fractions = Terms([1.0])
    Run(blocks, sgd(epochs=4, evaluate_every=4), strategy=fractions)
    assert [progress.fraction for progress in fractions.seen] == [0.0, 0.25, 0.5, 0.75]


def test_preparation_that_uses_up_the_budget_is_said(blocks: GraphData) -> None:
    with pytest.raises(BenchError, match=r"preparation alone took .* s of the budget of 1e-09 s, so nothing was tr"):
        Run(blocks, sgd(epochs=None, seconds=1e-9), rescaler=Order())


def test_divergence_is_said_with_its_epoch(blocks: GraphData) -> None:
    with pytest.raises(BenchError, match=r"the training loss is (nan|inf) in epoch 2; the method has diverged"):
        Run(blocks, sgd(epochs=9, learning_rate=1e38), strategy=Terms([1.0]))


def test_an_epoch_without_steps_is_said(blocks: GraphData) -> None:
    with pytest.raises(BenchError, match="the strategy made no step in epoch 1"):
        Run(blocks, sgd(), strategy=Terms())


def test_validation_labels_change_the_selection_but_never_the_weights(blocks: GraphData) -> None:
    turned = np.array(blocks.y)
    valid = blocks.splits[0].valid
    turned[valid] = (turned[valid] + 1) % blocks.classes
    honest, deceived = Run(blocks, sgd(epochs=5)), Run(replace(blocks, y=turned), sgd(epochs=5))
    assert torch.equal(honest.model.weight, deceived.model.weight)
    assert honest.outcome.validation_metric != deceived.outcome.validation_metric


def test_with_permuted_test_labels_the_run_is_the_same_and_scores_at_chance(blocks: GraphData) -> None:
    test, y = blocks.splits[0].test, np.array(blocks.y)
    np.random.default_rng(0).shuffle(y_test := y[test])
    y[test] = y_test
    scores, curves = [], []
    for labels in (blocks.y, y):
        torch.manual_seed(0)
        network = Method.parse("gcn(layers=2,hidden=16)").build_backbone(pose(blocks, 0, torch.device("cpu"))[0])
        outcome = Run(replace(blocks, y=labels), Protocol(epochs=30), model=network).outcome
        scores.append(METRICS["accuracy"](outcome.predictions["test"], labels[test]))
        curves.append([(point["train_loss"], point["validation_metric"]) for point in outcome.curve])
    assert curves[0] == curves[1]
    assert scores[0] > 0.8
    assert scores[1] < 0.65  # three classes; 15 labels leave a wide margin around 1/3


def test_a_real_evaluator_holds_no_test_label(blocks: GraphData) -> None:
    _, evaluator = pose(blocks.sealed(0), 0, torch.device("cpu"))
    assert isinstance(evaluator, Evaluator)
    assert np.array_equal(evaluator.valid_labels, blocks.y[blocks.splits[0].valid])
    assert {name for name in vars(evaluator) if "label" in name} == {"valid_labels"}


class Views(Strategy):
    """One step an epoch with the terms it was given, and its own words about itself."""

    def __init__(self, *epochs: list[dict[str, Any]], budget: float = 1.0) -> None:
        self.epochs, self.budget, self.settled = epochs, budget, 0

    def steps(self, problem: Problem, progress: Progress) -> Iterable[Step]:
        yield [Term(**{"weight": 1.0, "view": problem.graph, **term}) for term in self.epochs[progress.epoch]]

    def settle(self, model: nn.Module, problem: Problem) -> None:
        self.settled += 1


def test_the_schedule_has_one_segment_as_long_as_the_scales_stay(blocks: GraphData) -> None:
    halves = Views([{"scale": 1}], [{"scale": 1}], [{"scale": 0}, {"scale": 1, "weight": -1.0}], [{"scale": 0}])
    outcome = Run(blocks, sgd(epochs=4), strategy=halves).outcome
    segments = [(part["scales"], part["epoch"], part["steps"]) for part in outcome.schedule]
    assert segments == [([1], 0, 2), ([0, 1], 2, 1), ([0], 3, 1)]
    assert [part["node_visits"] for part in outcome.schedule] == [count * blocks.nodes for count in (2, 2, 1)]
    assert sum(part["edge_visits"] for part in outcome.schedule) == outcome.edge_visits == 5 * blocks.edges
    seconds = [part["scored_seconds"] for part in outcome.schedule]
    assert seconds == sorted(seconds) and seconds[-1] <= outcome.curve[-1]["scored_seconds"]


def test_a_strategy_settles_before_each_evaluation(blocks: GraphData) -> None:
    strategy = Views(*[[{}]] * 5)
    Run(blocks, sgd(epochs=5, evaluate_every=2), strategy=strategy)
    assert strategy.settled == 3


def test_a_lasting_gradient_is_added_as_often_as_it_lasts(blocks: GraphData) -> None:
    # the same as gradients at the first weights three times, and the fresh ones of the other term
    strategy = Views([{"weight": 0.5, "lasts": 3}, {}], [{}], [{}], [{}])
    run = Run(blocks, sgd(epochs=4), strategy=strategy)
    weight = torch.zeros(3, 8)
    first = gradient(blocks, weight)
    for epoch in range(4):
        weight = weight - 0.5 * (gradient(blocks, weight) + (0.5 * first if epoch < 3 else 0.0))
    assert torch.allclose(run.model.weight, weight, atol=1e-6)


@pytest.mark.parametrize(("weights", "sign"), [((1.0, -0.5), 1.0), ((0.5, -1.0), -1.0)])
def test_the_absolute_value_of_a_sum_turns_the_gradient_where_the_sum_is_negative(
    blocks: GraphData, weights: tuple[float, float], sign: float
) -> None:
    terms = [{"weight": weight, "absolute": 0} for weight in weights]
    run = Run(blocks, sgd(), strategy=Views([*terms, {"weight": 0.25}]))
    first = gradient(blocks, torch.zeros(3, 8))
    assert torch.allclose(run.model.weight, -0.5 * (sign * sum(weights) + 0.25) * first, atol=1e-6)
    assert run.outcome.curve[0]["train_loss"] == pytest.approx(0.75 * math.log(3), abs=1e-6)


def test_two_absolute_values_are_two_sums(blocks: GraphData) -> None:
    # |0.5 - 1| + |1| = 1.5 and not |0.5 - 1 + 1| = 0.5
    terms = [{"weight": 0.5, "absolute": 0}, {"weight": -1.0, "absolute": 0}, {"weight": 1.0, "absolute": 1}]
    run = Run(blocks, sgd(), strategy=Views(terms))
    assert torch.allclose(run.model.weight, -0.5 * 1.5 * gradient(blocks, torch.zeros(3, 8)), atol=1e-6)


class Modes(nn.Module):
    """A batch norm before a linear layer, and what mode each forward pass found."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.linear, self.seen = nn.BatchNorm1d(8), nn.Linear(8, 3), list[bool]()

    def forward(self, view: GraphView) -> Tensor:
        self.seen.append(self.training)
        return self.linear(self.norm(view.x))


@pytest.mark.parametrize(
    ("mode", "trains", "moves"), [("train", True, True), ("keep_statistics", True, False), ("evaluate", False, False)]
)
def test_terms_set_the_mode_of_the_model(blocks: GraphData, mode: str, trains: bool, moves: bool) -> None:
    model = Modes()
    Run(blocks, sgd(epochs=1), model=model, strategy=Views([{"mode": mode}]), evaluator=Says([0.5]))
    assert model.seen == [trains]
    assert (model.norm.running_mean.abs().sum() > 0) == moves
    again = Modes()
    Run(blocks, sgd(epochs=2), model=again, strategy=Views([{"mode": mode}], [{}]), evaluator=Says([0.5, 0.5]))
    assert again.seen == [trains, True] and again.norm.running_mean.abs().sum() > 0


@pytest.mark.parametrize("limit", [{"epochs": 8}, {"epochs": 8, "seconds": 600.0}])
def test_a_strategy_may_take_a_share_of_the_budget(blocks: GraphData, limit: dict[str, Any]) -> None:
    run = Run(blocks, sgd(**limit), strategy=FullBatch(budget=0.5))
    assert run.outcome.epochs == 4
    assert run.points[-1][1] == 1.0
    whole = Run(blocks, sgd(epochs=4))
    assert torch.equal(run.model.weight, whole.model.weight)


def test_evaluation_runs_inside_its_context_and_training_does_not(blocks: GraphData) -> None:
    events: list[str] = []

    @contextmanager
    def noted():
        events.append("in")
        yield
        events.append("out")

    class Looks(Says):
        def evaluate(self, model: nn.Module, problem: Problem) -> tuple[float, dict[str, Any]]:
            events.append("look")
            return super().evaluate(model, problem)

    problem, _ = pose(blocks.sealed(0), 0, torch.device("cpu"))
    parts = (Linear(blocks.features, problem.out_features), Terms([1.0]), None, None, sgd(epochs=2))
    says = Looks([0.1, 0.2])
    Trainer(problem, *parts, says, TimeLedger(), lambda point, spent: events.append("point"), noted).run()
    assert events == ["in", "look", "out", "point"] * 2


def test_dynamics_are_sampled_in_the_first_step_of_every_few_epochs(blocks: GraphData) -> None:
    model = network(blocks)
    start = [layer.weights[0].norm().item() for layer in model.invariance().layers]
    run = Run(blocks, sgd(epochs=8, dynamics_every=3, clip=1e-3), model=model, strategy=Terms([1.0], [1.0]))
    series = {one["quantity"]: one for one in run.outcome.dynamics}
    assert {tuple(one["epochs"]) for one in series.values()} == {(0, 3, 6)}
    # before the first update, and after clipping: these layers have most of the gradient, biases the rest
    assert series["weight_norm"]["values"][0] == pytest.approx(start, rel=1e-5)
    assert series["weight_norm"]["values"][1] != series["weight_norm"]["values"][0]
    for gradients in series["gradient_norm"]["values"]:
        assert 1e-4 < math.hypot(*gradients) < 1e-3


def test_dynamics_are_sampled_after_a_rescaler(blocks: GraphData) -> None:
    class Doubles(Rescaler):
        def before_update(self, progress: Progress) -> Factors | None:
            for parameter in self.model.parameters():
                if parameter.grad is not None:
                    parameter.grad.mul_(2.0)

    plain, doubled = (
        Run(blocks, sgd(dynamics_every=1), model=network(blocks), rescaler=rescaler).outcome.dynamics
        for rescaler in (None, Doubles())
    )
    for before, after in zip(plain, doubled, strict=True):
        factor = 2.0 if before["quantity"].endswith("gradient_norm") else 1.0
        if before["quantity"] in ("gradient_norm", "relative_gradient_norm", "weight_norm"):
            assert after["values"][0] == pytest.approx([factor * value for value in before["values"][0]], rel=1e-4)


def test_dynamics_are_evaluation_and_change_no_weight(blocks: GraphData) -> None:
    events: list[str] = []

    @contextmanager
    def noted():
        events.append("in")
        yield
        events.append("out")

    def run(every: int | None) -> tuple[nn.Module, Outcome]:
        model, ledger = network(blocks), TimeLedger()
        problem, _ = pose(blocks.sealed(0), 0, torch.device("cpu"))
        protocol = sgd(epochs=4, evaluate_every=4, dynamics_every=every)
        parts = (problem, model, FullBatch(), None, None, protocol, Says([0.5]), ledger)
        trainer = Trainer(*parts, lambda point, spent: events.append("point"), noted)
        if every is not None:
            record = trainer.dynamics.record

            def slowly(epoch: int) -> None:
                events.append(f"sample {epoch}")
                time.sleep(0.1)
                record(epoch)

            trainer.dynamics.record = slowly
        outcome = trainer.run()
        if every is not None:
            assert ledger.close().evaluate >= 0.2
        return model, outcome

    sampled, _ = run(2)
    assert events == ["in", "sample 0", "out", "in", "sample 2", "out", "in", "out", "point"]
    unsampled, without = run(None)
    assert without.dynamics == []
    assert all(torch.equal(*pair) for pair in zip(sampled.parameters(), unsampled.parameters(), strict=True))


def test_a_network_without_invariance_leaves_no_dynamics(blocks: GraphData) -> None:
    assert Run(blocks, sgd(epochs=2, dynamics_every=1)).outcome.dynamics == []
