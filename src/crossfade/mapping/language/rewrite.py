"""Rewrite expressions of a mapping for the engine: places become columns, functions of the language become macros.

`Rewriter.value` returns SQL together with its kind. Functions of the mapping language are in functions.py; all other
SQL is rebuilt around its rewritten parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlglot import exp

from crossfade.mapping.language import casts, functions, kinds
from crossfade.mapping.language.aggregates import in_order
from crossfade.mapping.language.arithmetic import finite, guarded, with_casts
from crossfade.mapping.language.calls import arguments, function_name
from crossfade.mapping.language.constants import refuse_number
from crossfade.mapping.language.fields import FieldRef, Row
from crossfade.mapping.language.labels import Labels, labels
from crossfade.mapping.language.labels import guarded as guarded_case
from crossfade.mapping.language.losses import asks_presence, lists_of, rounds
from crossfade.mapping.language.mentions import Mention, Mentions, TypeFacts
from crossfade.mapping.language.preserved import may_be_null, preserved, shown_name
from crossfade.mapping.language.resolve import Wrong, name_chain, resolve, step
from crossfade.mapping.language.scope import Scope, Typed
from crossfade.mapping.language.type_conditions import Outcomes, is_type, outcomes_of, type_asked
from crossfade.model.program import DECIDES, LESS, WHOLE
from crossfade.model.shape import Node

_KEEPS_LIST = frozenset(
    """
    list_distinct list_filter list_sort list_reverse list_reverse_sort array_distinct list_slice
    array_slice array_filter filter list_concat array_reverse_sort array_sort
    """.split()
)
_MAPS = {"list_transform", "list_apply", "array_transform", "array_apply", "apply"}
_LENGTHS = {"len", "array_length", "array_size", "length", "cardinality"}


class Rewriter:
    """Rewrites the expressions of one branch and records what they use. `output` is the current target column, or "" in
    WHERE and ON.
    """

    def __init__(self, select: Callable[[Rewriter, exp.Expr, Scope], Typed]) -> None:
        self.select = select  # compiles a nested SELECT in a scope
        self.mentions = Mentions()
        self.output = ""
        self.root: Row | None = None
        self.optional: set[str] = set()
        """The aliases of LEFT JOINs, and their columns: NULL where there is no element."""

    def use(self, place: FieldRef, depth: str, *, as_json: bool = False) -> None:
        self.mentions.add(place, "keys" if place.is_key else depth, self.output, as_json=as_json)

    # -- values

    def value(self, node: exp.Expr, scope: Scope) -> Typed:
        """Return the value of an expression: a place in its native form, a list of elements as a list of values."""
        found = self.rewrite(node, scope)
        if isinstance(found, FieldRef):
            return self.native(node, found)
        return found if found.element is None else self._plain_list(node, found)

    def native(self, node: exp.Expr, place: FieldRef) -> Typed:
        """Return the native value of a place."""
        kind = place.node.kind
        if place.is_key:
            self.use(place, "entries")
            return Typed(place.read("native"), "string")
        if kind == "object":
            hint = "use one of its fields, or json_of(...) for all of it"
            raise Wrong(node, f"{node.sql('duckdb')} is an object, not a value", hint)
        if kind == "array":
            return self._plain_list(node, self.elements(place, "list"))
        # A value that arrives as one text includes everything below it: JSON, and an array of SQL that is not plain.
        is_whole = kind in ("mixed", "json") or place.node.element is not None
        self.use(place, "whole" if is_whole else "value", as_json=kind == "json")
        sql = place.read("native")
        types = place.node.value_types if kind == "mixed" else frozenset()
        if kind == "uuid" and place.node.vocabulary.uuids_are_bytes:
            sql = exp.func("cf_uuid_of_bytes", sql)
        return Typed(sql, kind, types=types)

    def read(self, place: FieldRef, form: str) -> exp.Expr:
        """Read a place in a certain form, which the reader makes."""
        self.use(place, "value")
        return place.read(form)

    def _plain_list(self, node: exp.Expr, items: Typed) -> Typed:
        """Return a list of elements as a list of plain values, in order."""
        assert items.element is not None
        parameter = exp.to_identifier("cf_e")
        element = items.element(parameter)
        if element.node.kind in ("object", "array"):
            hint = "unnest it, json_of(...), or list_transform(..., lambda x: x.field)"
            raise Wrong(node, f"the elements of {node.sql('duckdb')} are not plain values", hint)
        body = self.native(node, FieldRef(element, (), element.node))
        sql = exp.func("list_transform", items.sql, exp.Lambda(this=body.sql, expressions=[parameter]))
        return Typed(sql, "list", of=body.kind)

    def elements(self, place: FieldRef, form: str) -> Typed:
        """Return the elements of an array as a list of structs. In the form `listed`, a single value is such a list."""
        self.use(place, {"list": "elements", "entries": "entries"}.get(form, "value"))
        sql, element = place.read_elements(form)
        return Typed(sql, "list", element=element)

    def listed(self, node: exp.Expr, scope: Scope) -> Typed:
        """Return the list that an unnest or a lambda iterates over, with the places of its elements if known."""
        found = self.rewrite(node, scope)
        if isinstance(found, Typed):
            return found
        if not _may_be_array(found.node):
            types = " | ".join(sorted(found.node.types)) or "nothing"
            raise Wrong(node, f"{node.sql('duckdb')} holds {types}, not an array")
        return self.elements(found, "list")

    # -- expressions

    def rewrite(self, node: exp.Expr, scope: Scope) -> FieldRef | Typed:
        chain = name_chain(node)
        if chain is not None and not (isinstance(node, exp.Identifier) and node.name not in dict(iter(scope))):
            found = resolve(chain, scope)
            if isinstance(found, Typed):
                self.mentions.again(found.reads, self.output)
            return found
        if isinstance(node, exp.Literal) and not node.is_string:
            refuse_number(node)
        node = with_casts(node)
        if isinstance(node, exp.Dot):
            return self._dot(node, scope)
        if isinstance(node, exp.Paren):
            inner = self.rewrite(node.this, scope)
            return inner if isinstance(inner, FieldRef) else replace(inner, sql=exp.paren(inner.sql))
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
            if name in _LENGTHS:
                return self._length(node, scope)
        if isinstance(node, exp.Case | exp.If):
            return self._case(node, scope)
        if isinstance(node, exp.Array) and isinstance(
            node.expressions[0] if node.expressions else None, exp.Comprehension
        ):
            return self._comprehension(node.expressions[0], scope)
        if isinstance(node, exp.Subquery | exp.Select):
            return self.select(self, node, scope)
        if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
            raise Wrong(node, "* is not allowed: a mapping must name its columns")
        return self._generic(node, scope)

    def _dot(self, node: exp.Dot, scope: Scope) -> FieldRef | Typed:
        with self.mentions.apart() as mentions:
            base = self.rewrite(node.this, scope)
        self.mentions.put(mentions, LESS, f".{node.expression.name}")
        if not isinstance(node.expression, exp.Identifier):
            raise Wrong(node, "a function after a dot is not allowed here", "write function(value)")
        if isinstance(base, FieldRef):
            return step(base, node.expression)
        if base.kind is not None:
            raise Wrong(node.expression, f"{node.this.sql('duckdb')} is {base.kind}: it has no fields")
        return Typed(exp.Dot(this=base.sql, expression=exp.to_identifier(node.expression.name, quoted=True)))

    def _bracket(self, node: exp.Bracket, scope: Scope) -> FieldRef | Typed:
        """Rewrite `list[i]`, an element with fields, or `list[i:j]`, such a list. Of text these are characters."""
        by = node.sql("duckdb").removeprefix(node.this.sql("duckdb"))
        with self.mentions.through(LESS, by):
            found = self.rewrite(node.this, scope)
            if isinstance(found, FieldRef) and found.node.kind == "string":
                found = self.native(node.this, found)
        items = found if isinstance(found, Typed) else self.listed(node.this, scope)
        items = items.with_less(by)
        others = {k: v for k, v in node.args.items() if k not in ("this", "expressions")}
        with self.mentions.through(DECIDES):
            index = [self.value(e, scope).sql for e in node.expressions]
        sql = exp.Bracket(this=items.sql, expressions=index, **others)
        if items.kind == "list" and any(isinstance(e, exp.Slice) for e in node.expressions):
            return Typed(sql, "list", items.of, items.element)
        if items.element is None:
            return Typed(sql, items.kind if items.kind == "string" else items.of)
        row = items.element(sql)
        return FieldRef(row, (), row.node)

    def _case(self, node: exp.Case | exp.If, scope: Scope) -> Typed:
        """Rewrite CASE and IF. All results must have the same kind; conditions only choose."""
        branches = node.args["ifs"] if isinstance(node, exp.Case) else [node]
        subject = node.this if isinstance(node, exp.Case) else None
        with self.mentions.through(DECIDES):
            tests = [(n, self.value(n, scope)) for n in ([subject] if subject else []) + [b.this for b in branches]]
        if subject is not None:
            kinds.refuse_comparison(node, tests)
        default = node.args.get("default") or node.args.get("false")
        results = self._results(subject, branches, default, scope)
        kinds.refuse_choice(node, results)
        built = exp.Case(this=tests[0][1].sql) if subject is not None else exp.Case()
        for (_, test), (_, result) in zip(tests[1 if subject is not None else 0 :], results, strict=False):
            built = built.when(test.sql, result.sql, copy=False)
        if default is not None:
            built.set("default", results[-1][1].sql)
        if isinstance(node, exp.Case) and (of := labels(node, scope)) is not None:
            built = self._by_labels(node, of, built)
        values = [typed for _, typed in results]
        return Typed(exp.paren(built), kinds.common_kind(values), kinds.common_of(values))

    def _by_labels(self, node: exp.Case, of: Labels, built: exp.Case) -> exp.Case:
        """Record that the results stand for the values, as far as they tell them apart."""
        with self.mentions.apart() as mentions:
            value = self.native(node, of.place)
        if of.keeps == DECIDES:
            self.mentions.leave_out(mentions, of.by)
        else:
            self.mentions.put(mentions, of.keeps, of.by)
        return guarded_case(of, value.sql, built)

    def _results(
        self, subject: exp.Expr | None, branches: list[exp.Expr], default: exp.Expr | None, scope: Scope
    ) -> list[tuple[exp.Expr, Typed]]:
        """Rewrite the results of a CASE. Record what they read with the types possible where they are chosen."""
        results: list[tuple[exp.Expr, Typed]] = []
        read: list[tuple[TypeFacts, list[Mention]]] = []
        before: TypeFacts = ()
        place = type_asked(subject, scope) if subject is not None else None
        for branch in branches:
            says: Outcomes = is_type(place, [branch.this]) if subject is not None else outcomes_of(branch.this, scope)
            facts = (*before, *says[0])
            with self.mentions.apart(facts) as mentions:
                results.append((branch.args["true"], self.value(branch.args["true"], scope)))
            read.append((facts, mentions))
            before = (*before, *says[1])
        with self.mentions.apart(before) as mentions:
            if default is not None:
                results.append((default, self.value(default, scope)))
        self.mentions.one_of([*read, (before, mentions)], "CASE")
        return results

    def _with_lambda(self, node: exp.Func, name: str, scope: Scope) -> Typed:
        items, *rest = arguments(node)
        steps_in = name in _MAPS or name in _KEEPS_LIST
        with self.mentions.apart() as read:
            source = self.listed(items, scope) if steps_in else self.value(items, scope)
        source = self._chosen(source, read, name, rest) if name in _KEEPS_LIST else self._stood_for(source, read)
        out: list[exp.Expr] = [source.sql]
        of: str | None = None
        for argument in rest:
            if isinstance(argument, exp.Lambda):
                with self.mentions.apart() as inside:
                    body, rebuilt = self._lambda(argument, source, scope, folds=not steps_in)
                if name in _KEEPS_LIST:
                    self.mentions.put(inside, DECIDES)
                else:
                    self.mentions.put_inside(inside, lists_of(items, source), name)
                of = body.kind
                out.append(rebuilt)
            else:
                out.append(self.value(argument, scope).sql)
        sql = exp.Anonymous(this=name, expressions=out)
        if name in _KEEPS_LIST:
            return Typed(sql, "list", source.of, source.element)
        return Typed(sql, "list", of) if name in _MAPS else Typed(sql)

    def _chosen(self, source: Typed, read: list[Mention], name: str, rest: list[exp.Expr]) -> Typed:
        """Return a list whose elements a lambda chooses."""
        if all(isinstance(a, exp.Lambda) and asks_presence(a.this, [a.expressions[0].name]) for a in rest):
            self.mentions.put(read)
            return source
        self.mentions.put(read, WHOLE if source.element else LESS, name)
        return source.with_less(name)

    def _stood_for(self, source: Typed, read: list[Mention]) -> Typed:
        """Return a list as the lambda's parameter sees it. The body determines how the elements are used."""
        if source.element is not None:
            self.mentions.put(read)
            return source
        self.mentions.put(read, DECIDES)
        return replace(source, reads=tuple(read))

    def _lambda(
        self, node: exp.Lambda, source: Typed, scope: Scope, *, folds: bool = False
    ) -> tuple[Typed, exp.Lambda]:
        """Return the body and the lambda. Parameters: the element and its position; in a fold, first the state."""
        inner = scope.inner()
        for i, parameter in enumerate(node.expressions):
            sql = exp.to_identifier(parameter.name, quoted=True)
            if i == 0 and source.element is not None:
                inner.names[parameter.name] = source.element(sql)
            elif i == 0 or (folds and i == 1):
                inner.names[parameter.name] = Typed(sql, source.of, reads=source.reads)
            else:
                inner.names[parameter.name] = Typed(sql, "long")
        body = self.value(node.this, inner)
        parameters = [exp.to_identifier(p.name, quoted=True) for p in node.expressions]
        return body, exp.Lambda(this=body.sql, expressions=parameters)

    def _comprehension(self, node: exp.Comprehension, scope: Scope) -> Typed:
        """Rewrite `[f(x) for x in list if g(x)]` as list_transform over list_filter."""
        name = node.args["expression"].name
        with self.mentions.apart() as read:
            source = self.listed(node.args["iterator"], scope)
        source = self._stood_for(source, read)
        condition = node.args.get("condition")
        sql = source.sql
        for part, function in ((condition, "list_filter"), (node.this, "list_transform")):
            if part is None:
                continue
            parameter = exp.Lambda(this=part.copy(), expressions=[exp.to_identifier(name)])
            with self.mentions.apart() as inside:
                body, rebuilt = self._lambda(parameter, source, scope)
            if part is condition or (condition is not None and not asks_presence(condition, [name])):
                self.mentions.put(inside, DECIDES if part is condition else LESS, "if")
            else:
                self.mentions.put_inside(inside, lists_of(node.args["iterator"], source), "for")
            sql = exp.func(function, sql, rebuilt)
        return Typed(sql, "list", of=body.kind)

    def _length(self, node: exp.Func, scope: Scope) -> Typed:
        """Rewrite the length of an array, which uses its elements without copying them."""
        (only,) = arguments(node) if len(arguments(node)) == 1 else (None,)
        if only is None:
            return self._generic(node, scope)
        with self.mentions.apart() as read:
            found = self.rewrite(only, scope)
            if isinstance(found, FieldRef) and found.node.kind == "array":
                found = self.elements(found, "list")
        if isinstance(found, Typed) and found.kind == "list":
            self.mentions.put(read, WHOLE if found.element else DECIDES)
            return Typed(exp.func("len", found.sql), "long")
        return self._generic(node, scope)

    def _generic(self, node: exp.Expr, scope: Scope) -> Typed:
        """Rebuild any other SQL around its rewritten parts."""
        parts: list[tuple[exp.Expr, Typed]] = []
        read: list[tuple[str, list[Mention]]] = []
        name = function_name(node) if isinstance(node, exp.Func) else ""

        def convert(key: str, value: Any) -> Any:
            if isinstance(value, list):
                return [convert(key, v) for v in value]
            if not isinstance(value, exp.Expr) or isinstance(value, exp.DataType | exp.Var):
                return value
            is_label = isinstance(node, exp.PropertyEQ) and key == "this"  # {'a': 1}, where `a` may also be an alias
            if isinstance(value, exp.Identifier) and (is_label or value.name not in dict(iter(scope))):
                return value.copy()
            with self.mentions.apart() as mentions:
                parts.append((value, guarded(node, name, key, self._tested(node, value, scope))))
            read.append((key, mentions))
            return parts[-1][1].sql

        built = node.__class__(**{k: convert(k, v) for k, v in node.args.items()})
        if isinstance(node, exp.Anonymous):
            built.set("this", node.this)
        for key, mentions in read:
            others = any(m for _, m in read if m is not mentions)
            keeps = preserved(node, name, key, others)
            if keeps == WHOLE and isinstance(node, exp.DPipe):
                beside = [(part, m) for (part, _), (_, m) in zip(parts, read, strict=True) if m is not mentions]
                keeps = (
                    LESS
                    if any(may_be_null(part, [m.place for m in of], self.optional) for part, of in beside)
                    else WHOLE
                )
            if keeps == WHOLE and rounds(node, name, parts, mentions):
                keeps = LESS
            self.mentions.put(mentions, keeps, shown_name(node, name))
        kinds.refuse(node, parts)
        kinds.refuse_in_function(name, node, parts)
        values = [typed for _, typed in parts]
        if name in _KEEPS_LIST and values:
            return Typed(built, "list", values[0].of)
        return Typed(finite(node, in_order(built, name, values), values), *kinds.kind_of(node, values, name))

    def _tested(self, parent: exp.Expr, node: exp.Expr, scope: Scope) -> Typed:
        """Return the value, or, for `x IS NULL`, also an object or an array."""
        if isinstance(parent, exp.Is) and isinstance(parent.expression, exp.Null):
            found = self.rewrite(node, scope)
            if isinstance(found, FieldRef):
                kind = found.node.kind
                self.use(found, "type")
                if kind in ("object", "array", "mixed"):
                    return Typed(exp.func("nullif", found.read("type"), exp.Literal.string("null")))
                return Typed(found.read("native"))
            return found
        return self.value(node, scope)


def _may_be_array(node: Node) -> bool:
    """Return whether the node holds arrays or no values: the survey may have seen only empty arrays, or none."""
    return node.element is not None or "array" in node.types or not node.value_types


__all__ = ["Rewriter", "Row"]
