"""Column types by their SQL."""

from __future__ import annotations

import pytest

from crossfade.model.target import CANONICAL, ColumnType
from crossfade.schema.column_types import postgresql_type, sqlite_type


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("character varying(255)", ColumnType("text", "character varying(255)", length=255)),
        ("character(3)", ColumnType("char", "character(3)", length=3)),
        ("bpchar", ColumnType("char", "bpchar")),
        ("numeric(10,2)", ColumnType("numeric", "numeric(10,2)", precision=10, scale=2)),
        ("numeric(5,-2)", ColumnType("numeric", "numeric(5,-2)", precision=5, scale=-2)),
        ("numeric", ColumnType("numeric", "numeric")),
        ("timestamp(3) with time zone", ColumnType("timestamptz", "timestamp(3) with time zone", precision=3)),
        ("time without time zone", ColumnType("time", "time without time zone")),
        ("time with time zone", ColumnType("other", "time with time zone")),
        ('"char"', ColumnType("other", '"char"')),
        ("integer[]", ColumnType("array", "integer[]", of=ColumnType("int4", "integer"))),
        ("interval day to second(3)", ColumnType("other", "interval day to second(3)")),
    ],
)
def test_postgresql(sql: str, expected: ColumnType) -> None:
    assert postgresql_type(sql) == expected


def test_named_types_come_first() -> None:
    mood = ColumnType("enum", "public.mood", labels=("sad",))
    assert postgresql_type("public.mood[]", {"public.mood": mood}) == ColumnType("array", "public.mood[]", of=mood)


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("INTEGER", "int8"),
        ("VARCHAR(20)", "text"),
        ("DATETIME", "timestamp"),
        ("UNSIGNED BIG INT", "int8"),
        ("NATIVE CHARACTER(70)", "text"),
        ("DECIMAL(10,5)", "numeric"),
        ("BLOB", "bytea"),
        ("", "other"),
        ("JSON", "json"),
    ],
)
def test_sqlite(sql: str, kind: str) -> None:
    assert sqlite_type(sql).kind == kind
    assert kind in CANONICAL
