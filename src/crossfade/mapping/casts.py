"""CAST in a mapping never rounds and never guesses: a cast that would change the value is an error of that record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from crossfade.mapping.functions import let
from crossfade.mapping.program import LESS, WHOLE
from crossfade.mapping.resolve import Wrong
from crossfade.mapping.scope import Scope, Typed

if TYPE_CHECKING:
    from crossfade.mapping.rewrite import Rewriter

_T = exp.DType
_INTS = {_T.TINYINT, _T.SMALLINT, _T.INT, _T.BIGINT, _T.INT128,
         _T.UTINYINT, _T.USMALLINT, _T.UINT, _T.UBIGINT, _T.UINT128}  # fmt: skip
_TEXTS = {_T.TEXT, _T.VARCHAR, _T.CHAR}
_MACROS = {
    **dict.fromkeys(_INTS, "cf_cast_number"),
    _T.DECIMAL: "cf_cast_number",
    _T.DOUBLE: "cf_cast_number",
    _T.FLOAT: "cf_cast_number",
    _T.BOOLEAN: "cf_cast_bool",
    _T.DATE: "cf_cast_date",
    _T.TIME: "cf_cast_time",
    _T.TIMESTAMP: "cf_cast_moment",
    _T.TIMESTAMPNTZ: "cf_cast_moment",
    _T.TIMESTAMPTZ: "cf_cast_moment",
}
_KEEP = {*_TEXTS, _T.UUID, _T.JSON, _T.VARBINARY, _T.INTERVAL}
"""Targets that DuckDB takes exactly or refuses by itself."""

_KINDS = {
    _T.INT: "int", _T.SMALLINT: "int", _T.TINYINT: "int", _T.BIGINT: "long", _T.DOUBLE: "double", _T.BOOLEAN: "bool",
    _T.TIMESTAMPTZ: "date", _T.UUID: "uuid", _T.TEXT: "string", _T.VARCHAR: "string", _T.CHAR: "string",
}  # fmt: skip
_NEVER_CHANGES = {
    "bool": _INTS | {_T.BOOLEAN},
    "int": _INTS | {_T.DOUBLE},  # DuckDB refuses an overflow by itself
    "long": _INTS,
    "double": {_T.DOUBLE},
    "date": {_T.TIMESTAMPTZ, _T.TIMESTAMP, _T.TIMESTAMPNTZ},
    "null": set(_T),
}


def rewrite_cast(rewriter: Rewriter, node: exp.Cast, scope: Scope) -> Typed:
    """CAST(e AS t) as an exact cast. Raises Wrong for TRY_CAST and for casts that have a function of ours."""
    if isinstance(node, exp.TryCast):
        hint = "CAST: what does not fit is quarantined"
        raise Wrong(node, "TRY_CAST turns what does not fit into NULL, in silence", hint)
    with rewriter.mentions.apart() as read:
        source = rewriter.value(node.this, scope)
    to, kind = node.to.this, _KINDS.get(node.to.this)
    part = to in (_T.DATE, _T.TIME) and source.kind in ("date", None)
    rewriter.mentions.put(read, LESS if part else WHOLE, f"CAST AS {to.name}")
    _refuse(node, source, to)
    if source.kind == "date" and to == _T.TIME:  # DuckDB goes there by way of a TIMESTAMP alone
        return Typed(exp.cast(exp.cast(source.sql, "timestamp"), "time"))
    if to in _KEEP or to in _NEVER_CHANGES.get(source.kind or "", set()):
        return Typed(exp.Cast(this=source.sql, to=node.to.copy()), kind)
    if source.kind == "double" and to in _INTS:
        return Typed(_checked("cf_cast_whole", source.sql, node.to), kind)
    return Typed(_checked(_MACROS[to], source.sql, node.to), kind)


def _checked(macro: str, value: exp.Expr, to: exp.DataType) -> exp.Expr:
    return let(value, lambda v: exp.func(macro, v, exp.Cast(this=v.copy(), to=to.copy())))


def _refuse(node: exp.Cast, source: Typed, to: exp.DType) -> None:
    text = node.this.sql("duckdb")
    if source.kind == "objectId":
        raise Wrong(node, f"{text} is an ObjectId: CAST does not know it", f"oid_text({text}) or uuid_of({text})")
    if source.kind == "mixed":
        hint = f"as_text({text}), as_int({text}), as_date({text}), ... or json_of({text})"
        raise Wrong(node, f"{text} holds several types: CAST would see its Extended JSON", hint)
    if source.kind == "binary" and to != _T.VARBINARY:
        raise Wrong(node, f"{text} is binary: CAST would escape its bytes", f"hex({text}) or base64({text})")
    if to == _T.VARBINARY and source.kind not in ("binary", "null"):
        raise Wrong(node, "CAST to BLOB reads escapes in text", f"encode({text})")
    if to not in _KEEP and to not in _MACROS:
        hint = "list_transform(..., lambda x: CAST(x AS ...)) for a list; TIMESTAMP for other timestamps"
        raise Wrong(node, f"CAST to {node.to.sql('duckdb')} is not among the exact ones", hint)
