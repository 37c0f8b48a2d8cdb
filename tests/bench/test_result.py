"""What an error becomes in a trial's result, and that a result is read whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bench.errors import BenchError
from bench.result import failure, leave, left, sentence, status_of


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 2500000000 bytes"),
            "out_of_memory",
            "the trial asked for 2.5 GB of memory at once, more than the device could give",
        ),
        (
            torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total of"),
            "out_of_memory",
            "the trial asked for 20.00 GiB of memory at once, more than the device could give",
        ),
        (MemoryError(), "out_of_memory", "MemoryError: no message"),
        (ValueError("first line\nsecond line"), "crashed", "ValueError: first line"),
        (BenchError("a sentence of ours"), "crashed", "a sentence of ours"),
    ],
    ids=["CPU", "CUDA", "Python", "foreign", "ours"],
)  # fmt: skip
def test_errors_become_a_status_and_one_sentence(error: Exception, status: str, said: str) -> None:
    assert (status_of(error), sentence(error)) == (status, said)


def test_a_failure_keeps_the_end_of_its_traceback() -> None:
    def lose() -> None:
        raise ValueError("the sampler lost its way")

    try:
        lose()
    except ValueError as error:
        result = failure(error)
    assert (result["status"], result["reason"]) == ("crashed", "ValueError: the sampler lost its way")
    assert "in lose" in result["log_tail"]
    assert result["log_tail"].endswith("ValueError: the sampler lost its way")


def test_a_result_that_was_left_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    assert left(path) is None
    leave(path, {"status": "finished"})
    assert left(path) == {"status": "finished"}
    assert [each.name for each in tmp_path.iterdir()] == ["result.json"]
