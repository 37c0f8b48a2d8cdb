"""The idea of a quantizer: how numbers of a backbone are stored and computed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import nn

from methods.problem import Problem


class Quantizer(ABC):
    """Base of all quantizers."""

    simulated: bool = True
    """Whether low-bit numbers are only imitated in FP32. A simulated quantizer may claim no speed or memory."""

    @abstractmethod
    def apply(self, model: nn.Module, problem: Problem) -> nn.Module:
        """The model to train, with its quantizers inserted; charged as preprocessing."""

    def pack(self, model: nn.Module, problem: Problem) -> nn.Module:
        """The model that makes the final predictions.

        A quantizer that really computes in few bits returns its packed form.
        """
        return model

    def facts(self) -> dict[str, Any]:
        """What the record of a trial should say: bits stored and computed, whether that is simulated. Plain JSON."""
        return {"simulated": self.simulated}
