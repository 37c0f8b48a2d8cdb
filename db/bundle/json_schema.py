"""The JSON Schema of the manifest: `python -m db.bundle.json_schema > submissions/schema.json`."""

from __future__ import annotations

import json

from db.bundle.manifest import Manifest


def json_schema() -> str:
    """The schema (draft 2020-12) as text; what only packing can know, the parts, is in it too."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Manifest.model_json_schema()}
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    print(json_schema(), end="")
