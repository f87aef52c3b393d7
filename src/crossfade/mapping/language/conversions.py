"""The kinds that the as_... functions accept, with the SQL of each conversion (macros.sql has the macros)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from sqlglot import exp

Conversion = Callable[[exp.Expr, str], exp.Expr]
"""Take the SQL of a value, and the name of the function as the user wrote it (for messages); return SQL."""

Conversions = Mapping[str, Conversion]


def same(sql: exp.Expr, name: str) -> exp.Expr:
    return sql


def macro(macro: str, *labels: str) -> Conversion:
    return lambda sql, name: exp.func(macro, *map(exp.Literal.string, labels), sql)


def named(macro: str) -> Conversion:
    """Call a macro that names the user's function in its message."""
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
OID_IN: Conversions = {"uuid": macro("cf_oid_in"), "mixed": macro("cf_oid_in_mixed")}
INT: Conversions = {
    "int": _cast("bigint"),
    "long": same,
    "double": named("cf_int_of_double"),
    "decimal": named("cf_int_of_digits"),
    "mixed": named("cf_int_of_mixed"),
}
DOUBLE: Conversions = {
    "double": same,
    "float": _cast("double"),
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
    "float": _cast("text"),
    "uuid": _cast("text"),
    "timestamp": _cast("text"),
    "day": _cast("text"),
    "time": _cast("text"),
    "json": same,
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
JULIAN: Conversions = {
    "double": named("cf_date_of_julian"),
    "int": lambda sql, name: exp.func("cf_date_of_julian", exp.Literal.string(name), exp.cast(sql, "double")),
    "long": lambda sql, name: exp.func("cf_date_of_julian", exp.Literal.string(name), exp.cast(sql, "double")),
    "decimal": lambda sql, name: exp.func("cf_date_of_julian", exp.Literal.string(name), exp.cast(sql, "double")),
}
DATE: Conversions = {"date": same, "mixed": named("cf_date_of_mixed")}
BYTES: Conversions = {
    "binary": same,
    "uuid": macro("cf_bytes_of_uuid"),
    "mixed": named("cf_bytes_of_mixed"),
}

SHARED: Mapping[str, str] = {"integer": "long", "real": "double", "text": "string", "blob": "binData:0"}
"""SQLite's types by the names under which the functions know them (cf_shared_type does the same in SQL)."""

_NUMBERS = frozenset({"int", "long", "double", "decimal"})
_TAKES: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("as_int", "as_number", "epoch_ms_date", "epoch_s_date"), _NUMBERS),
    "as_double": _NUMBERS - {"decimal"},
    "as_decimal": _NUMBERS | {"string"},
    "parse_int": _NUMBERS | {"string"},
    "parse_double": _NUMBERS - {"decimal"} | {"string"},
    "as_bool": frozenset({"bool"}),
    "parse_bool": frozenset({"bool", "string"}),
    "as_date": frozenset({"date"}),
    "parse_date": frozenset({"date", "string"}),
    "as_string": frozenset({"string"}),
    "as_text": _NUMBERS | {"string", "bool", "objectId", "date", "binData:4"},
    "oid_of": frozenset({"objectId", "string"}),
    "oid_in": frozenset({"binData:4"}),
    "oid_text": frozenset({"objectId", "string"}),
    "uuid_of_legacy": frozenset({"binData:3", "binData:4"}),
    "timestamp_date": frozenset({"timestamp"}),
    "timestamp_counter": frozenset({"timestamp"}),
    "regex_pattern": frozenset({"regex"}),
    "regex_options": frozenset({"regex"}),
    "code_text": frozenset({"javascript", "javascriptWithScope"}),
    "code_scope": frozenset({"javascript", "javascriptWithScope"}),
}
"""The types in a place of several types that each function accepts."""


def takes(name: str, type_name: str) -> bool:
    """Return whether the function accepts values of this type (binary data includes the subtype's number)."""
    type_name = SHARED.get(type_name, type_name)
    return type_name.startswith("binData:") if name == "bytes_of" else type_name in _TAKES.get(name, (type_name,))


