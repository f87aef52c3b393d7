"""JSON in columns of SQL: parsed without loss, counted by path, and read the same as plain Python reads it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.model.batch import Column
from crossfade.model.shape import Shape
from crossfade.records.rows.codec import ROWS
from crossfade.records.rows.count import ColumnCount, RowCounter
from crossfade.records.rows.json_count import MOST_FIELDS, JsonCount
from crossfade.records.rows.json_values import DuplicateName, dump, parse, type_of
from crossfade.records.rows.raw import RawRow, write

NAMES = st.sampled_from(["a", "b", "A", "a.b", "[]", ""])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=3),
    max_leaves=8,
)


def text_of(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)}: {text_of(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(text_of, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


@given(VALUES)
def test_nothing_is_lost_in_parsing(value: Any) -> None:
    text = text_of(value)
    assert json.loads(dump(parse(text)), parse_float=str, parse_int=str) == json.loads(
        text, parse_float=str, parse_int=str
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [("1", "whole number"), ("-9223372036854775808", "whole number"), ("9223372036854775808", "number"),
     ("1.0", "number"), ("1e2", "number"), ("-0", "number"), ("null", "null"), ('"1"', "string"), ("true", "boolean"),
     ("[]", "array"), ("{}", "object")],
)  # fmt: skip
def test_types(text: str, name: str) -> None:
    assert type_of(parse(text)) == name


def test_a_name_twice() -> None:
    with pytest.raises(DuplicateName):
        parse('{"a": 1, "a": 2}')


def shape_of(texts: list[str | None]) -> Shape:
    found = JsonCount()
    for text in texts:
        if text is not None:
            found.add(text)
    nulls = texts.count(None)
    columns = [
        ColumnCount("id", "integer", "integer", nullable=False, count=len(texts)),
        ColumnCount("data", "jsonb", "jsonb", count=len(texts) - nulls, nulls=nulls, json=found),
    ]
    counter = RowCounter(columns, ("id",), len(texts))
    return counter.to_shape("things")


def read(shape: Shape, texts: list[str | None], *columns: Column) -> Any:
    rows = [write(RawRow([str(i)], {"id": str(i), "data": text})) for i, text in enumerate(texts)]
    return ROWS.reader(shape, columns).read(b"".join(rows))


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_what_was_surveyed_is_read_at_every_path(values: list[Any]) -> None:
    texts: list[str | None] = [text_of(value) for value in values]
    shape = shape_of(texts)
    columns = []
    for path, node in shape.root.walk():
        if path[:1] == ("data",) and len(path) > 1 and "[]" not in path:
            form = "json" if node.kind in ("object", "array", "null") else "native"
            columns += [Column(f"{path} value", path, form), Column(f"{path} type", path, "type")]
    batch = read(shape, texts, Column("id", ("id",)), *columns)
    assert not batch.rejected
    for column in columns:
        for value, found in zip(values, batch.table.column(column.name).to_pylist(), strict=True):
            assert found == expected(value, column, shape), (column, value)


def expected(value: Any, column: Column, shape: Shape) -> Any:
    there, at = True, parse(text_of(value))
    for step in column.path[1:]:
        name = step[1:] if step.startswith("\\") else step
        there = isinstance(at, dict) and name in at
        at = at[name] if there else None
    node = shape.node(column.path)
    assert node is not None
    if column.form == "type":
        return type_of(at) if there else None
    if at is None:
        return None
    if column.form == "json" or node.kind == "json":
        return dump(at)
    return int(at) if node.kind == "long" else str(at) if node.kind == "decimal" else at


@pytest.mark.parametrize(
    ("text", "reason", "path"),
    [
        ('{"a": {"c": 1}}', "unseen_path", "data.a.c"),
        ('{"a": {"b": "x"}}', "unseen_type", "data.a.b"),
        ('{"l": ["x"]}', "unseen_type", "data.l[]"),
        ("[]", "unseen_type", "data"),
        ("null", "unseen_type", "data"),
        ('{"a": {"b": 1, "b": 2}}', "duplicate_key", "data"),
        (r'{"s": "\ud800"}', "unpaired_surrogate", "data"),
    ],
)
def test_what_the_survey_did_not_see_is_set_aside(text: str, reason: str, path: str) -> None:
    shape = shape_of(['{"a": {"b": 1}, "l": [1], "s": "x"}', None])
    texts = ['{"a": {"b": 5}}', text, None, r'{"l": [2, 3], "s": "\ud83d\ude00"}']
    batch = read(shape, texts, Column("b", ("data", "a", "b")), Column("s", ("data", "s")))
    assert [(r.row, r.reason, r.path, r.key) for r in batch.rejected] == [(1, reason, path, '["1"]')]
    assert batch.table.column("b").to_pylist() == [5, None, None]
    assert list(batch.keys) == ['["0"]', '["2"]', '["3"]']
    assert not read(shape, texts, Column("all", ("data",))).rejected  # who carries it whole need not know it


def test_objects_that_hold_data_in_their_names_have_no_shape() -> None:
    found = JsonCount()
    found.add(json.dumps({str(n): n for n in range(MOST_FIELDS + 1)}))
    other = JsonCount()
    other.add('{"a": 1}')
    other.merge(found)
    assert (found.is_open, other.is_open, other.root.fields) == (False, False, {})
