"""The registry of datasets: one decorator, and the folder is scanned, so that a new file is a new dataset."""

from __future__ import annotations

import functools
import importlib
import pickle
import pkgutil
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bench.datasets import prepared
from bench.datasets.declaration import Dataset, Loader, Sizes, converted, parameters_of
from bench.datasets.folders import cache_folder, data_folder
from bench.datasets.graph_data import GraphData, Level, Metric
from bench.datasets.raw_files import RawFile, RawFiles, mismatch
from bench.datasets.raw_graph import RawGraph, assemble
from bench.errors import DataError, UsageError
from methods.errors import SpecError
from methods.spec import Spec, Value, nearest, parse_spec

_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What numpy, scipy and pandas raise on a file that is damaged or of another format."""

_DATASETS: dict[str, Dataset] = {}


def dataset(
    name: str,
    *,
    metric: Metric,
    description: str,
    level: Level = "node",
    sizes: Sizes | None = None,
    licence: str = "",
    source: str = "",
    files: Iterable[RawFile] = (),
    version: str = "1",
    substitute_for: str | None = None,
) -> Callable[[Loader], Loader]:
    """Register a loader `f(files, *, parameter=default, ...) -> RawGraph` under a name.

    The keyword parameters of the loader, annotated with `int`, `float`, `bool`, `str` or a `Literal`, are the dataset's
    parameters.
    """

    def register(loader: Loader) -> Loader:
        if name in _DATASETS:
            raise ValueError(f"two datasets are called {name}")
        _DATASETS[name] = Dataset(
            name=name,
            loader=loader,
            metric=metric,
            description=description,
            level=level,
            sizes=sizes,
            licence=licence,
            source=source,
            files=tuple(files),
            version=version,
            substitute_for=substitute_for,
            parameters=parameters_of(loader),
        )
        return loader

    return register


def names() -> list[str]:
    """All datasets, sorted."""
    return sorted(_registered())


def canonical(spec_text: str) -> str:
    """The one spelling of a dataset with its parameters; a path to a TOML file stays as it is.

    Raises:
        UsageError: unknown name, unknown parameter or a value of the wrong type.
    """
    return _resolve(spec_text)[2]


def load(
    spec_text: str,
    data_dir: str | Path | None = None,
    cache_dir: str | Path | None = None,
    *,
    verify: bool = True,
) -> GraphData:
    """Load a dataset, preparing it on the first use.

    Args:
        spec_text: for example `cora(split=full)`, or the path of a TOML file that describes one's own graph.
        data_dir: read-only folder of raw data; default `LEANGNN_DATA`, else `raw` in the cache.
        cache_dir: folder for downloads and prepared copies; default `LEANGNN_CACHE`, else the platform's cache folder.
        verify: compare checksums and published counts; only tests with stand-in files switch this off.

    Raises:
        UsageError: the words name no dataset.
        DataError: the data is missing, damaged or inconsistent.
    """
    entry, parameters, name = _resolve(spec_text)
    files = _files(entry, parameters, data_dir, cache_dir, verify)
    folder = prepared.folder_for(
        cache_folder(cache_dir), name, [entry.version, verify, entry.substitute_for, files.identity()]
    )
    return prepared.read(folder) or prepared.write(folder, _prepare(entry, parameters, name, files))


class Check(NamedTuple):
    """One thing that was looked at, whether it holds, and what was found."""

    what: str
    ok: bool
    detail: str


def check(spec_text: str, data_dir: str | Path | None = None, cache_dir: str | Path | None = None) -> list[Check]:
    """Look whether the files are here and are the published ones, and whether the graph is sound. Downloads nothing.

    Raises:
        UsageError: the words name no dataset.
    """
    entry, parameters, name = _resolve(spec_text)
    files = _files(entry, parameters, data_dir, cache_dir, True)
    checks = [_check_file(files, file) for file in files.declared.values()]
    if all(item.ok for item in checks):
        try:
            data = _prepare(entry, parameters, name, files)
        except DataError as error:
            return [*checks, Check("graph", False, str(error))]
        found = f"{data.nodes} nodes, {data.edges} edges, {data.features} features, {data.classes} classes"
        checks.append(Check("graph", True, found + (", as published" if entry.sizes else "")))
    return checks


def describe(spec_text: str, data_dir: str | Path | None = None, cache_dir: str | Path | None = None) -> dict[str, Any]:
    """What is known of a dataset: measured when its files are here, else as published. Downloads nothing.

    Raises:
        UsageError: the words name no dataset.
        DataError: the files are here but cannot be used.
    """
    entry, parameters, name = _resolve(spec_text)
    files = _files(entry, parameters, data_dir, cache_dir, True)
    missing = [path for path in files.declared if files.locate(path) is None]
    facts: dict[str, Any] = {
        "name": name,
        "parameters": dict(parameters),
        "description": entry.description,
        "metric": entry.metric,
        "level": entry.level,
        "licence": entry.licence,
        "source": entry.source,
        "version": entry.version,
        "substitute_for": entry.substitute_for,
        "files": list(files.declared),
        "missing_files": missing,
        "measured": not missing,
    }
    if missing:
        return facts | (_published(entry.sizes) if entry.sizes else {})
    data = load(spec_text, data_dir, cache_dir)
    return facts | {
        "version": data.version,
        "nodes": data.nodes,
        "edges": data.edges,
        "features": data.features,
        "classes": data.classes,
        "graphs": data.graphs,
        "undirected": data.undirected,
        "edge_homophily": data.edge_homophily,
        "adjusted_homophily": data.adjusted_homophily,
        "splits": [[len(s.train), len(s.valid), len(s.test)] for s in data.splits],
        "sha256": data.sha256,
    }


def _published(sizes: Sizes) -> dict[str, Any]:
    return {
        "nodes": sizes.nodes,
        "edges": sizes.edges or sizes.stored_edges,
        "features": sizes.features,
        "classes": sizes.classes,
        "graphs": sizes.graphs,
    }


def _prepare(entry: Dataset, parameters: Mapping[str, Value], name: str, files: RawFiles) -> GraphData:
    try:
        raw = entry.loader(files, **parameters)
    except PermissionError as error:
        raise DataError(f"{error.filename} may not be read (permission denied); give yourself read access") from error
    except _UNREADABLE as error:
        if not files.declared:
            raise
        reason = " ".join(str(error).split())
        raise DataError(
            f"the files of {name} are not in the published format ({type(error).__name__}: {reason}); "
            f"look at them with: leangnn data check '{name}'"
        ) from error
    data = assemble(entry, name, raw)
    if files.verify and entry.sizes:
        _check_counts(entry, parameters, raw, data)
    return data


def _check_counts(entry: Dataset, parameters: Mapping[str, Value], raw: RawGraph, data: GraphData) -> None:
    sizes = entry.sizes
    assert sizes is not None
    found = {"nodes": data.nodes, "features": data.features, "classes": data.classes, "graphs": data.graphs}
    expected = {key: getattr(sizes, key) for key in found}
    if sizes.stored_edges is not None:
        found["stored edges"], expected["stored edges"] = raw.edge_index.shape[1], sizes.stored_edges
    if sizes.edges is not None and parameters == entry.defaults():
        found["edges"], expected["edges"] = data.edges, sizes.edges
    for what, count in expected.items():
        if found[what] != count:
            raise DataError(
                f"{data.name} has {found[what]} {what} but was published with {count}; "
                "the file is another or an incomplete version, so replace it with the published one"
            )


def _check_file(files: RawFiles, file: RawFile) -> Check:
    try:
        found = files.locate(file.path)
        if found is None:
            looked = ", ".join(str(folder) for folder in files.folders)
            return Check(file.path, False, f"missing; looked in {looked}")
        problem = mismatch(file, found)
    except DataError as error:
        return Check(file.path, False, str(error))
    if problem:
        return Check(file.path, False, problem)
    known = file.sha256 or file.git_blob
    return Check(file.path, True, "checksum as published" if known else "present; no published checksum is known")


def _files(
    entry: Dataset,
    parameters: Mapping[str, Value],
    data_dir: str | Path | None,
    cache_dir: str | Path | None,
    verify: bool,
) -> RawFiles:
    cache = cache_folder(cache_dir)
    return RawFiles(entry.name, entry.needed_files(parameters), data_folder(data_dir, cache), cache, verify)


def _resolve(spec_text: str) -> tuple[Dataset, dict[str, Value], str]:
    text = spec_text.strip()
    if text.endswith(".toml"):
        custom = importlib.import_module("bench.datasets.custom")
        return custom.declare(text), {}, text
    try:
        spec = parse_spec(text)
    except SpecError as error:
        raise UsageError(str(error)) from error
    entry = declared(spec.name)
    parameters = entry.defaults()
    for key, value in spec.parameters.items():
        if key not in entry.parameters:
            hint = nearest(key, entry.parameters) if entry.parameters else "it has none"
            raise UsageError(f"dataset '{spec.name}' has no parameter '{key}'; {hint}")
        parameters[key] = converted(spec.name, entry.parameters[key], value)
    changed = {key: value for key, value in parameters.items() if value != entry.parameters[key].default}
    return entry, parameters, str(Spec(spec.name, changed))


def declared(name: str) -> Dataset:
    """What is declared beside the loader of a registered name; needs no data.

    Raises:
        UsageError: there is no such dataset.
    """
    known = _registered()
    if name not in known:
        raise UsageError(f"there is no dataset '{name}'; {nearest(name, known)}")
    return known[name]


def _registered() -> dict[str, Dataset]:
    _scan()
    return _DATASETS


@functools.cache
def _scan() -> None:
    package = importlib.import_module("bench.datasets")
    for module in pkgutil.iter_modules(package.__path__):
        # the user's own graphs need pydantic, and are looked up by path and not by name
        if module.name != "custom":
            importlib.import_module(f"bench.datasets.{module.name}")