_CODE = "code_text(...), code_scope(...)"
INSTEAD: Mapping[str, str] = {
    "timestamp": "timestamp_date(...), timestamp_counter(...)",
    "regex": "regex_pattern(...), regex_options(...)",
    "javascript": "code_text(...)",
    "javascriptWithScope": _CODE,
    "date": "as_date(...)",
    "decimal": "as_decimal(...)",
    "objectId": "oid_text(...), uuid_of(...)",
}
"""The functions that are intended for each type."""
WITHOUT_A_TYPE = frozenset({"timestamp", "regex", "javascript", "javascriptWithScope"})
"""The types of BSON that only these functions read."""

_OFFERED: Mapping[str, str] = {  # the kind of column that each returns
    "as_bool": "bool", "parse_bool": "bool", "as_date": "timestamptz", "parse_date": "timestamptz",
    "as_int": "int8", "as_decimal": "numeric", "as_number": "numeric", "as_double": "float8",
    "parse_int": "int8", "parse_double": "float8", "as_text": "text",
}  # fmt: skip
_LIKE = {"varchar": "text", "char": "text", "enum": "text", "int2": "int8", "int4": "int8", "float4": "float8"}
_FRACTIONS = frozenset({"double", "decimal"})


def meant_for(types: Collection[str], text: str = "...", column: str | None = None) -> str:
    """Return the functions that accept all of these BSON types, for a hint. `column` is the kind of the target column.

    If all values are numbers, as_text is not suggested, nor as_int if they may have fractions, unless the column needs
    it.
    """
    known = frozenset(SHARED.get(name, name) for name in types) - {"null"}
    if not known:
        return f"as_text({text}), as_decimal({text}), parse_date({text}), ..."
    wanted = _LIKE.get(column, column) if column else None
    taking = [name for name in _OFFERED if all(takes(name, t) for t in known)]
    found = [name for name in taking if _OFFERED[name] == wanted]
    if not found and (only := functions_for(known)):
        return only.replace("...", text)
    found = found or sorted((n for n in taking if _is_intended(n, known)), key=lambda n: n != "as_text")
    return " or ".join(f"{name}({text})" for name in found[:3]) or _by_type(known, text)


def functions_for(types: Collection[str]) -> str | None:
    """Return the functions that are intended for all values of these types; None if there are none."""
    known = frozenset(types) - {"null"}
    if len(known) > 1 and all(name.startswith("javascript") for name in known):
        return _CODE
    return INSTEAD.get(next(iter(known))) if len(known) == 1 else None


_AS_TEXT = {"javascript": "code_text", "javascriptWithScope": "code_text", "regex": "regex_pattern"}


def _by_type(types: frozenset[str], text: str) -> str:
    """Return what reads values that no function reads together: a CASE by their type, if they are texts in a way."""
    others = types - _AS_TEXT.keys()
    if others == types or not all(takes("as_text", name) for name in others):
        return f"json_of({text}) or ejson_of({text})"
    tests = " ".join(f"WHEN '{name}' THEN {_AS_TEXT[name]}({text})" for name in sorted(types - others))
    rest = f" ELSE as_text({text})" if others else ""
    return f"CASE type_of({text}) {tests}{rest} END"


def held(text: str, types: Collection[str]) -> str:
    """Return, for a message, what a place of several types holds, or of a type that SQL does not have."""
    known = sorted(set(types) - {"null"})
    if len(known) == 1:
        return f"{text} holds values that SQL has no type for ({known[0]})"
    return f"{text} holds several types ({', '.join(known)})" if known else f"{text} holds several types"


def _is_intended(name: str, types: frozenset[str]) -> bool:
    if types <= _NUMBERS:
        return name.startswith("as_") and name != "as_text" and not (name == "as_int" and types & _FRACTIONS)
    return not (name == "parse_int" and types & _FRACTIONS)


_SQL_TYPES = {
    "objectId": "BLOB",
    "binary": "BLOB",
    "string": "TEXT",
    "json": "TEXT",
    "decimal": "TEXT",
    "long": "BIGINT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "int": "INTEGER",
    "float": "FLOAT",
    "timestamp": "TIMESTAMP",
    "day": "DATE",
    "time": "TIME",
    "date": "TIMESTAMPTZ",
    "uuid": "UUID",
}


def null_of(kind: str) -> exp.Expr:
    """Return NULL as a value of this kind, for a place where the survey saw only null."""
    return exp.cast(exp.null(), _SQL_TYPES[kind], dialect="duckdb")
