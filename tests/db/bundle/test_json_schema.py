"""The published schema is that of the code, and what it accepts is what the reader accepts."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from db.bundle.json_schema import json_schema

PUBLISHED = Path(__file__).parents[3] / "submissions" / "schema.json"


def test_the_published_schema_is_current() -> None:
    assert PUBLISHED.read_text() == json_schema(), "run: python -m db.bundle.json_schema > submissions/schema.json"


def test_a_good_manifest_fits_the_schema_and_a_bad_one_does_not(small, document) -> None:
    schema, table = json.loads(json_schema()), json.loads(document(*small()))
    jsonschema.validate(table, schema)
    table["trials"][0]["ledger"]["wall"] = -1.0
    with pytest.raises(jsonschema.ValidationError, match="minimum"):
        jsonschema.validate(table, schema)
