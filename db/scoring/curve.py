"""The evaluations of one trial as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Curve:
    """Arrays of one length, one entry an evaluation, in order; a value that was not finite is NaN."""

    epoch: NDArray[np.int64]
    step: NDArray[np.int64]
    scored_seconds: NDArray[np.float64]
    train_loss: NDArray[np.float64]
    validation_metric: NDArray[np.float64]
    node_visits: NDArray[np.int64]
    edge_visits: NDArray[np.int64]
