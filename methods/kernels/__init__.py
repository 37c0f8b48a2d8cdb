"""Hand-written kernels. numba keeps compiled ones on disk; here they get a folder for exactly this source.

numba looks for changes only in the file of the kernel itself, so a kernel would go on with an old version of a function
that it takes from a neighbour.
"""

import hashlib
import os
import sys
from pathlib import Path


def _compiled_folder() -> Path:
    source = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        source.update(path.read_bytes())
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "leangnn"
    return Path(os.environ.get("LEANGNN_CACHE") or default) / "kernels" / source.hexdigest()[:16]


os.environ["NUMBA_CACHE_DIR"] = str(_compiled_folder())
if "numba" in sys.modules:  # then it has read the environment already
    sys.modules["numba"].config.CACHE_DIR = os.environ["NUMBA_CACHE_DIR"]
