"""Presets: published settings under a name, so that everybody starts from the same strong reference."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from bench import tables
from bench.errors import UsageError
from bench.tables import Table
from methods.spec import nearest, parse_spec


class DatasetSettings(Table):
    """What a preset changes for one dataset."""

    protocol: dict[str, Any] = Field(default_factory=dict)
    backbone: dict[str, dict[str, Any]] = Field(default_factory=dict)


class Preset(Table):
    """Settings of one publication.

    Attributes:
        description: one sentence.
        source: where the settings were published.
        protocol: settings of `bench.protocol.Protocol`.
        backbone: parameters by backbone name; a backbone that is not listed is not covered.
        datasets: names of the datasets that the publication covers, or None where it is meant for any.
        dataset: changes by dataset name.
    """

    description: str
    source: str
    datasets: list[str] | None = None
    protocol: dict[str, Any] = Field(default_factory=dict)
    backbone: dict[str, dict[str, Any]]
    dataset: dict[str, DatasetSettings] = Field(default_factory=dict)

    def settings(self, dataset: str, backbone: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Protocol settings and backbone parameters for a dataset (its spec) and a backbone (its name).

        Raises:
            UsageError: the preset says nothing about this dataset or backbone.
        """
        changes = self.dataset.get(dataset) or self.dataset.get(_bare(dataset)) or DatasetSettings()
        if self.datasets is not None and _bare(dataset) not in self.datasets:
            raise UsageError(f"the preset does not cover '{dataset}'; it covers: {', '.join(self.datasets)}")
        if backbone not in self.backbone:
            raise UsageError(f"the preset covers no backbone '{backbone}'; {nearest(backbone, self.backbone)}")
        protocol = {**self.protocol, **changes.protocol}
        return protocol, {**self.backbone[backbone], **changes.backbone.get(backbone, {})}


def load(name: str) -> Preset:
    """A preset by its name or path.

    Raises:
        UsageError: it does not exist or is not well-formed.
    """
    return tables.read(tables.find("presets", name), Preset)


def _bare(dataset: str) -> str:
    return dataset if dataset.endswith(".toml") else parse_spec(dataset).name
