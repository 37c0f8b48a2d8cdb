"""The manifest reader: whatever the bytes are, it is a manifest or one sentence."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.bundle.errors import BundleError
from db.bundle.manifest import Manifest
from db.bundle.read_manifest import read_draft, read_manifest
from db.bundle.text import inert, printable, printable_document

FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


def read_or_sentence(content: bytes) -> Manifest | str:
    try:
        return read_manifest(content)
    except BundleError as error:
        said = str(error)
        assert "\n" not in said
        assert 10 < len(said) < 600
        assert said.isprintable()
        return said


@FEW
@given(st.binary(max_size=300))
def test_bytes_are_a_sentence(content: bytes) -> None:
    assert isinstance(read_or_sentence(content), str)


@FEW
@given(VALUES)
def test_any_json_is_a_sentence(value: Any) -> None:
    assert isinstance(read_or_sentence(json.dumps(value).encode()), str)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything inside a document."""
    inside: list[tuple[Any, Any]] = []
    if isinstance(value, dict | list):
        inside = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    return [path] * bool(path) + [found for key, item in inside for found in places(item, (*path, key))]


@FEW
@given(data=st.data())
def test_a_manifest_with_any_value_anywhere_is_itself_or_a_sentence(data: st.DataObject, small, document) -> None:
    table = json.loads(document(*small()))
    path, value = data.draw(st.sampled_from(places(table))), data.draw(VALUES)
    changed = copy.deepcopy(table)
    target = changed
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    found = read_or_sentence(json.dumps(changed).encode())
    if isinstance(found, Manifest):
        again = read_manifest(found.model_dump_json().encode())
        assert again == found


@FEW
@given(name=st.text(min_size=1, max_size=50))
def test_a_name_is_kept_as_it_is_or_refused(name: str, small, document) -> None:
    found = read_or_sentence(document(*small(submitter=name)))
    if isinstance(found, Manifest):
        assert found.submitter == name
        assert name.isprintable() and not set("<>") & set(name) and name[0] not in "=+-@"


@FEW
@given(VALUES)
def test_whatever_is_stored_can_be_made_fit_for_a_bundle(value: Any) -> None:
    def check(item: Any) -> None:
        if isinstance(item, str):
            assert inert(item) and len(item) <= 1000
        elif isinstance(item, dict):
            [check(part) for pair in item.items() for part in pair]
        elif isinstance(item, list):
            [check(part) for part in item]

    check(printable_document(value))


@pytest.mark.parametrize(
    ("text", "made"),
    [("a\nb", "a b"), ("<b>", "?b?"), ("=1+1", "1+1"), ("", "?"), ("x" * 300, "x" * 200), ("a\u202eb", "a?b")],
)
def test_text_made_fit(text: str, made: str) -> None:
    assert printable(text) == made


def test_a_draft_may_list_its_parts_and_they_are_made_anew(small, document) -> None:
    manifest, parts = small()
    assert read_draft(document(manifest, parts)) == read_draft(json.dumps(manifest).encode())
    with pytest.raises(BundleError, match="'parts': Field required"):
        read_manifest(json.dumps(manifest).encode())


def test_the_list_of_parts_must_be_that_of_the_trials(small, document) -> None:
    manifest, parts = small()
    del parts["curves/000.csv"]
    with pytest.raises(BundleError, match=r"'curves/000.csv' is missing or too many"):
        read_manifest(document(manifest, parts))


def test_a_failed_trial_needs_a_reason_and_no_files(small, document) -> None:
    manifest, parts = small()
    for name in ("validation_metric", "test_metric", "selected_epoch"):
        del manifest["trials"][0][name]
    manifest["trials"][0]["status"] = "crashed"
    del parts["curves/000.csv"], parts["predictions/000.csv"]
    with pytest.raises(BundleError, match="ended as crashed needs a reason"):
        read_manifest(document(manifest, parts))
    manifest["trials"][0]["reason"] = "out of luck"
    assert [trial.has_metric for trial in read_manifest(document(manifest, parts)).trials] == [False, True, True, True]


def test_a_method_is_named_by_its_parts(small, document) -> None:
    method = {"backbone": "gat(heads=2)", "strategy": "full_batch", "rescaler": "dr_rg", "quantizer": "qlr(bits=2)"}
    found = read_manifest(document(*small(method=method))).method
    assert found.name == "gat(heads=2)+full_batch+dr_rg+qlr(bits=2)"
    assert found.reference.name == "gat(heads=2)+full_batch"
