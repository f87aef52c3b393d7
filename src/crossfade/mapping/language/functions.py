"""The functions of the mapping language (docs/reference/mapping.md). Each returns SQL for the kind of its argument."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from crossfade.mapping.language.conversions import (
    BOOL,
    BYTES,
    DATE,
    DOUBLE,
    INT,
    JULIAN,
    NUMBER,
    OID_IN,
    OID_OF,
    SHARED,
    STRING,
    TEXT,
    Conversions,
    hex_of,
    macro,
    meant_for,
    named,
    null_of,
    same,
    takes,
)
from crossfade.mapping.language.fields import FieldRef
from crossfade.mapping.language.let import let
from crossfade.mapping.language.resolve import Wrong
from crossfade.mapping.language.rewriting import Rewriting
from crossfade.mapping.language.scope import Scope, Typed
from crossfade.mapping.language.type_conditions import TYPE_OF
from crossfade.model.program import LESS, WHOLE
from crossfade.model.shape import format_path

Function = Callable[[Rewriting, exp.Expr, list[exp.Expr], Scope], Typed]


def _text(value: str) -> exp.Expr:
    return exp.Literal.string(value)


def _one(node: exp.Expr, args: list[exp.Expr], name: str) -> exp.Expr:
    if len(args) != 1:
        raise Wrong(node, f"{name} takes one value, not {len(args)}")
    return args[0]


def _place(rewriter: Rewriting, node: exp.Expr, arg: exp.Expr, scope: Scope, name: str) -> FieldRef:
    found = rewriter.rewrite(arg, scope)
    if not isinstance(found, FieldRef):
        raise Wrong(node, f"{name} takes a field, not an expression", f"{name}(alias.field)")
    if found.row.is_entry and not found.path:
        text = arg.sql("duckdb")
        raise Wrong(node, f"{text} is an entry: {name} takes its key or its value", f"{name}({text}.value)")
    return found


# -- documents


def _form(name: str, form: str, kind: str | None) -> Function:
    """Return a function whose result is a form of its place: the reader makes it."""

    def function(rewriter: Rewriting, node: exp.Expr, args: list[exp.Expr], scope: Scope) -> Typed:
        place = _place(rewriter, node, _one(node, args, name), scope, name)
        rewriter.use(place, "whole" if form in ("json", "ejson") else "type", as_json=form == "json")
        return Typed(place.read(form), kind)

    return function


def _list_of(rewriter: Rewriting, node: exp.Expr, args: list[exp.Expr], scope: Scope) -> Typed:
    return rewriter.elements(_place(rewriter, node, _one(node, args, "list_of"), scope, "list_of"), "listed")


def _entries_of(rewriter: Rewriting, node: exp.Expr, args: list[exp.Expr], scope: Scope) -> Typed:
    place = _place(rewriter, node, _one(node, args, "entries_of"), scope, "entries_of")
    if "object" not in place.node.types and place.node.value_types:
        types = " | ".join(sorted(place.node.types))
        raise Wrong(node, f"entries_of takes an object; {args[0].sql('duckdb')} holds {types}")
    return rewriter.elements(place, "entries")


def _json_list(rewriter: Rewriting, node: exp.Expr, args: list[exp.Expr], scope: Scope) -> Typed:
    place = _place(rewriter, node, _one(node, args, "json_list"), scope, "json_list")
    rewriter.use(place, "whole", as_json=True)
    json, kind = place.read("json"), place.read("type")
    wrapped = exp.DPipe(this=exp.DPipe(this=_text("["), expression=json.copy()), expression=_text("]"))
    case = exp.Case().when(exp.In(this=kind, expressions=[_text("array"), _text("null")]), json)
    return Typed(exp.paren(case.else_(wrapped)), "json")


def _rest_of(rewriter: Rewriting, node: exp.Expr, args: list[exp.Expr], scope: Scope) -> Typed:
    place = _place(rewriter, node, _one(node, args, "rest_of"), scope, "rest_of")
    if place.path or place.row.bases != ((),) or place.row is not rewriter.root:
        raise Wrong(node, "rest_of takes the alias of the root", "rest_of(u) where FROM users AS u")
    rewriter.use(place, "rest", as_json=True)
    return Typed(place.read("rest"), "json")


# -- identity


_NAMED_BY_THE_ENGINE = frozenset({"float", "timestamp", "day", "time"})


def identity_name(rewriter: Rewriting, node: exp.Expr, scope: Scope) -> exp.Expr:
    """Return SQL for the name of a value inside a derived id (the same as `crossfade_ids.identity_name`)."""
    found = rewriter.rewrite(node, scope)
    typed = found if isinstance(found, Typed) else rewriter.native(node, found)
    kind = typed.kind
    if isinstance(found, FieldRef) and kind == "mixed":
        return exp.func("cf_name_mixed", type_name(found), typed.sql)
    if kind in ("int", "long"):
        return exp.func("cf_name_number", exp.cast(typed.sql, "text"))
    if kind in ("double", "decimal"):
        return exp.func(f"cf_name_{kind}", typed.sql)
    if kind is None or kind in _NAMED_BY_THE_ENGINE:
        return exp.func("cf_name_any", typed.sql)
    if kind == "null":
        return exp.cast(exp.null(), "text")
    prefixes = {"objectId": "objectId:", "string": "string:", "bool": "bool:", "uuid": "binData:4:",
                "binary": "binData:0:", "date": "", "json": "string:"}  # fmt: skip
    if kind not in prefixes:
        raise Wrong(node, f"{node.sql('duckdb')} ({kind}) cannot be part of an id")
    body: exp.Expr = exp.cast(typed.sql, "text")
    if kind in ("objectId", "binary"):
        body = hex_of(typed.sql)
    if kind == "date":
        return exp.func("cf_name_date", typed.sql)
    return exp.DPipe(this=_text(prefixes[kind]), expression=body)


_LEAD_BACK = frozenset({"objectId", "binData:4"})
"""The types that can be read back from a UUID."""


def _uuid_of(rewriter: Rewriting, node: exp.Expr, args: list[exp.Expr], scope: Scope) -> Typed:
    if not args:
        raise Wrong(node, "uuid_of takes at least one value")
    if len(args) > 1:
        with rewriter.mentions.through(LESS, "uuid_of"):
            parts = [exp.func("cf_part", identity_name(rewriter, a, scope)) for a in args]
        joined: exp.Expr = parts[0]
        for part in parts[1:]:
            joined = exp.DPipe(this=joined, expression=part)
        return Typed(exp.func("cf_uuid5", joined), "uuid")
    with rewriter.mentions.apart() as read:
        found = rewriter.rewrite(args[0], scope)
        if isinstance(found, FieldRef) and found.node.kind == "objectId":
            typed = Typed(rewriter.read(found, "oid_uuid"), "uuid")
        else:
            typed = found if isinstance(found, Typed) else rewriter.native(args[0], found)
    leads_back = {"uuid": None, "objectId": None, "mixed": _LEAD_BACK}.get(typed.kind or "", frozenset())
    rewriter.mentions.put_types(read, leads_back, "uuid_of")
    if typed.kind == "null":
        return Typed(null_of("uuid"), "uuid")
    if typed.kind == "uuid":
        return typed
    if typed.kind == "objectId":
        return Typed(exp.func("cf_uuid_of_oid", typed.sql), "uuid")
    if typed.kind == "mixed" and isinstance(found, FieldRef):
        return Typed(exp.func("cf_uuid_of_mixed", type_name(found), typed.sql), "uuid")
    if typed.kind is None or typed.kind in _NAMED_BY_THE_ENGINE:
        return Typed(exp.func("cf_uuid_of_any", typed.sql), "uuid")
    with rewriter.mentions.apart():  # recorded above
        return Typed(exp.func("cf_uuid5", identity_name(rewriter, args[0], scope)), "uuid")


def _uuid_of_legacy(rewriter: Rewriting, node: exp.Expr, args: list[exp.Expr], scope: Scope) -> Typed:
    orders = ("java", "csharp", "python")
    if len(args) != 2 or not isinstance(args[1], exp.Literal) or args[1].name not in orders:
        raise Wrong(
            node, "uuid_of_legacy takes a value and the order of its bytes: 'java', 'csharp' or 'python'",
            "the byte order depends on the driver that wrote the values",
        )  # fmt: skip
    conversions = {"uuid": same, "mixed": macro("cf_uuid_of_legacy", args[1].name)}
    return _by_kind(rewriter, node, args[:1], scope, "uuid_of_legacy", "uuid", conversions)


def _oid_of(rewriter: Rewriting, node: exp.Expr, args: list[exp.Expr], scope: Scope) -> Typed:
    return _by_kind(rewriter, node, args, scope, "oid_of", "objectId", OID_OF)


def _oid_in(rewriter: Rewriting, node: exp.Expr, args: list[exp.Expr], scope: Scope) -> Typed:
    return _by_kind(rewriter, node, args, scope, "oid_in", "objectId", OID_IN)


def _oid_text(rewriter: Rewriting, node: exp.Expr, args: list[exp.Expr], scope: Scope) -> Typed:
    found = rewriter.rewrite(_one(node, args, "oid_text"), scope)
    if isinstance(found, FieldRef) and found.node.kind == "objectId":
        return Typed(rewriter.read(found, "oid_text"), "string")
    typed = _oid_of(rewriter, node, args, scope)
    return Typed(hex_of(typed.sql), "string")


# -- values of mixed type: the SQL for each kind that a function accepts


def _by_kind(
    rewriter: Rewriting,
    node: exp.Expr,
    args: list[exp.Expr],
    scope: Scope,
    name: str,
    result: str,
    conversions: Conversions,
) -> Typed:
    arg = _one(node, args, name)
    found = rewriter.rewrite(arg, scope)
    typed = found if isinstance(found, Typed) else rewriter.native(arg, found)
    kind = typed.kind
    if kind == "null":
        return Typed(null_of(result), result)
    if kind is None or kind not in conversions or _takes_none(name, found):
        named_kinds = ", ".join(k for k in conversions if k != "mixed") or ", ".join(_OF_ONE_TYPE[name])
        hint = _other_function(name, kind, found)
        raise Wrong(node, f"{name} takes {named_kinds}; {_described(arg, found)}", hint)
    sql = conversions[kind](typed.sql, name)
    if kind == "mixed":
        if not isinstance(found, FieldRef):
            raise Wrong(node, f"{name} of a mixed value takes the field itself", f"{name}(alias.field)")
        sql.args["expressions"].insert(-1, type_name(found))
    return Typed(sql, result)


def type_name(found: FieldRef) -> exp.Expr:
    """Return the SQL of a place's type, as the macros for values of mixed type name it."""
    sql = found.read("type")
    return exp.func("cf_shared_type", sql) if found.node.types.keys() & SHARED.keys() else sql


