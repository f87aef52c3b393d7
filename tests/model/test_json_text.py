"""JSON without limits: the same values as Python's parser where that one succeeds, and more."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.model import json_text

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
_PIECES = """{ } [ ] , : "a" "\\u00e9" " 1 - 0 1.5 1e3 true nul null NaN \\ 01 1.""".split()
pieces = st.lists(st.sampled_from([*_PIECES, " ", "\n", "\u00a0", '"\x01"'])).map("".join)


def _or_error(parse: Any, text: str) -> Any:
    try:
        return repr(parse(text))
    except ValueError:
        return "refused"


def _python(text: str) -> Any:
    return json.loads(text, parse_int=Decimal, parse_float=Decimal, parse_constant=lambda name: int(name))


@given(values, st.sampled_from([None, 2]), st.booleans())
def test_what_python_prints(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert repr(json_text.parse(text)) == repr(_python(text))


@given(pieces)
def test_what_is_no_json_for_python_is_none_here(text: str) -> None:
    assert _or_error(json_text.parse, text) == _or_error(_python, text)


@given(values)
def test_written_and_read(value: Any) -> None:
    exact = json_text.parse(json.dumps(value))
    written = json_text.write(exact, str)
    assert json_text.parse(written) == exact
    assert written == json_text.write(json_text.parse(written), str)


@pytest.mark.parametrize("opened", ["[", '{"a":'])
def test_as_deep_as_the_text_goes(opened: str) -> None:
    closed = "]" if opened == "[" else "}"
    text = opened * 100_000 + "1" + closed * 100_000
    assert json_text.write(json_text.parse(text), str) == text


def test_numbers_of_any_size() -> None:
    text = "[1e400,1e-400,12345678901234567890.123," + "9" * 10_000 + "]"
    assert json_text.parse(text) == [Decimal(n) for n in text[1:-1].split(",")]
    assert json_text.parse("1e99999999999999999999") == json_text.Beyond("1e99999999999999999999")


def test_equal_names_are_handed_over() -> None:
    assert json_text.parse('{"a":1,"a":[{"b":2}]}', object_of=list) == [("a", 1), ("a", [[("b", 2)]])]
