"""The grammar of names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from methods.errors import SpecError
from methods.spec import Spec, format_value, nearest, parse_spec, parse_specs, parse_value

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.from_regex(r"[a-z_]{2,8}", fullmatch=True)
)


@given(VALUES)
def test_values_parse_back_to_themselves(value: bool | int | float | str | None) -> None:
    # a word such as "none" or "nan" is read as what it spells
    if isinstance(value, str) and not isinstance(parse_value(value), str):
        return
    assert parse_value(format_value(value)) == value
    assert type(parse_value(format_value(value))) is type(value)


@given(st.dictionaries(st.sampled_from(["layers", "hidden", "rate", "norm"]), VALUES, max_size=4))
def test_specs_parse_back_to_themselves(parameters: dict[str, bool | int | float | str | None]) -> None:
    text = str(Spec("gcn", parameters))
    assert str(parse_spec(text)) == text


def test_plus_and_comma_inside_parentheses_do_not_split_a_method() -> None:
    first, second = parse_specs("gcn(rate=1e+2,layers=3)+full_batch")
    assert first == Spec("gcn", {"rate": 100.0, "layers": 3})
    assert second == Spec("full_batch")


def test_spaces_and_empty_parentheses_mean_nothing() -> None:
    assert parse_spec(" gcn( layers = 3 ) ") == Spec("gcn", {"layers": 3})
    assert parse_spec("gcn()") == Spec("gcn")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a name"),
        ("3gcn", "is not a name"),
        ("gcn++sage", "is not a name"),
        ("gcn(", "without a closing one"),
        ("gcn(layers=3", "without a closing one"),
        ("gcn)", "never opened"),
        ("gcn(layers)", "'layers' in 'gcn.layers.' is not of the form parameter=value"),
        ("gcn(layers=)", "not of the form"),
        ("gcn(layers=3,layers=4)", "parameter 'layers' stands twice"),
    ],
)
def test_wrong_words_are_named(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        parse_specs(text)


def test_nearest_suggests_or_lists() -> None:
    assert nearest("gcm", ["gcn", "sage"]) == "did you mean 'gcn'?"
    assert nearest("xyz", ["sage", "gcn"]) == "known are: gcn, sage"
