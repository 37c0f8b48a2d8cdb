"""A process of a trial beside the first one: `python -m bench.rank FOLDER NUMBER`, started by `bench.parallel.Others`.

It trains as the first one does, on mini-batches of its own, and leaves nothing unless it fails.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from bench.child import end_with_parent
from bench.clock import TimeLedger
from bench.datasets.registry import load
from bench.parallel import LOST, LostError, document_of, result_of
from bench.result import failure, leave
from bench.trial import train


def main() -> None:
    """Take part in the trial of the folder named on the command line."""
    folder, rank = Path(sys.argv[1]), int(sys.argv[2])
    document = document_of(json.loads((folder / "trial.json").read_text()), rank)
    end_with_parent()
    try:
        place = document["data_dir"], document["cache_dir"]
        # nothing here may hold the data, so that a graph on disk leaves nothing of all nodes in memory
        train(document, load(document["dataset"], *place).sealed(document["split"]), folder, rank, TimeLedger(), _hear)
    except LostError:
        os._exit(LOST)
    except Exception as error:
        leave(result_of(folder, rank), failure(error))
        os._exit(1)
    os._exit(0)


def _hear(point: dict[str, Any], spent: float) -> None:
    """Nothing: the first process reports."""


if __name__ == "__main__":
    main()
