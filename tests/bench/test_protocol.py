"""Settings of a protocol: what is possible, and one key for equal settings."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bench.errors import UsageError
from bench.protocol import OPTIMIZERS, Protocol


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"epoch": 5}, "'epoch' is no setting of a protocol; did you mean 'epochs'?"),
        ({"optimizer": "adm"}, "no optimizer is called 'adm'; did you mean 'adam'"),
        ({"optimizer": 3}, "no optimizer is called '3'"),
        ({"optimizer": ["adam"]}, "no optimizer is called"),
        ({"epochs": 0}, "epochs=0 is not possible; it must be at least 1"),
        ({"epochs": 2.5}, "epochs must be a whole number, not 2.5"),
        ({"epochs": True}, "epochs must be a whole number, not True"),
        ({"learning_rate": 0}, "learning_rate=0 is not possible; it must be above 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a number, not nan"),
        ({"learning_rate": "fast"}, "learning_rate must be a number, not 'fast'"),
        ({"learning_rate": None}, "learning_rate must be a number, not None"),
        ({"weight_decay": -0.1}, "weight_decay=-0.1 is not possible; it must be at least 0"),
        ({"clip": 0}, "clip=0 is not possible; it must be above 0"),
        ({"seconds": float("inf")}, "seconds must be a number, not inf"),
        ({"seconds": 0}, "seconds=0 is not possible; it must be above 0"),
        ({"evaluate_every": 0}, "evaluate_every=0 is not possible; it must be at least 1"),
        ({"patience": 0}, "patience=0 is not possible; it must be at least 1"),
        ({"target": 90}, "target=90.0 is not possible; metrics are fractions, so write 0.9 for 90 %"),
        ({"matmul_precision": "low"}, "matmul_precision='low' is not possible; choose from: highest, high, medium"),
        ({"select_by": "auc"}, "select_by='auc' is not possible; choose from: metric, balanced_accuracy"),
        ({"select_by": ["metric"]}, "is not possible; choose from: metric, balanced_accuracy"),
        ({"dynamics_every": -1}, "dynamics_every=-1 is not possible; it must be at least 1"),
        ({"dynamics_every": 2.5}, "dynamics_every must be a whole number, not 2.5"),
        ({"processes": 0}, "processes=0 is not possible; it must be at least 1"),
        ({"processes": 2, "threads": 1}, "threads=1 is not possible with processes=2; give at least one thread a"),
        ({"epochs": None}, "a protocol needs a budget; give epochs, seconds or both"),
    ],
)
def test_impossible_settings_are_named(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        Protocol.from_settings(settings)
    assert sentence in str(caught.value)


def test_seconds_alone_mean_no_limit_on_epochs() -> None:
    assert Protocol.from_settings({"seconds": 2}).epochs is None
    assert Protocol.from_settings({"seconds": 2, "epochs": 7}).epochs == 7
    assert Protocol.from_settings({}).epochs == 200


def test_dynamics_are_sampled_every_10_epochs_and_0_turns_them_off() -> None:
    assert Protocol().dynamics_every == 10
    off = Protocol.from_settings({"dynamics_every": 0})
    assert off.dynamics_every is None
    assert Protocol.from_settings(off.settings()) == off
    with pytest.raises(UsageError, match="dynamics_every=0 is not possible; it must be at least 1"):
        Protocol(dynamics_every=0)


def test_settings_read_back_to_the_same_protocol() -> None:
    protocol = Protocol(optimizer="sgd", clip=1.0, seconds=3.0, patience=4, target=0.9)
    assert Protocol.from_settings(protocol.settings()) == protocol
    assert Protocol.from_settings(protocol.settings()).key() == protocol.key()


def test_equal_settings_have_one_key_and_others_another() -> None:
    assert Protocol(weight_decay=0, clip=1).key() == Protocol(weight_decay=0.0, clip=1.0).key()
    keys = {Protocol().key(), Protocol(epochs=199).key(), Protocol(target=0.9).key(), Protocol(optimizer="sgd").key()}
    keys |= {Protocol(dynamics_every=None).key(), Protocol(select_by="balanced_accuracy").key()}
    keys |= {Protocol(processes=2).key()}
    assert len(keys) == 7
    assert all(len(key) == 12 for key in keys)


def test_every_optimizer_is_one_of_torch() -> None:
    assert all(issubclass(getattr(torch.optim, name), torch.optim.Optimizer) for name in OPTIMIZERS.values())
