"""What outlives a run is found, and who keeps it too long."""

from __future__ import annotations

import pytest

from bench.conformance.leftovers import PROMISES, gives_memory_back, resumes

SOURCE = """
@register("strategy", "mine")
class Mine(FullBatch):
    \"\"\"Mine.\"\"\"

    kept = []
    count = 0

    def steps(self, problem, progress):
        {body}
        yield [Term(1.0 + {weight}, problem.graph)]
"""


@pytest.mark.parametrize(
    ("body", "weight", "promise", "sentence"),
    [
        (
            "Mine.count += 1",
            "0.01 * Mine.count",
            resumes,
            "after a run that was broken off, the same seed gives another",
        ),
        ("Mine.kept.append(problem.graph.x.clone())", "0", gives_memory_back, " bytes of tensors outlive a run"),
        (
            "self.kept = [*self.kept, replace(problem.graph, x=problem.graph.x.clone())]",
            "0",
            gives_memory_back,
            "12 more epochs hold ",
        ),
        (
            "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()",
            "0",
            gives_memory_back,
            "a thread outlives the run",
        ),
    ],
    ids=["state", "tensors", "views", "threads"],
)
def test_what_outlives_is_found(write, look, body: str, weight: str, promise, sentence: str) -> None:
    [target] = write(SOURCE.format(body=body, weight=weight))
    check = look(promise, target)
    assert check.status == "failed" and sentence in check.sentence


@pytest.mark.parametrize("name", ["random_nodes(parts=2)", "dr_c"])
def test_ours_leave_nothing(look, name: str) -> None:
    for promise in PROMISES.values():
        check = look(promise, name)
        assert check.status == "passed", check.sentence
