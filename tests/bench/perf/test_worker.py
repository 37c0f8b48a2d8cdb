"""A function runs in a fresh process in the environment of a trial."""

from __future__ import annotations

import pytest

from bench.errors import BenchError
from bench.perf.worker import call


def test_the_environment_and_threads_are_those_of_a_trial() -> None:
    found = call(1, "bench.allocator:describe_allocator")
    assert found["threads"]["OMP_NUM_THREADS"] == "1" and found["threads"]["OMP_WAIT_POLICY"] == "PASSIVE"


def test_arguments_and_results_cross_the_process() -> None:
    found = call(1, "bench.allocator:trial_environment", base_env={"COLOUR": "blue"}, threads=3)
    assert (found["COLOUR"], found["OMP_NUM_THREADS"]) == ("blue", "3")


def test_a_failure_says_what_failed_and_why() -> None:
    with pytest.raises(BenchError, match=r"bench.allocator:trial_environment failed: TypeError: .*colour"):
        call(1, "bench.allocator:trial_environment", colour="blue")
