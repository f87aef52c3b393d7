"""CAST in a mapping never changes a value. Where it would round, truncate or guess, it is an error of the record."""

from __future__ import annotations

import re

from sqlglot import exp

from crossfade.mapping.language.conversions import held, meant_for
from crossfade.mapping.language.let import let
from crossfade.mapping.language.resolve import Wrong
from crossfade.mapping.language.rewriting import Rewriting
from crossfade.mapping.language.scope import Scope, Typed
from crossfade.model.program import LESS, WHOLE
from crossfade.model.sql_constants import CLOCK, DAY, ZONE

_T = exp.DType
_INTS = {_T.TINYINT, _T.SMALLINT, _T.INT, _T.BIGINT, _T.INT128,
         _T.UTINYINT, _T.USMALLINT, _T.UINT, _T.UBIGINT, _T.UINT128}  # fmt: skip
_TEXTS = {_T.TEXT, _T.VARCHAR, _T.CHAR}
_MACROS = {
    **dict.fromkeys(_INTS, "cf_cast_number"),
    _T.DECIMAL: "cf_cast_number",
    _T.DOUBLE: "cf_cast_number",
    _T.FLOAT: "cf_cast_single",
    _T.BOOLEAN: "cf_cast_bool",
    _T.DATE: "cf_cast_date",
    _T.TIME: "cf_cast_time",
    _T.TIMESTAMP: "cf_cast_timestamp",
    _T.TIMESTAMPNTZ: "cf_cast_timestamp",
    _T.TIMESTAMPTZ: "cf_cast_moment",
    **dict.fromkeys(_TEXTS, "cf_cast_text"),
    _T.UUID: "cf_cast_uuid",
    _T.JSON: "cf_cast_json",
    _T.INTERVAL: "cf_cast_interval",
}
"""The macros that check a cast to each type. A type that is not listed is refused."""

_KINDS = {
    _T.INT: "int", _T.SMALLINT: "int", _T.TINYINT: "int", _T.BIGINT: "long", _T.DOUBLE: "double", _T.BOOLEAN: "bool",
    _T.TIMESTAMPTZ: "date", _T.UUID: "uuid", _T.TEXT: "string", _T.VARCHAR: "string", _T.CHAR: "string",
}  # fmt: skip
_COLUMNS = {
    **dict.fromkeys(_INTS, "int8"), **dict.fromkeys(_TEXTS, "text"), _T.DOUBLE: "float8", _T.FLOAT: "float8",
    _T.DECIMAL: "numeric", _T.BOOLEAN: "bool", _T.DATE: "timestamptz", _T.TIMESTAMP: "timestamptz",
    _T.TIMESTAMPNTZ: "timestamptz", _T.TIMESTAMPTZ: "timestamptz",
}  # fmt: skip
"""The kind of column that the value of a cast would go into."""
_NEVER_CHANGES = {
    "bool": _INTS | _TEXTS | {_T.BOOLEAN},
    "int": _INTS | _TEXTS | {_T.DOUBLE},  # DuckDB refuses an overflow by itself
    "long": _INTS | _TEXTS,
    "double": {_T.DOUBLE} | _TEXTS,
    "decimal": _TEXTS,
    "string": _TEXTS,
    "json": _TEXTS,
    "uuid": _TEXTS | {_T.UUID},
    "date": _TEXTS | {_T.TIMESTAMPTZ, _T.TIMESTAMP, _T.TIMESTAMPNTZ},
    "timestamp": _TEXTS | {_T.TIMESTAMP, _T.TIMESTAMPNTZ},
    "day": _TEXTS | {_T.DATE, _T.TIMESTAMP, _T.TIMESTAMPNTZ},
    "time": _TEXTS | {_T.TIME},
    "float": _TEXTS | {_T.FLOAT, _T.DOUBLE},
    "null": set(_T),
}


