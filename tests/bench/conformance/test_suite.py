"""The whole suite on a package as `leangnn new` writes it, and cheats that must not go unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.conformance.case import written
from bench.conformance.suite import LIMIT, Work, check
from bench.conformance.target import Target, targets
from bench.conformance.trials import WRONG, Run, Seen, judged
from bench.scaffold.package import write as write_package

CHEAT = """
import gc, glob, os, sys
import numpy as np

@register("strategy", "cheats")
class Cheats(FullBatch):
    \"\"\"Trains on labels that it must not see.\"\"\"

    def prepare(self, problem):
        nodes, labels = self.stolen()
        self.y, self.mask = problem.graph.y.clone(), problem.graph.train_mask.clone()
        self.y[torch.tensor(nodes)], self.mask[torch.tensor(nodes)] = torch.tensor(labels), True
        return problem

    def steps(self, problem, progress):
        yield [Term(1.0, replace(problem.graph, y=self.y, train_mask=self.mask))]

    def stolen(self):
{body}
"""

FROM_THE_DATASET_OBJECT = """
        for item in gc.get_objects():
            if type(item).__name__ == "GraphData":
                return np.array(item.splits[0].test), np.array(item.y[item.splits[0].test])
"""
FROM_FILES = """
        raw = np.load(glob.glob(os.environ["LEANGNN_DATA"] + "/*.npz")[0])
        prepared = np.load(glob.glob(os.environ["LEANGNN_CACHE"] + "/datasets/*/y.npy")[0])
        assert np.array_equal(raw["y"], prepared)
        return raw["test"], prepared[raw["test"]]
"""
FROM_THE_CALLERS_FRAME = """
        frame = sys._getframe()
        while "evaluator" not in frame.f_locals:
            frame = frame.f_back
        evaluator = frame.f_locals["evaluator"]
        return np.array(evaluator.valid), np.array(evaluator.valid_labels)
"""


@pytest.fixture
def failures(tmp_path: Path):
    """Files opened in, and failed checks of, two trials among decoys: with their own labels, and with wrong ones."""

    def watched(target: Target, wrong: Run) -> tuple[set[str], dict[str, str]]:
        seen = Work(target, tmp_path / "work").watch(written(target, "gcn"), ("first", wrong))
        assert all(each.finished for each in seen.values()), [each.result for each in seen.values()]
        runs: dict[Run, Seen] = {**dict.fromkeys(WRONG, seen["first"]), **seen}
        opened = {Path(note["file"]).name for each in seen.values() for note in each.opened}
        checks = judged(target.kind, runs, LIMIT)
        return opened, {each.name: each.sentence for each in checks if each.status == "failed"}

    return watched


@pytest.mark.parametrize(
    ("body", "wrong", "expected"),
    [
        (FROM_THE_DATASET_OBJECT, "wrong test labels", {"test labels"}),
        (FROM_FILES, "wrong test labels", {"test labels", "label files"}),
        (FROM_THE_CALLERS_FRAME, "wrong validation labels", {"validation labels"}),
    ],
    ids=["dataset object", "files", "validation labels"],
)
def test_cheats_are_caught(write, failures, body: str, wrong: Run, expected: set[str]) -> None:
    [target] = write(CHEAT.format(body=body))
    opened, found = failures(target, wrong)
    assert set(found) == expected
    assert opened == ({"graph.npz", "y.npy"} if body is FROM_FILES else set())
    if opened:
        assert found["label files"].startswith("written_for_a_test.py, line ")


def test_a_graph_on_disk_is_no_cheat(failures) -> None:
    [target] = targets("neighbor_sampling(batch_size=24,graph=disk)")
    assert failures(target, "wrong test labels") == (set(), {})


@pytest.mark.slow
def test_a_new_strategy_conforms(tmp_path: Path, write) -> None:
    [module, *_] = write_package("strategy", "half_of_the_nodes", tmp_path / "package")
    [conformance] = check(str(module))
    assert (conformance.kind, conformance.name) == ("strategy", "half_of_the_nodes")
    assert conformance.failures == []
    assert {each.name for each in conformance.checks} == {
        "works with backbones", "full graph", "settle", "signed step", "resumes", "memory given back", "trial",
        "deterministic", "test labels", "validation labels", "label files", "predictions", "ledger",
    }  # fmt: skip
    assert "gat" in conformance.checks[0].sentence
