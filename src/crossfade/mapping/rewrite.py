"""Expressions of a mapping, rewritten for the engine: every place becomes a column, every function of ours a macro.

`Rewriter.value` gives SQL with what is known of its kind. Functions of the mapping language are in functions.py; all other
SQL is rebuilt as it is around its rewritten parts.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from crossfade.mapping import casts, functions
from crossfade.mapping.program import Use
from crossfade.mapping.resolve import Wrong, name_chain, resolve, step
from crossfade.mapping.scope import Place, Row, Scope, Typed

_TEXT = (exp.Lower, exp.Upper, exp.Trim, exp.Concat, exp.ConcatWs, exp.DPipe, exp.Substring, exp.Replace, exp.Initcap)
_KEEPS_LIST = {"list_distinct", "list_filter", "list_sort", "list_reverse", "list_reverse_sort", "array_distinct",
               "list_slice", "array_slice", "array_filter", "list_concat", "array_reverse_sort", "array_sort"}  # fmt: skip


class Rewriter:
    """Rewrites the expressions of one branch and notes what they use. `output` is the target column being built, "" in WHERE and ON."""

    def __init__(self, select: Any) -> None:
        self.select = select  # compiles a nested SELECT in a scope: select(node, scope) -> exp.Expr
        self.uses: list[Use] = []
        self.output = ""

    def use(self, place: Place, depth: str) -> None:
        self.uses.append(Use(place.row.entity, place.full_path, depth, self.output))

    # -- values

    def value(self, node: exp.Expr, scope: Scope) -> Typed:
        """The value of an expression; a place in its native form."""
        found = self.rewrite(node, scope)
        return found if isinstance(found, Typed) else self.native(node, found)

    def native(self, node: exp.Expr, place: Place) -> Typed:
        """A place as the value that its kind arrives as."""
        kind = place.node.kind
        if kind == "object":
            hint = "step into it, or json_of(...) for the whole"
            raise Wrong(node, f"{node.sql('duckdb')} is an object, not a value", hint)
        if kind == "array":
            return self._plain_list(node, place)
        self.use(place, "whole" if kind == "mixed" else "value")
        sql = place.read("native")
        return Typed(exp.func("cf_uuid_of_bytes", sql) if kind == "uuid" else sql, kind)

    def _plain_list(self, node: exp.Expr, place: Place) -> Typed:
        """An array of plain values as a list of them, in order."""
        items = self.elements(place, "list")
        assert items.element is not None
        parameter = exp.to_identifier("cf_e")
        element = items.element(parameter)
        if element.node.kind in ("object", "array"):
            hint = "unnest it, json_of(...), or list_transform(..., lambda x: x.field)"
            raise Wrong(node, f"the elements of {node.sql('duckdb')} are not plain values", hint)
        body = self.native(node, Place(element, (), element.node))
        sql = exp.func("list_transform", items.sql, exp.Lambda(this=body.sql, expressions=[parameter]))
        return Typed(sql, "list", of=body.kind)

    def elements(self, place: Place, form: str) -> Typed:
        """An array's elements as a list of structs."""
        self.use(place, "value")
        sql, element = place.read_elements(form)
        return Typed(sql, "list", element=element)

    def listed(self, node: exp.Expr, scope: Scope) -> Typed:
        """The list that an unnest or a lambda runs over: elements with their places where there are any."""
        found = self.rewrite(node, scope)
        if isinstance(found, Typed):
            return found
        if found.node.element is None:
            held = " | ".join(sorted(found.node.types)) or "nothing"
            raise Wrong(node, f"{node.sql('duckdb')} holds {held}: it is no array")
        return self.elements(found, "list")

    # -- expressions

    def rewrite(self, node: exp.Expr, scope: Scope) -> Place | Typed:
        chain = name_chain(node)
        if chain is not None and not (isinstance(node, exp.Identifier) and node.name not in dict(iter(scope))):
            return resolve(chain, scope)
        if isinstance(node, exp.Dot):
            return self._dot(node, scope)
        if isinstance(node, exp.Paren):
            inner = self.rewrite(node.this, scope)
            return (
                inner if isinstance(inner, Place) else Typed(exp.paren(inner.sql), inner.kind, inner.of, inner.element)
            )
        if isinstance(node, exp.Bracket):
            return self._bracket(node, scope)
        if isinstance(node, exp.Cast):
            return casts.rewrite_cast(self, node, scope)
        if isinstance(node, exp.Func):
            name = function_name(node)
            if name in functions.FUNCTIONS:
                return functions.FUNCTIONS[name](self, node, arguments(node), scope)
            if any(isinstance(a, exp.Lambda) for a in arguments(node)):
                return self._with_lambda(node, name, scope)
            if name in ("len", "array_length", "array_size", "length", "cardinality"):
                return self._length(node, scope)
        if isinstance(node, exp.Array) and isinstance(
            node.expressions[0] if node.expressions else None, exp.Comprehension
        ):
            return self._comprehension(node.expressions[0], scope)
        if isinstance(node, exp.Subquery | exp.Select):
            return Typed(self.select(node, scope))
        if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
            raise Wrong(node, "* is not allowed: a mapping names what it carries")
        return self._generic(node, scope)

    def _dot(self, node: exp.Dot, scope: Scope) -> Place | Typed:
        base = self.rewrite(node.this, scope)
        if not isinstance(node.expression, exp.Identifier):
            raise Wrong(node, "a function after a dot is not allowed here", "write function(value)")
        if isinstance(base, Place):
            return step(base, node.expression)
        return Typed(exp.Dot(this=base.sql, expression=exp.to_identifier(node.expression.name, quoted=True)))

    def _bracket(self, node: exp.Bracket, scope: Scope) -> Place | Typed:
        """`list[i]`: an element that can be stepped into."""
        items = self.listed(node.this, scope)
        others = {k: v for k, v in node.args.items() if k not in ("this", "expressions")}
        index = [self.value(e, scope).sql for e in node.expressions]
        sql = exp.Bracket(this=items.sql, expressions=index, **others)
        if items.element is None or any(isinstance(e, exp.Slice) for e in node.expressions):
            return Typed(sql, items.of)
        row = items.element(sql)
        return Place(row, (), row.node)

    def _with_lambda(self, node: exp.Func, name: str, scope: Scope) -> Typed:
        items, *rest = arguments(node)
        source = self.listed(items, scope)
        out: list[exp.Expr] = [source.sql]
        of: str | None = None
        for argument in rest:
            if isinstance(argument, exp.Lambda):
                body, rebuilt = self._lambda(argument, source, scope)
                of = body.kind
                out.append(rebuilt)
            else:
                out.append(self.value(argument, scope).sql)
        sql = exp.Anonymous(this=name, expressions=out)
        if name in _KEEPS_LIST:
            return Typed(sql, "list", source.of, source.element)
        return Typed(sql, "list", of) if "transform" in name or "apply" in name else Typed(sql)

    def _lambda(self, node: exp.Lambda, source: Typed, scope: Scope) -> tuple[Typed, exp.Lambda]:
        inner = scope.inner()
        for i, parameter in enumerate(node.expressions):
            sql = exp.to_identifier(parameter.name, quoted=True)
            if i == 0 and source.element is not None:
                inner.names[parameter.name] = source.element(sql)
            else:
                inner.names[parameter.name] = Typed(sql, source.of if i == 0 else "long")
        body = self.value(node.this, inner)
        parameters = [exp.to_identifier(p.name, quoted=True) for p in node.expressions]
        return body, exp.Lambda(this=body.sql, expressions=parameters)

    def _comprehension(self, node: exp.Comprehension, scope: Scope) -> Typed:
        """`[f(x) for x in list if g(x)]`, as list_transform over list_filter."""
        name = node.args["expression"].name
        source = self.listed(node.args["iterator"], scope)
        sql = source.sql
        for part, function in ((node.args.get("condition"), "list_filter"), (node.this, "list_transform")):
            if part is None:
                continue
            parameter = exp.Lambda(this=part.copy(), expressions=[exp.to_identifier(name)])
            body, rebuilt = self._lambda(parameter, source, scope)
            sql = exp.func(function, sql, rebuilt)
        return Typed(sql, "list", of=body.kind)

    def _length(self, node: exp.Func, scope: Scope) -> Typed:
        """The length of an array looks at its elements without carrying them."""
        (only,) = arguments(node) if len(arguments(node)) == 1 else (None,)
        if only is not None:
            found = self.rewrite(only, scope)
            if isinstance(found, Place) and found.node.kind == "array":
                return Typed(exp.func("len", self.elements(found, "list").sql), "long")
        return self._generic(node, scope)

    def _generic(self, node: exp.Expr, scope: Scope) -> Typed:
        kinds: list[Typed] = []

        def convert(value: Any) -> Any:
            if isinstance(value, list):
                return [convert(v) for v in value]
            if not isinstance(value, exp.Expr) or isinstance(value, exp.DataType | exp.Var):
                return value
            if isinstance(value, exp.Identifier) and value.name not in dict(iter(scope)):
                return value.copy()
            typed = self._tested(node, value, scope)
            kinds.append(typed)
            return typed.sql

        built = node.__class__(**{k: convert(v) for k, v in node.args.items()})
        if isinstance(node, exp.Anonymous):
            built.set("this", node.this)
        name = function_name(node) if isinstance(node, exp.Func) else ""
        if name in _KEEPS_LIST and kinds:
            return Typed(built, "list", kinds[0].of, kinds[0].element)
        return Typed(built, *_kind_of(node, kinds))

    def _tested(self, parent: exp.Expr, node: exp.Expr, scope: Scope) -> Typed:
        """As `value`; but `x IS NULL` may ask it of an object or an array, too."""
        if isinstance(parent, exp.Is) and isinstance(parent.expression, exp.Null):
            found = self.rewrite(node, scope)
            if isinstance(found, Place):
                kind = found.node.kind
                if kind in ("object", "array", "mixed"):
                    return Typed(exp.func("nullif", found.read("type"), exp.Literal.string("null")))
                return Typed(found.read("native"))
            return found
        return self.value(node, scope)