def rewrite_cast(rewriter: Rewriting, node: exp.Cast, scope: Scope) -> Typed:
    """Rewrite CAST(e AS t) as an exact cast. Raises Wrong for TRY_CAST, and for casts that a function replaces."""
    if isinstance(node, exp.TryCast):
        hint = "CAST: a record whose value does not fit is quarantined"
        raise Wrong(node, "TRY_CAST silently turns a value that does not fit into NULL", hint)
    with rewriter.mentions.apart() as read:
        source = rewriter.value(node.this, scope)
    to, kind = node.to.this, _KINDS.get(node.to.this)
    part = to in (_T.DATE, _T.TIME) and source.kind in ("date", "timestamp", None)
    rewriter.mentions.put(read, LESS if part else WHOLE, f"CAST AS {node.to.sql('duckdb')}")
    _refuse(node, source, to)
    if source.kind == "date" and to == _T.TIME:  # DuckDB can cast it only by way of a TIMESTAMP
        return Typed(exp.cast(exp.cast(source.sql, "timestamp"), "time"))
    if to == _T.VARBINARY or to in _NEVER_CHANGES.get(source.kind or "", set()):
        return Typed(exp.Cast(this=source.sql, to=node.to.copy()), kind)
    if isinstance(node.this, exp.Literal) and node.this.is_string and to in _WRITTEN:
        _refuse_constant(node, node.this.name, to)
        return Typed(exp.Cast(this=source.sql, to=node.to.copy()), kind)
    if source.kind == "double" and to in _INTS:
        return Typed(_checked("cf_cast_whole", source.sql, node.to), kind)
    return Typed(exact_cast(source.sql, node.to), kind)


def exact_cast(value: exp.Expr, to: exp.DataType) -> exp.Expr:
    """Return SQL for the cast to one of the exact types, for a value of any type."""
    return _checked(_MACROS[to.this], value, to)


def _checked(macro: str, value: exp.Expr, to: exp.DataType) -> exp.Expr:
    return let(value, lambda v: exp.func(macro, v, exp.Cast(this=v.copy(), to=to.copy())))


_WRITTEN = {
    _T.DATE: (DAY, "DATE '2024-01-26'"),
    _T.TIME: (CLOCK, "TIME '10:30:00'"),
    _T.TIMESTAMP: (rf"{DAY}([ T]{CLOCK})?", "TIMESTAMP '2024-01-26 10:30:00'"),
    _T.TIMESTAMPNTZ: (rf"{DAY}([ T]{CLOCK})?", "TIMESTAMP '2024-01-26 10:30:00'"),
    _T.TIMESTAMPTZ: (rf"{DAY}[ T]{CLOCK}{ZONE}", "TIMESTAMPTZ '2024-01-26 10:30:00Z'"),
}
"""The notation of constants of each type. Other text that DuckDB accepts (`epoch`, no zone) is refused."""


def _refuse_constant(node: exp.Cast, text: str, to: exp.DType) -> None:
    form, example = _WRITTEN[to]
    if not re.fullmatch(form, text) or text.startswith("0000"):
        raise Wrong(node, f"{text!r} is not a complete {example.split()[0]}", example)


def _refuse(node: exp.Cast, source: Typed, to: exp.DType) -> None:
    text = node.this.sql("duckdb")
    if source.kind == "objectId":
        raise Wrong(node, f"{text} is an ObjectId, which CAST does not support", f"oid_text({text}) or uuid_of({text})")
    if source.kind == "mixed":
        hint = f"{meant_for(source.types, text, _COLUMNS.get(to))}; json_of({text}) for the whole"
        raise Wrong(node, f"{held(text, source.types)}: CAST would see their Extended JSON", hint)
    if source.kind == "binary" and to != _T.VARBINARY:
        raise Wrong(node, f"{text} is binary: CAST would escape its bytes", f"hex({text}) or base64({text})")
    if to == _T.VARBINARY and source.kind not in ("binary", "null"):
        raise Wrong(node, "CAST to BLOB interprets escapes in text", f"encode({text})")
    if to not in _MACROS and to != _T.VARBINARY:
        hint = "list_transform(..., lambda x: CAST(x AS ...)) for a list; TIMESTAMP for other timestamps"
        raise Wrong(node, f"CAST to {node.to.sql('duckdb')} is not supported, because it may change values", hint)
    if source.kind == "list" and to != _T.JSON:
        hint = f"list_transform({text}, lambda x: CAST(x AS ...)), array_to_string({text}, ',') or to_json({text})"
        raise Wrong(node, f"{text} is a list: CAST would print it", hint)
