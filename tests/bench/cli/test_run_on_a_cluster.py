"""`leangnn run --executor`: what is said when it cannot be."""

from __future__ import annotations

import socket
import sys
from typing import Any

import pytest

RUN = ("run", "--dataset", "minesweeper-grid(side=12)", "--method", "gcn", "--epochs", "1")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--executor", "rya"), "no executor is called 'rya'; did you mean 'ray'?"),
        (("--ray-address", "auto"), "--ray-address has no meaning"),
        (("--slurm", "time=5", "--executor", "ray"), "--slurm has no meaning"),
        (("--executor", "ray", "--device", "cuda:1"), "--device cuda:1 is not possible on a cluster"),
        (("--executor", "slurm"), "--executor slurm needs --threads"),
    ],
)
def test_wrong_words_exit_with_2(sentence: Any, words: tuple[str, ...], said: str) -> None:
    assert sentence(2, *RUN, *words).startswith(said)


def test_an_address_where_nothing_answers_exits_with_1(sentence: Any) -> None:
    pytest.importorskip("ray", reason="Ray is not installed (the extra ray)")
    with socket.socket() as bound:  # bound and not listening, so that nobody else takes the port
        bound.bind(("127.0.0.1", 0))
        address = "{}:{}".format(*bound.getsockname())
        said = sentence(1, *RUN, "--executor", "ray", "--ray-address", address)
    assert said.startswith(f"no Ray cluster answers at {address}; is its head up")


def test_a_missing_package_exits_with_1(sentence: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    said = sentence(1, *RUN, "--executor", "ray")
    assert said == "Ray is not installed; call: pip install 'leangnn[ray]'"