_OF_ONE_TYPE = {
    "timestamp_date": ("timestamp",),
    "timestamp_counter": ("timestamp",),
    "regex_pattern": ("regex",),
    "regex_options": ("regex",),
    "code_text": ("javascript", "javascriptWithScope"),
    "code_scope": ("javascript", "javascriptWithScope"),
}


def _takes_none(name: str, found: FieldRef | Typed) -> bool:
    """Return whether the survey saw only values at the place that the function refuses."""
    if not isinstance(found, FieldRef) or found.node.kind != "mixed":
        return False
    return not any(takes(name, one) for one in found.node.value_types)


def _described(arg: exp.Expr, found: FieldRef | Typed) -> str:
    if isinstance(found, FieldRef):
        types = " | ".join(sorted(found.node.types))
        return f"{found.row.entity}.{format_path(found.full_path)} holds {types}"
    text = arg.sql("duckdb")
    return f"{text} is {found.kind}" if found.kind else f"the type of {text} is unknown"


def _other_function(name: str, kind: str | None, found: FieldRef | Typed) -> str | None:
    parses = {"as_int": "parse_int", "as_double": "parse_double", "as_bool": "parse_bool", "as_date": "parse_date"}
    if kind is None:
        return "CAST(... AS ...) gives it a type"
    if kind == "mixed" and isinstance(found, FieldRef):
        return meant_for(found.node.value_types)
    return f"{parses[name]}(...)" if kind == "string" and name in parses else None


