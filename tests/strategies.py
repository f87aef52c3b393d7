"""Hypothesis strategies for BSON documents: every type, every nesting, and values that often cause faults."""

from __future__ import annotations

from typing import Any

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Timestamp
from hypothesis import strategies as st

from crossfade.records.bson.values import DBPointer, Symbol, Undefined, regex
from crossfade.records.bson.walk import date

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["", "\0", "null", "-0.0", "é", "e\u0301", "\U0001f600", '"', "\\", "\u2028", "Straße", "x" * 300]
)
cstrings = texts.map(lambda text: text.replace("\0", ""))

# Few names, so that documents meet in the same places; odd ones among them. Those with a dollar are such as make no
# object look like a written value of Extended JSON, which that format cannot tell apart.
names = st.sampled_from(["a", "b", "c", "A", "", "é", "a.b", "[]", "\\[]", "#", "$ref", "$id", "$db", "$x", "0"])

int32s = st.integers(-(2**31), 2**31 - 1)
int64s = st.integers(-(2**63), 2**63 - 1)
milliseconds = st.integers(-62_135_596_800_000, 253_402_300_799_999) | int64s
object_ids = st.binary(min_size=12, max_size=12).map(ObjectId)
decimals = st.binary(min_size=16, max_size=16).map(Decimal128.from_bid) | st.sampled_from(
    [Decimal128(text) for text in ("0", "-0", "1.10", "1E+3", "NaN", "-Infinity", "1E-6176", "9.999E+6144")]
)


def binaries() -> st.SearchStrategy[bytes]:
    data = st.binary(max_size=8) | st.binary(min_size=16, max_size=16)
    subtypes = st.sampled_from([2, 3, 4, 5, 6, 7, 8, 9, 128, 255])
    return data | st.builds(Binary, data, subtypes)


def scalars() -> st.SearchStrategy[Any]:
    """A value of any BSON type that holds no other value."""
    return st.one_of(
        st.none(),
        st.booleans(),
        int32s,
        int64s.map(Int64),
        st.floats() | st.sampled_from([-0.0, 1e16, 1e22, 5e-324, 0.1, 1e-7]),
        texts,
        object_ids,
        milliseconds.map(date),
        decimals,
        binaries(),
        st.builds(regex, cstrings, st.sampled_from(["", "i", "im", "mi", "ilmsux", "g", "ii", "é"])),
        st.builds(Timestamp, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
        texts.map(Code),
        texts.map(Symbol),
        st.builds(DBPointer, texts, object_ids),
        st.sampled_from([Undefined(), MinKey(), MaxKey()]),
    )


def _deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    objects = st.dictionaries(names, inner, max_size=4)
    return objects | st.lists(inner, max_size=4) | st.builds(Code, texts, objects)


def values() -> st.SearchStrategy[Any]:
    """Any value, nested or not."""
    return st.recursive(scalars(), _deeper, max_leaves=8)


@st.composite
def documents(draw: st.DrawFn, fields: st.SearchStrategy[Any] | None = None) -> dict[str, Any]:
    """A document with an `_id` of any type (but not always: a broken dump has such), as its first field or not."""
    body = draw(st.dictionaries(names, values() if fields is None else fields, max_size=5))
    key = {"_id": draw(scalars())}
    return draw(st.sampled_from([{**key, **body}] * 4 + [{**body, **key}, body]))
