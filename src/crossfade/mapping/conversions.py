"""Which kinds the as_... functions take, and the SQL that makes their result of each (macros.sql has the macros)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

Conversion = Callable[[exp.Expr, str], exp.Expr]
"""Of the value's SQL, and the name of the function as its user wrote it, for messages."""

Conversions = Mapping[str, Conversion]


def same(sql: exp.Expr, name: str) -> exp.Expr:
    return sql


def macro(macro: str, *labels: str) -> Conversion:
    return lambda sql, name: exp.func(macro, *map(exp.Literal.string, labels), sql)


def named(macro: str) -> Conversion:
    """A macro that says in its message which function it stands for."""
    return lambda sql, name: exp.func(macro, exp.Literal.string(name), sql)


def _cast(to: str) -> Conversion:
    return lambda sql, name: exp.cast(sql, to)


def hex_of(sql: exp.Expr, name: str = "") -> exp.Expr:
    return exp.func("lower", exp.func("hex", sql))


OID_OF: Conversions = {
    "objectId": same,
    "string": macro("cf_oid_of_text"),
    "mixed": macro("cf_oid_of_mixed"),
}
INT: Conversions = {
    "int": _cast("bigint"),
    "long": same,
    "double": named("cf_int_of_double"),
    "decimal": named("cf_int_of_digits"),
    "mixed": named("cf_int_of_mixed"),
}
DOUBLE: Conversions = {
    "double": same,
    "int": _cast("double"),
    "long": named("cf_double_of_int"),
    "mixed": named("cf_double_of_mixed"),
}
TEXT: Conversions = {
    "string": same,
    "int": _cast("text"),
    "long": _cast("text"),
    "decimal": same,
    "double": macro("cf_text_of_double"),
    "bool": _cast("text"),
    "uuid": _cast("text"),
    "objectId": hex_of,
    "date": named("cf_iso"),
    "mixed": named("cf_text_of_mixed"),
}
STRING: Conversions = {"string": same, "mixed": named("cf_string_of_mixed")}
NUMBER: Conversions = {
    "int": _cast("text"),
    "long": _cast("text"),
    "double": macro("cf_digits_of_double"),
    "decimal": same,
    "mixed": named("cf_digits"),
}
BOOL: Conversions = {"bool": same, "mixed": named("cf_bool_of_mixed")}
DATE: Conversions = {"date": same, "mixed": named("cf_date_of_mixed")}
BYTES: Conversions = {
    "binary": same,
    "uuid": macro("cf_bytes_of_uuid"),
    "mixed": named("cf_bytes_of_mixed"),
}

_SQL_TYPES = {
    "objectId": "BLOB",
    "binary": "BLOB",
    "string": "TEXT",
    "decimal": "TEXT",
    "long": "BIGINT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "date": "TIMESTAMPTZ",
    "uuid": "UUID",
}


def null_of(kind: str) -> exp.Expr:
    """NULL as a value of this kind: of a place where only null was ever seen."""
    return exp.cast(exp.null(), _SQL_TYPES[kind], dialect="duckdb")