def _typed_function(name: str, result: str, conversions: Conversions) -> Function:
    def function(rewriter: Rewriting, node: exp.Expr, args: list[exp.Expr], scope: Scope) -> Typed:
        return _by_kind(rewriter, node, args, scope, name, result, conversions)

    return function


def _part(name: str, result: str, whole: frozenset[str] = frozenset()) -> Function:
    """Return a function for a part of a value that has no SQL type; of the `whole` types, the part is all of it."""
    conversions = {"mixed": named(f"cf_{name}")}

    def function(rewriter: Rewriting, node: exp.Expr, args: list[exp.Expr], scope: Scope) -> Typed:
        with rewriter.mentions.apart() as read:
            found = _by_kind(rewriter, node, args, scope, name, result, conversions)
        rewriter.mentions.put_types(read, whole, name)
        return found

    return function


def _parse(name: str, result: str, strict: Conversions, text_macro: str) -> Function:
    """Return a function that accepts what the strict one does, and text that holds exactly such a value."""

    def function(rewriter: Rewriting, node: exp.Expr, args: list[exp.Expr], scope: Scope) -> Typed:
        arg = _one(node, args, name)
        found = rewriter.rewrite(arg, scope)
        if isinstance(found, FieldRef) and found.node.kind == "mixed" and not _takes_none(name, found):
            typed = rewriter.native(arg, found)
            is_text = exp.EQ(this=type_name(found), expression=_text("string"))
            text = exp.func(text_macro, _text(name), STRING["mixed"](typed.sql.copy(), name))
            text.expressions[1].args["expressions"].insert(-1, type_name(found))
            other = strict["mixed"](typed.sql, name)
            other.args["expressions"].insert(-1, type_name(found))
            return Typed(exp.paren(exp.Case().when(is_text, text).else_(other)), result)
        return _by_kind(rewriter, node, args, scope, name, result, {**strict, "string": named(text_macro)})

    return function