def function_name(node: exp.Func) -> str:
    """The function as DuckDB knows it, in lower case."""
    if isinstance(node, exp.Anonymous):
        return str(node.this).lower()
    if isinstance(node, exp.Binary):  # as an operator, `a(x) ->> b`, its text begins with another function
        return node.sql_name().lower()
    sql = node.sql("duckdb")
    return sql.split("(", 1)[0].strip().lower() if "(" in sql else node.sql_name().lower()


def arguments(node: exp.Func) -> list[exp.Expr]:
    """The arguments in order, whatever sqlglot calls them."""
    if isinstance(node, exp.Anonymous):
        return list(node.expressions)
    out: list[exp.Expr] = []
    for key in node.arg_types:
        value = node.args.get(key)
        out.extend(v for v in (value if isinstance(value, list) else [value]) if isinstance(v, exp.Expr))
    return out


def _kind_of(node: exp.Expr, parts: list[Typed]) -> tuple[str | None, str | None]:
    if isinstance(node, exp.Literal):
        return ("string" if node.is_string else "int"), None
    if isinstance(node, exp.Null):
        return "null", None
    if isinstance(node, exp.Boolean | exp.Predicate | exp.Not | exp.And | exp.Or):
        return "bool", None
    if isinstance(node, _TEXT):
        return "string", None
    if isinstance(node, exp.Array):
        return "list", common_kind(parts)
    if isinstance(node, exp.Coalesce | exp.Greatest | exp.Least | exp.Nullif):
        return common_kind(parts), common_of(parts)
    if isinstance(node, exp.Case | exp.If):
        return common_kind([p for p in parts if p.kind != "bool"]), None
    return None, None


def common_kind(parts: list[Typed]) -> str | None:
    kinds = {p.kind for p in parts} - {"null"}
    return kinds.pop() if len(kinds) == 1 else None


def common_of(parts: list[Typed]) -> str | None:
    kinds = {p.of for p in parts if p.kind != "null"}
    return kinds.pop() if len(kinds) == 1 else None


__all__ = ["Rewriter", "Row", "arguments", "function_name"]
