"""`leangnn list`."""

from __future__ import annotations

from bench.cli import output
from bench.cli.words import LISTABLE
from bench.errors import UsageError
from methods.spec import nearest


def show_names(what: str, as_json: bool) -> None:
    """Print the names of one kind with a line on each."""
    if what not in LISTABLE:
        raise UsageError(f"there is no list of '{what}'; {nearest(what, LISTABLE)}")
    rows = _SOURCES.get(what, _plugins)(what)
    if as_json:
        output.print_json(rows)
        return
    if not rows:
        print(f"There are no {what} yet.")
        return
    columns = list(rows[0])
    output.print_table(columns, [[str(row[column]) for column in columns] for row in rows])


def _plugins(what: str) -> list[dict[str, str]]:
    from methods.parameters import parameters_of
    from methods.plugin import KINDS, describe, find, names
    from methods.spec import format_value

    kind = next(kind for kind in KINDS if kind == what.removesuffix("s") or f"{kind[:-1]}ies" == what)
    rows = []
    for name in names(kind):
        parameters = parameters_of(find(name)[1]).values()
        defaults = ", ".join(f"{parameter.name}={format_value(parameter.default)}" for parameter in parameters)
        rows.append({"name": name, "what": describe(name), "parameters": defaults})
    return rows


def _datasets(what: str) -> list[dict[str, str]]:
    from bench.datasets import registry

    rows = []
    for name in registry.names():
        entry = registry.declared(name)
        rows.append({"name": name, "metric": entry.metric, "what": entry.description})
    return rows


def _suites(what: str) -> list[dict[str, str]]:
    from bench import suite

    return [{"name": name, "question": suite.load(name).question} for name in suite.names()]


def _presets(what: str) -> list[dict[str, str]]:
    from bench import presets, tables

    loaded = {name: presets.load(name) for name in tables.shipped("presets")}
    return [
        {"name": name, "backbones": " ".join(preset.backbone), "what": preset.description, "source": preset.source}
        for name, preset in loaded.items()
    ]


_SOURCES = {"datasets": _datasets, "suites": _suites, "presets": _presets}
