"""Rows that are changed or made from rebuilt values: each value as the text that is read as that value."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfade.model.rebuilt import CannotStore, Day, Digits, Json, Moment, TimeOfDay
from crossfade.model.shape import Node, Shape, TypeStats
from crossfade.records.rows import raw as lines
from crossfade.records.rows.codec import ROWS
from crossfade.records.rows.edit import RowEditor
from crossfade.records.rows.texts import canonical
from crossfade.records.rows.types import read_as
from crossfade.records.rows.vocabulary import POSTGRESQL

MICROS = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
CASES: dict[str, tuple[st.SearchStrategy[Any], Any]] = {
    "bigint": (st.integers(-(2**63), 2**63 - 1), lambda v: v),
    "double precision": (st.floats(allow_nan=False), lambda v: v),
    "boolean": (st.booleans(), lambda v: v),
    "text": (TEXTS, lambda v: v),
    "uuid": (st.binary(min_size=16, max_size=16).map(lambda b: UUID(bytes=b)), lambda v: v.bytes),
    "bytea": (st.binary(max_size=9), lambda v: v),
    "timestamp with time zone": (MICROS.map(Moment), lambda v: v.us),
    "timestamp without time zone": (MICROS.map(lambda us: Moment(us, zoned=False)), lambda v: v.us),
    "date": (st.integers(-700_000, 2_900_000).map(Day), lambda v: v.days),
    "time without time zone": (st.integers(0, 86_399_999_999).map(TimeOfDay), lambda v: v.us),
    "numeric": (st.decimals(-(10**20), 10**20, places=3).map(lambda d: Digits(str(d))), lambda v: v.text),
}  # fmt: skip


def node(name: str, of: str, **how: Any) -> Node:
    return Node(name, name, {of: TypeStats(1)}, vocabulary=POSTGRESQL, declared=of if of != "array" else "", **how)


def shape(*nodes: Node) -> Shape:
    root = Node("", "", {"object": TypeStats(1)}, fields=(node("id", "bigint"), *nodes), vocabulary=POSTGRESQL)
    return Shape("t", 1, root, own_key=(("id",),))


def stored(column: Node, value: Any) -> Any:
    """What a stored value is read as, in numbers."""
    made = RowEditor(shape(column)).edit(None, {}, {"id": 1, column.name: value})
    read = canonical([lines.read(made).columns[column.name]], read_as(column))
    if pa.types.is_temporal(read.type):
        read = read.cast(pa.int32() if pa.types.is_date32(read.type) else pa.int64())
    return read.to_pylist()[0]


@pytest.mark.parametrize("of", CASES)
@settings(max_examples=30)
@given(data=st.data())
def test_a_value_is_read_as_it_was_stored(of: str, data: st.DataObject) -> None:
    values, number = CASES[of]
    value = data.draw(values)
    found = stored(node("v", of), value)
    assert repr(found) == repr(number(value))


@settings(max_examples=40)
@given(st.lists(TEXTS | st.sampled_from(["NULL", "", "{", ',"', "\\"]) | st.none(), max_size=4))
def test_arrays_are_read_as_they_were_stored(values: list[str | None]) -> None:
    column = node("v", "array", element=node("[]", "text"))
    assert stored(column, values) == values


def test_only_the_columns_that_differ_change() -> None:
    editor = RowEditor(shape(node("a", "text"), node("b", "numeric")))
    old = lines.write(lines.RawRow(["1"], {"id": "1", "a": "x", "b": "1.10", "unseen": "kept"}))
    before = {"id": 1, "a": "x", "b": Digits("1.10")}
    assert editor.edit(old, before, before) is old
    made = lines.read(editor.edit(old, before, {**before, "a": "y"}))
    assert made.columns == {"id": "1", "a": "y", "b": "1.10", "unseen": "kept"}
    assert ROWS.key(editor.edit(old, before, {**before, "a": "y"})) == '["1"]'


def test_what_a_column_cannot_hold_is_refused() -> None:
    editor = RowEditor(shape(node("n", "bigint"), node("d", "date"), node("j", "jsonb")))
    for value in ({"n": "many"}, {"d": Moment(1)}, {"other": 1}):
        with pytest.raises(CannotStore):
            editor.edit(None, {}, {"id": 1, **value})
    with pytest.raises(CannotStore, match="key"):
        editor.edit(None, {}, {"n": 1})
    made = lines.read(editor.edit(None, {}, {"id": 1, "j": Json('{"a": 1}')}))
    assert json.loads(made.columns["j"] or "") == {"a": 1}
