"""CAST in a mapping never rounds and never guesses: a cast that would change the value is an error of that record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from crossfade.mapping.resolve import Wrong
from crossfade.mapping.scope import Scope, Typed

if TYPE_CHECKING:
    from crossfade.mapping.rewrite import Rewriter

_T = exp.DType
_INTS = {
    _T.TINYINT,
    _T.SMALLINT,
    _T.INT,
    _T.BIGINT,
    _T.INT128,
    _T.UTINYINT,
    _T.USMALLINT,
    _T.UINT,
    _T.UBIGINT,
    _T.UINT128,
}
_TEXTS = {_T.TEXT, _T.VARCHAR, _T.CHAR}
_KINDS = {
    _T.INT: "int", _T.SMALLINT: "int", _T.TINYINT: "int", _T.BIGINT: "long", _T.DOUBLE: "double", _T.BOOLEAN: "bool",
    _T.TIMESTAMPTZ: "date", _T.UUID: "uuid", _T.TEXT: "string", _T.VARCHAR: "string", _T.CHAR: "string",
}  # fmt: skip


def rewrite_cast(rewriter: Rewriter, node: exp.Cast, scope: Scope) -> Typed:
    """CAST(e AS t) as an exact cast. Raises Wrong for TRY_CAST and for casts that have a function of ours."""
    if isinstance(node, exp.TryCast):
        raise Wrong(
            node, "TRY_CAST turns what does not fit into NULL, in silence", "CAST: what does not fit is quarantined"
        )
    source = rewriter.value(node.this, scope)
    to = node.to.this
    _refuse(node, source, to)
    cast = exp.Cast(this=source.sql, to=node.to.copy())
    kind = _KINDS.get(to)
    if source.kind in ("int", "long", "bool", "null") and to in _INTS:
        return Typed(cast, kind)  # DuckDB refuses an overflow by itself
    if to in _INTS:
        return Typed(exp.func("cf_cast_int", source.sql.copy(), cast), kind)
    if to == _T.DECIMAL:
        return Typed(exp.func("cf_cast_decimal", source.sql.copy(), cast))
    if to == _T.DOUBLE and source.kind != "double":
        return Typed(exp.func("cf_cast_double", source.sql.copy(), cast), kind)
    if to == _T.FLOAT:
        return Typed(exp.func("cf_cast_float", source.sql.copy(), cast))
    return Typed(cast, kind)


def _refuse(node: exp.Cast, source: Typed, to: exp.DType) -> None:
    text = node.this.sql("duckdb")
    if source.kind == "objectId":
        raise Wrong(node, f"{text} is an ObjectId: CAST does not know it", f"oid_text({text}) or uuid_of({text})")
    if source.kind == "mixed":
        hint = f"as_text({text}), as_int({text}), as_date({text}), ... or json_of({text})"
        raise Wrong(node, f"{text} holds several types: CAST would see its Extended JSON", hint)
    if source.kind == "binary" and to in _TEXTS:
        raise Wrong(node, f"{text} is binary: CAST to text would escape its bytes", f"hex({text}) or base64({text})")