def _as_decimal(rewriter: Rewriting, node: exp.Expr, args: list[exp.Expr], scope: Scope) -> Typed:
    if len(args) != 3 or not all(isinstance(a, exp.Literal) and a.is_int for a in args[1:]):
        raise Wrong(node, "as_decimal takes a value, a precision and a scale", "as_decimal(x, 12, 2)")
    numbers = {**NUMBER, "string": same}
    if isinstance(found := rewriter.rewrite(args[0], scope), FieldRef) and found.node.kind == "mixed":
        digits = _parse("as_decimal", "string", numbers, "cf_decimal_text")(rewriter, node, args[:1], scope).sql
    else:
        digits = _by_kind(rewriter, node, args[:1], scope, "as_decimal", "string", numbers).sql
    to = exp.DataType.build(f"DECIMAL({args[1].name}, {args[2].name})", dialect="duckdb")
    return Typed(
        let(digits, lambda v: exp.func("cf_decimal_of_digits", _text("as_decimal"), v, exp.TryCast(this=v, to=to)))
    )


def _nul(name: str, more: int = 0) -> Function:
    """Return a function that handles the NUL character: in text, and in JSON as its escape."""

    def function(rewriter: Rewriting, node: exp.Expr, args: list[exp.Expr], scope: Scope) -> Typed:
        if len(args) != 1 + more:
            raise Wrong(node, f"{name} takes {1 + more} value{'s' * more}, not {len(args)}")
        with rewriter.mentions.through(WHOLE if name == "escape_nul" else LESS, name):
            values = [rewriter.value(a, scope) for a in args]
        kind = values[0].kind
        if kind not in ("string", "json", "null", None):
            raise Wrong(node, f"{name} takes text or JSON; {args[0].sql('duckdb')} is {kind}", "as_string(...)")
        form = "json" if kind == "json" else "text"
        return Typed(exp.func(f"cf_{name}_{form}", *(v.sql for v in values)), "json" if form == "json" else "string")

    return function


def _epoch(name: str, scale: int) -> Function:
    def function(rewriter: Rewriting, node: exp.Expr, args: list[exp.Expr], scope: Scope) -> Typed:
        number = _by_kind(rewriter, node, args, scope, name, "long", INT).sql
        if scale != 1:
            number = exp.paren(exp.Mul(this=number, expression=exp.Literal.number(scale)))
        return Typed(exp.func("cf_date_of_ms", _text(name), number), "date")

    return function


FUNCTIONS: dict[str, Function] = {
    "uuid_of": _uuid_of,
    "uuid_of_legacy": _uuid_of_legacy,
    "oid_of": _oid_of,
    "oid_in": _oid_in,
    "oid_text": _oid_text,
    **{name: _form(name, "type", "string") for name in TYPE_OF},
    "present": _form("present", "present", "bool"),
    "json_of": _form("json_of", "json", "json"),
    "ejson_of": _form("ejson_of", "ejson", "json"),
    "json_list": _json_list,
    "list_of": _list_of,
    "entries_of": _entries_of,
    "rest_of": _rest_of,
    "as_text": _typed_function("as_text", "string", TEXT),
    "as_string": _typed_function("as_string", "string", STRING),
    "as_int": _typed_function("as_int", "long", INT),
    "as_double": _typed_function("as_double", "double", DOUBLE),
    "as_number": _typed_function("as_number", "decimal", NUMBER),
    "as_bool": _typed_function("as_bool", "bool", BOOL),
    "as_date": _typed_function("as_date", "date", DATE),
    "as_decimal": _as_decimal,
    "timestamp_date": _part("timestamp_date", "date"),
    "timestamp_counter": _part("timestamp_counter", "long"),
    "regex_pattern": _part("regex_pattern", "string"),
    "regex_options": _part("regex_options", "string"),
    "code_text": _part("code_text", "string", frozenset({"javascript"})),
    "code_scope": _part("code_scope", "json"),
    "bytes_of": _typed_function("bytes_of", "binary", BYTES),
    "without_nul": _nul("without_nul"),
    "nul_as": _nul("nul_as", 1),
    "escape_nul": _nul("escape_nul"),
    "parse_int": _parse("parse_int", "long", INT, "cf_parse_int"),
    "parse_double": _parse("parse_double", "double", DOUBLE, "cf_parse_double"),
    "parse_bool": _parse("parse_bool", "bool", BOOL, "cf_parse_bool"),
    "parse_date": _parse("parse_date", "date", DATE, "cf_parse_date"),
    "epoch_ms_date": _epoch("epoch_ms_date", 1),
    "julian_date": _typed_function("julian_date", "date", JULIAN),
    "epoch_s_date": _epoch("epoch_s_date", 1000),
}

__all__ = ["FUNCTIONS", "Function", "identity_name", "type_name"]
