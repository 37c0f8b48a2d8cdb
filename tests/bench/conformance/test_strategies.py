"""Strategies that break one promise each, and some of ours that keep all."""

from __future__ import annotations

import pytest

from bench.conformance.strategies import PROMISES, evaluates_on_the_full_graph, settles, sums_its_terms

HEAD = '\n@register("strategy", "mine")\nclass Mine(FullBatch):\n    """Mine."""\n'


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (
            "def prepare(self, problem):\n        problem.graph.x[0] = 0\n        return problem",
            "it wrote to x of the problem's graph; work on copies",
        ),
        (
            "def prepare(self, problem):\n        fifty = torch.arange(50)\n"
            "        return replace(problem, graph=problem.graph.induced(fifty))",
            "prepare returns a problem of 50 nodes for a graph of 120",
        ),
        (
            "def prepare(self, problem):\n        mask = torch.ones_like(problem.graph.train_mask)\n"
            "        return replace(problem, graph=replace(problem.graph, train_mask=mask))",
            "prepare changes the labels or the training mask",
        ),
        (
            "def prepare(self, problem):\n        return replace(problem, out_features=7)",
            "prepare changes the task; only features and edges may be replaced",
        ),
    ],
)
def test_problems_that_are_not_the_one_given(write, look, body: str, sentence: str) -> None:
    [target] = write(f"{HEAD}\n    {body}\n")
    check = look(evaluates_on_the_full_graph, target)
    assert check.status == "failed"
    assert check.sentence.startswith(sentence)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("torch.rand(1)", "settle changes the random numbers of torch"),
        (
            "problem.graph.x, torch.rand(1, generator=problem.generator)",
            "settle changes the random numbers of the prob",
        ),
        ("next(model.parameters()).data.add_(1)", "settle changes body"),
        ("model.zero_grad()", "settle changes the gradient of"),
    ],
)
def test_settling_that_does_more(write, look, body: str, sentence: str) -> None:
    [target] = write(f"{HEAD}\n    def settle(self, model, problem):\n        {body}\n")
    check = look(settles, target)
    assert (check.status, check.sentence[: len(sentence)]) == ("failed", sentence)


FICKLE = """
class Fickle(GraphView):
    def __getattribute__(self, name):
        value = super().__getattribute__(name)
        return value * torch.rand(1) if name == "x" else value
"""


@pytest.mark.parametrize(
    ("term", "sentence"),
    [
        ("Term(1.0, Fickle(**vars(problem.graph)))", "a gradient differs from the signed sum of its terms by"),
        ("Term(float('nan'), problem.graph)", "a term has the weight nan; weights must be finite"),
    ],
)
def test_terms_without_a_gradient_of_their_own(write, look, term: str, sentence: str) -> None:
    [target] = write(f"{FICKLE}{HEAD}\n    def steps(self, problem, progress):\n        yield [{term}]\n")
    check = look(sums_its_terms, target)
    assert (check.status, check.sentence[: len(sentence)]) == ("failed", sentence)


def test_a_signed_step_by_hand(write, look) -> None:
    terms = "[Term(2.0, problem.graph), Term(-1.5, problem.graph, lasts=3), Term(-0.5, problem.graph, absolute=1)]"
    [target] = write(f"{HEAD}\n    def steps(self, problem, progress):\n        yield {terms}\n")
    check = look(sums_its_terms, target)
    assert check.status == "passed"
    assert "4 steps are the signed sums of their 12 terms" in check.sentence


@pytest.mark.parametrize(
    "name", ["full_batch", "coarse_to_fine(levels=2)", "multiscale_gradient(levels=2,refresh_every=2)", "sgc", "labor"]
)
def test_ours_keep_all_promises(look, name: str) -> None:
    for promise in PROMISES.values():
        check = look(promise, name)
        assert check.status != "failed", check.sentence
