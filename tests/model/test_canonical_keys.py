"""Rows as Python values: they are hashable, whatever their types, and become the same rows again."""

from __future__ import annotations

from typing import Any

import pytest

from crossfade.model.canonical import arrow_rows, arrow_type, python_rows
from crossfade.model.equal import from_key_form, key_form
from crossfade.model.target import ColumnType, TargetColumn, TargetTable

TEXT, INT, MOMENT = ColumnType("text", "text"), ColumnType("int4", "int4"), ColumnType("timestamptz", "timestamptz")
FAR = 300_000_000_000_000_000  # microseconds: the year 11476, which Python does not have


def array(of: ColumnType) -> ColumnType:
    return ColumnType("array", f"{of.sql}[]", of=of)


def struct(**fields: ColumnType) -> ColumnType:
    return ColumnType("struct", "object", fields=tuple(TargetColumn(name, of) for name, of in fields.items()))


VALUES: list[tuple[ColumnType, list[Any]]] = [
    (TEXT, ["a", None]),
    (MOMENT, [FAR, None, 0]),
    (array(TEXT), [["a", None], [], None]),
    (array(MOMENT), [[FAR, None], []]),
    (struct(a=INT, at=MOMENT), [{"a": 1, "at": FAR}, {"a": None, "at": None}, None]),
    (struct(l=array(struct(x=TEXT))), [{"l": [{"x": "a"}, None]}, {"l": []}, {"l": None}]),
]


@pytest.mark.parametrize(("kind", "values"), VALUES, ids=range(len(VALUES)))
def test_any_row_can_be_a_key(kind: ColumnType, values: list[Any]) -> None:
    of = TargetTable("t", None, "t", (TargetColumn("v", kind),), ("v",))
    plain = arrow_rows(of, ["v"], [(value,) for value in values])
    assert plain.schema.field("v").type == arrow_type(kind)
    rows = python_rows(plain)
    assert rows == [(value,) for value in values]
    assert len(set(rows)) == len(values)
    assert set(rows) == set(python_rows(plain))
    assert arrow_rows(of, ["v"], rows).equals(plain)
    (column,) = plain.columns
    assert from_key_form(key_form(column, kind), kind).equals(column.combine_chunks())
