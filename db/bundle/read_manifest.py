"""Reading the manifest of a bundle; a fault is one sentence that names the place."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import ValidationError

from db.bundle import strict_json
from db.bundle.errors import BundleError
from db.bundle.manifest import NAME, Draft, Manifest

FORMAT = "leangnn-submission"
VERSION = 1

Written = TypeVar("Written", Draft, Manifest)


def read_draft(content: bytes) -> Draft:
    """The manifest that a person wrote; a list of parts in it is left out, because packing makes it anew.

    Raises:
        BundleError: it is not well-formed; the sentence names the first fault.
    """
    table = _current(content)
    table.pop("parts", None)
    return _validated(Draft, table)


def read_manifest(content: bytes) -> Manifest:
    """The manifest of a packed bundle.

    Raises:
        BundleError: it is not well-formed; the sentence names the first fault.
    """
    manifest = _validated(Manifest, _current(content))
    if sorted(manifest.parts) != manifest.part_names:
        missing = sorted(set(manifest.part_names).symmetric_difference(manifest.parts))
        raise BundleError(f"{NAME} does not list the files of its trials: {missing[0][:80]!a} is missing or too many")
    return manifest


def _current(content: bytes) -> dict[str, Any]:
    table = strict_json.parse(content, NAME)
    if table.get("format") != FORMAT:
        raise BundleError(f'{NAME} is not that of a submission; its first key must be "format": "{FORMAT}"')
    version = table.get("version")
    # bool is an int to Python
    if type(version) is int and version > VERSION:
        raise BundleError(
            f"the bundle has version {version} of the format and this LeanGNN reads {VERSION}; install a newer LeanGNN"
        )
    return table


def _validated(model: type[Written], table: dict[str, Any]) -> Written:
    try:
        # from text, because only there does the strict mode read moments
        return model.model_validate_json(json.dumps(table), strict=True)
    except ValidationError as error:
        raise BundleError(_sentence(error)) from error


def _sentence(error: ValidationError) -> str:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    first = faults[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    said = first["msg"].removeprefix("Value error, ").rstrip(".")
    more = f" (and {len(faults) - 1} more faults)" if len(faults) > 1 else ""
    return f"{NAME} is not valid: {f'{place[:100]!a}: ' if place else ''}{said}{more}"
