"""The text of a primary key in the ledger is JSON, and leads back to the key."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.journal.ledger import row_keys, row_texts
from crossfade.model.canonical import arrow_type, python_rows
from crossfade.model.target import ColumnType, TargetColumn, TargetTable

TEXTS = st.text(st.characters(codec="utf-8"))
TYPES = {
    "int8": (ColumnType("int8", "bigint"), st.integers(-(2**63), 2**63 - 1)),
    "uuid": (ColumnType("uuid", "uuid"), st.binary(min_size=16, max_size=16)),
    "text": (ColumnType("text", "text"), TEXTS | st.sampled_from(["\x00", "\x1f\x7f", 'a"b\\', "\u2028", "a "])),
    "bytea": (ColumnType("bytea", "bytea"), st.binary(max_size=4)),
    "bool": (ColumnType("bool", "boolean"), st.booleans()),
    "char": (ColumnType("char", "char(3)", length=3), st.sampled_from(["a", "a  ", "abc"])),
}


@pytest.mark.parametrize("kinds", [[kind] for kind in TYPES] + [["int8", "uuid", "text"], ["text", "bool"]])
@given(data=st.data())
def test_texts_are_json(kinds: list[str], data: st.DataObject) -> None:
    columns = tuple(TargetColumn(f"c{n}", TYPES[kind][0], nullable=False) for n, kind in enumerate(kinds))
    names = tuple(column.name for column in columns)
    table = TargetTable("t", None, "t", columns, names)
    rows: list[tuple[Any, ...]] = data.draw(st.lists(st.tuples(*(TYPES[kind][1] for kind in kinds)), max_size=5))
    values = zip(*rows, strict=True) if rows else [() for _ in kinds]
    keys = pa.table({c.name: pa.array(v, arrow_type(c.type)) for c, v in zip(columns, values, strict=True)})
    texts = row_texts(table, keys)
    plain = [[v.hex() if isinstance(v, bytes) else v for v in row] for row in python_rows(keys)]
    padded = [[v.rstrip(" ") if k == "char" else v for v, k in zip(row, kinds, strict=True)] for row in plain]
    assert texts == [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in padded]
    if "char" not in kinds:
        assert row_keys(table, texts).to_pydict() == keys.to_pydict()
