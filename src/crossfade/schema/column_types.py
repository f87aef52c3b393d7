"""Column types by their SQL: the text of PostgreSQL's format_type, SQLite's declared types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from crossfade.model.target import ColumnType

# As format_type prints them, and as people and SQLAlchemy write them.
_POSTGRESQL = {
    "smallint": "int2",
    "int2": "int2",
    "smallserial": "int2",
    "integer": "int4",
    "int": "int4",
    "int4": "int4",
    "serial": "int4",
    "bigint": "int8",
    "int8": "int8",
    "bigserial": "int8",
    "real": "float4",
    "float4": "float4",
    "double precision": "float8",
    "float8": "float8",
    "float": "float8",
    "numeric": "numeric",
    "decimal": "numeric",
    "boolean": "bool",
    "bool": "bool",
    "text": "text",
    "citext": "text",
    "character varying": "text",
    "varchar": "text",
    "character": "char",
    "char": "char",
    "bpchar": "char",
    "uuid": "uuid",
    "timestamp with time zone": "timestamptz",
    "timestamptz": "timestamptz",
    "timestamp without time zone": "timestamp",
    "timestamp": "timestamp",
    "date": "date",
    "time without time zone": "time",
    "time": "time",
    "json": "json",
    "jsonb": "jsonb",
    "bytea": "bytea",
}

_SQLITE = {
    "tinyint": "int2",
    "smallint": "int2",
    "int2": "int2",
    "mediumint": "int4",
    "int4": "int4",
    "int": "int8",
    "integer": "int8",
    "bigint": "int8",
    "int8": "int8",
    "real": "float8",
    "double": "float8",
    "double precision": "float8",
    "float": "float8",
    "numeric": "numeric",
    "decimal": "numeric",
    "boolean": "bool",
    "bool": "bool",
    "text": "text",
    "clob": "text",
    "varchar": "text",
    "nvarchar": "text",
    "char": "text",  # SQLite does not pad
    "nchar": "text",
    "character": "text",
    "uuid": "uuid",
    "datetime": "timestamp",
    "timestamp": "timestamp",
    "timestamptz": "timestamptz",
    "timestamp with time zone": "timestamptz",
    "date": "date",
    "time": "time",
    "json": "json",
    "jsonb": "json",
    "blob": "bytea",
    "": "other",
}

_SHAPE = re.compile(
    r"^(?P<head>.*?)\s*(?:\(\s*(?P<first>-?\d+)\s*(?:,\s*(?P<second>-?\d+)\s*)?\))?(?P<tail>[^()]*)$", re.DOTALL
)


def postgresql_type(sql: str, named: Mapping[str, ColumnType] | None = None) -> ColumnType:
    """Return the type that format_type prints as `sql`; `named` holds enums, domains and extensions' types.

    An unknown type is of kind `other`, never an error.
    """
    if sql.endswith("[]"):
        return ColumnType("array", sql, of=postgresql_type(sql[:-2], named))
    if named and sql in named:
        return named[sql]
    return _typed(sql, _POSTGRESQL)


def sqlite_type(sql: str) -> ColumnType:
    """Return the type intended by the declaration `sql`; an unknown word by SQLite's affinity."""
    found = _typed(sql, _SQLITE)
    if found.kind != "other" or not sql:
        return found
    upper = sql.upper()
    if "INT" in upper:
        return replace(found, kind="int8")
    if any(word in upper for word in ("CHAR", "CLOB", "TEXT")):
        return replace(found, kind="text")
    return replace(found, kind="bytea") if "BLOB" in upper else found


def _typed(sql: str, kinds: Mapping[str, str]) -> ColumnType:
    match = _SHAPE.match(sql.strip())
    assert match is not None  # every part of the pattern may be empty
    name = " ".join((match["head"] + match["tail"]).lower().split())
    kind = kinds.get(name, "other")
    first, second = (None if n is None else int(n) for n in (match["first"], match["second"]))
    if kind in ("text", "char"):
        length = 1 if kind == "char" and first is None and name in ("character", "char") else first
        return ColumnType(kind, sql, length=length)
    if name == "float" and kind == "float8" and kinds is _POSTGRESQL and first is not None and first <= 24:
        return ColumnType("float4", sql)
    if kind == "numeric" and first is not None:
        return ColumnType(kind, sql, precision=first, scale=second or 0)
    return ColumnType(kind, sql, precision=first if kind in ("timestamp", "timestamptz", "time") else None)
