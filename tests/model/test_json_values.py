"""Whether two JSON texts are the same jsonb value: compared with PostgreSQL and with a slow, obvious implementation."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfade.model.json_values import canonical_json, differences_in, differing_json
from scratch import PostgresScratch

SAME = [
    ("1", "1.0"),
    ("1", "1e0"),
    ("100", "1E2"),
    ("0", "-0.0"),
    ("12345678901234567890.1", "12345678901234567890.10"),
    ('{"a":1,"b":[true,null]}', '{ "b" : [ true, null ], "a" : 1.00 }'),
    ('{"a":1,"a":2}', '{"a":2}'),
    ('"\\u00e9"', '"é"'),
    ('"a\\/b"', '"a/b"'),
    ("[]", "[ ]"),
    ("0.30000000000000004", "0.300000000000000040"),
    ("9007199254740993", "9007199254740993.0"),
    ("1e400", "1" + "0" * 400),
    ("[1e-400]", "[ 0." + "0" * 399 + "1 ]"),
    ("[" * 3000 + "]" * 3000, " [" * 3000 + "] " * 3000),
    ('{"a":' * 1010 + "[true]" + "}" * 1010, '{ "a" : ' * 1010 + "[true]" + "}" * 1010),
]
OTHER = [
    ("1e400", "1e401"),
    ("1e-400", "0"),
    ("[" * 3000 + "1" + "]" * 3000, "[" * 3000 + "2" + "]" * 3000),
    ("1", "true"),
    ("0", "false"),
    ("[true, 1]", "[1, true]"),
    ('{"a":1,"b":true}', '{"a":true,"b":1}'),
    ("1", '"1"'),
    ("null", '"null"'),
    ("null", "0"),
    ("12345678901234567890.1", "12345678901234567890.2"),
    ("0.30000000000000004", "0.30000000000000003"),
    ("9007199254740992", "9007199254740993"),
    ("[1, 2]", "[2, 1]"),
    ('{"a":null}', "{}"),
    ('{"a":1}', '{"A":1}'),
    ('{"a":1,"a":2}', '{"a":1}'),
    ('"a"', '"a "'),
    ('"é"', '"e\u0301"'),
    ("{}", "[]"),
    ('""', "null"),
    ("1e-20", "0"),
    ("1e300", "1e301"),
]


@pytest.mark.parametrize(("left", "right"), SAME)
def test_the_same_value(left: str, right: str) -> None:
    assert not differ(left, right)
    assert canonical_json(left) == canonical_json(right)
    assert not list(differences_in(left, right))


@pytest.mark.parametrize(("left", "right"), OTHER)
def test_another_value(left: str, right: str) -> None:
    assert differ(left, right)
    assert canonical_json(left) != canonical_json(right)
    assert list(differences_in(left, right))


def test_postgresql_agrees(pg_db: PostgresScratch) -> None:
    with psycopg.connect(pg_db.url) as connection:
        ask = "SELECT %s::jsonb = %s::jsonb"
        assert [connection.execute(ask, pair).fetchone() for pair in SAME] == [(True,)] * len(SAME)
        assert [connection.execute(ask, pair).fetchone() for pair in OTHER] == [(False,)] * len(OTHER)


def test_null_is_not_the_json_null() -> None:
    left, right = pa.array([None, "null", None, "1"]), pa.array(["null", None, None, "1"])
    assert differing_json(left, right).to_pylist() == [True, True, False, False]


def test_a_text_that_is_no_json_equals_itself_alone() -> None:
    broken = ["{", "1,2", "[3", "4]", "NaN", ""]
    assert differing_json(pa.array(broken), pa.array(broken)).to_pylist() == [False] * 6
    assert differing_json(pa.array(broken), pa.array([b + " " for b in broken])).to_pylist() == [True] * 6


def test_broken_texts_do_not_lean_on_their_neighbours() -> None:
    whole, broken = ["1", "2", "[3, 4]"], ["1,2", "[3", "4]"]
    assert differing_json(pa.array(whole), pa.array(broken)).to_pylist() == [True] * 3


def test_one_difference_among_many() -> None:
    left = [json.dumps({"n": i, "ok": True}) for i in range(1000)]
    right = [json.dumps({"ok": True, "n": i}) for i in range(1000)]
    right[777] = json.dumps({"ok": True, "n": 778})
    found = differing_json(pa.array(left), pa.array(right)).to_pylist()
    assert [i for i, wrong in enumerate(found) if wrong] == [777]


numbers = st.one_of(
    st.integers(-(10**22), 10**22).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["0", "-0", "0.0", "1", "1.0", "1e0", "10e-1", "1E+2", "100"]),
)
scalars = st.one_of(numbers, st.sampled_from(["true", "false", "null"]), st.text(max_size=5).map(json.dumps))
names = st.sampled_from(["a", "b", "A", ""]).map(json.dumps)
texts = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]"),
        st.lists(st.tuples(names, inner), max_size=3).map(
            lambda pairs: "{" + ",".join(f"{k}: {v}" for k, v in pairs) + "}"
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=400)
@given(st.lists(st.tuples(texts, texts), max_size=6))
def test_like_the_obvious_implementation(pairs: list[tuple[str, str]]) -> None:
    expected = [obvious(left) != obvious(right) for left, right in pairs]
    left, right = (pa.array(side, pa.string()) for side in (zip(*pairs, strict=True) if pairs else ([], [])))
    assert differing_json(left, right).to_pylist() == expected
    assert [canonical_json(a) != canonical_json(b) for a, b in pairs] == expected


@given(texts)
def test_another_spelling_of_the_same_value(text: str) -> None:
    value = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    assert not differ(text, respelt(value))


def differ(left: str, right: str) -> bool:
    (answer,) = differing_json(pa.array([left]), pa.array([right])).to_pylist()
    return bool(answer)


def obvious(text: str) -> Any:
    """A value that says of each part what it is."""
    return tagged(json.loads(text, parse_float=Decimal, parse_int=Decimal))


def tagged(value: Any) -> Any:
    if isinstance(value, dict):
        return "object", frozenset((k, tagged(v)) for k, v in value.items())
    if isinstance(value, list):
        return "array", tuple(tagged(v) for v in value)
    return type(value).__name__, value


def respelt(value: Any) -> str:
    """Keys the other way round, blanks, numbers with an exponent."""
    if isinstance(value, dict):
        return "{ " + " , ".join(f"{json.dumps(k)} :{respelt(value[k])}" for k in reversed(value)) + " }"
    if isinstance(value, list):
        return "[ " + " , ".join(map(respelt, value)) + "]"
    if isinstance(value, Decimal):
        return f"{value:E}"
    return json.dumps(value, ensure_ascii=False)
