"""`leangnn new`."""

from __future__ import annotations

from pathlib import Path

from bench.scaffold.package import write


def write_package(kind: str, name: str, folder: str | None) -> None:
    """Write a package with one plug-in, and say what comes next."""
    written = write(kind, name, Path(folder or name))
    for path in written:
        print(f"wrote {path}")
    module = next(path for path in written if path.name == f"{name}.py")
    method = f"{name}+full_batch" if kind == "backbone" else f"gcn+{name}"
    print(f"install it:  pip install --no-build-isolation -e {module.parent}")
    print(f"check it:    leangnn check {module}")
    print(f"run it:      leangnn run --dataset minesweeper-grid --method '{method}'")
