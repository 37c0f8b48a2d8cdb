"""Bad bundles, each with what the sentence of its refusal must say.

`python tests/bench/submission/corpus.py FOLDER [NAME ...]` writes them and checks each in a process of its own. It
prints seconds and peak memory (MiB) of the check, and what was said. Every case breaks one thing of one good bundle.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import bad_archives  # noqa: F401  (these four fill CASES)
import bad_figures  # noqa: F401
import bad_manifests  # noqa: F401
import bad_tables  # noqa: F401
from cases import CASES
from good_bundle import Good, good


def make(name: str, start: Good) -> bytes:
    """The bytes of one case."""
    return CASES[name][0](start.copy())


MEASURED = """
import re, sys, time
from pathlib import Path
from bench.submission.check import Sources, check
started = time.perf_counter()
report = check(sys.argv[1], Sources()).report
seconds = time.perf_counter() - started
peak = re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]
print(f"{seconds:.2f} s", int(peak) // 1024, "MiB ", report.errors[0].sentence)
"""


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    start = good()
    (folder / "good.zip").write_bytes(start.zipped())
    for name in sys.argv[2:] or CASES:
        path = folder / f"{name}.zip"
        path.write_bytes(make(name, start))
        said = subprocess.run([sys.executable, "-c", MEASURED, path], capture_output=True, text=True)
        print(f"{name:<34} {said.stdout.strip() or said.stderr[-300:]}", flush=True)


if __name__ == "__main__":
    main()
