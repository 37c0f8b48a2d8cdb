"""The process of a check: `python -m bench.conformance.process FOLDER`, a watched trial or an inspection.

FOLDER/trial.json is a trial's document with more entries: `target`, `inspect`, and for trials `watched`, folders
of datasets.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import methods.kernels  # noqa: F401 (compiled kernels stay where they are when the cache moves)
from bench import trial
from bench.child import claim_standard_output, end_with_parent
from bench.conformance.target import Target, load


def main() -> None:
    """Do what the document says."""
    folder = Path(sys.argv[1])
    document = json.loads((folder / "trial.json").read_text())
    if document["inspect"]:
        _inspect(folder, document)
    else:
        _watch(folder, document)


def _watch(folder: Path, document: dict[str, Any]) -> None:
    """A trial among decoys, watched from before the method's first line of code."""
    from bench.conformance.tripwire import Tripwire, lay_bait

    os.environ["LEANGNN_DATA"], os.environ["LEANGNN_CACHE"] = document["data_dir"], document["cache_dir"]
    Tripwire(document["watched"], folder / "opened")
    lay_bait()
    load(Target.of(document["target"]))
    trial.main()


def _inspect(folder: Path, document: dict[str, Any]) -> None:
    """Everything that is looked at inside one process; each check is an event as soon as it is made."""
    import torch

    from bench.conformance.inspection import Inspection

    events = claim_standard_output()
    end_with_parent()
    torch.set_num_threads(1)
    target = Target.of(document["target"])
    load(target)
    inspection = Inspection(target, document["cache_dir"])
    for check in inspection.checks():
        print(json.dumps(asdict(check)), file=events, flush=True)
    result = {"status": "finished", "method": inspection.method, "sets": inspection.sets}
    (folder / "result.json").write_text(json.dumps(result))
    events.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
