"""Invert an expression of a mapping: the place that it reads, and the SQL of the value there, given the column's."""

from __future__ import annotations

from sqlglot import exp

from crossfade.mapping.invert.functions import INVERSES, OF_DUCKDB
from crossfade.mapping.invert.names import Constant, IsPosition, Lost, Names, Place
from crossfade.mapping.language.calls import arguments, function_name
from crossfade.mapping.language.resolve import name_chain


class Inverter:
    """Inverts the expressions of one SELECT."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def back(self, node: exp.Expr, value: str) -> tuple[Place, str]:
        """Return the place, and the SQL of its value. Raises Lost with the reason if there is no way back."""
        node = node.unnest()
        if name_chain(node) is not None:
            return self._native(self._names.place(node), value)
        if isinstance(node, exp.Case | exp.If):
            return self._case(node, value)
        if isinstance(node, exp.Cast):
            return self._cast(node, value)
        if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Neg | exp.DPipe):
            return self._operator(node, value)
        if isinstance(node, exp.Func):
            return self._function(node, value)
        if self._is_constant(node):
            raise Constant("it is the same in every row that the mapping makes")
        raise Lost(f"{_said(node)} has no inverse", _BY_HAND)

    def _native(self, place: Place, value: str) -> tuple[Place, str]:
        """Return the value in its native form: the text of a decimal as a number, that of several types as Extended
        JSON.
        """
        kind = place.node.kind
        of_documents = place.node.vocabulary.uuids_are_bytes
        if kind == "mixed" and of_documents:
            return place, f"of_ejson({value})"
        return place, f"of_number({value})" if kind == "decimal" and of_documents else value

    def _is_constant(self, node: exp.Expr) -> bool:
        return not any(True for _ in node.find_all(exp.Column, exp.Dot))

    # -- functions

    def _function(self, node: exp.Func, value: str) -> tuple[Place, str]:
        name, args = function_name(node), arguments(node)
        if name in INVERSES:
            inverse = INVERSES[name]
            if isinstance(inverse, str):
                raise Lost(f"{name}: {inverse}", _BY_HAND)
            return inverse(self._under if name in _TAKES_TYPES else self.back, args, value)
        if name == "coalesce":
            return self._first(args, value)
        if name == "nullif":
            return self._null_if(args, value)
        if name == "upper":
            return self._upper(args[0], value)
        if name == "replace" and all(isinstance(a, exp.Literal) for a in args[1:]):
            old, new = (a.sql("duckdb") for a in args[1:])
            return self.back(args[0], f"replace({value}, {new}, {old})" if args[2].name else value)
        if name == "timezone" and len(args) == 2 and isinstance(args[0], exp.Literal):
            return self.back(args[1], f"timezone({args[0].sql('duckdb')}, {value})")
        if name in OF_DUCKDB:
            return OF_DUCKDB[name](self.back, args, value)
        if self._is_constant(node):
            raise Constant("it is the same in every row that the mapping makes")
        raise Lost(f"{name}(...) has no inverse", _BY_HAND)

    def _under(self, node: exp.Expr, value: str) -> tuple[Place, str]:
        """As `back`, for an argument that a function converts itself, whatever its types."""
        node = node.unnest()
        return (self._names.place(node), value) if name_chain(node) is not None else self.back(node, value)

    def _first(self, args: list[exp.Expr], value: str) -> tuple[Place, str]:
        """Invert coalesce by the first argument that has an inverse."""
        why: Lost | None = None
        for arg in args:
            try:
                return self.back(arg, value)
            except (Constant, IsPosition) as constant:
                why = why or constant
            except Lost as lost:
                why = why or lost
        raise why or Lost("coalesce of nothing")

    def _null_if(self, args: list[exp.Expr], value: str) -> tuple[Place, str]:
        """Invert nullif: NULL is its constant again, if the source has neither null nor a missing field."""
        place, _ = self.back(args[0], value)
        always = not place.node.missing and "null" not in place.node.types
        if always and isinstance(args[1], exp.Literal):
            return self.back(args[0], f"coalesce({value}, {args[1].sql('duckdb')})")
        return self.back(args[0], value)

    def _upper(self, arg: exp.Expr, value: str) -> tuple[Place, str]:
        """Invert upper: in lower case if the source has such values (they sort after those in upper case)."""
        place, _ = self.back(arg, value)
        stats = place.node.types.get("string")
        last = stats.greatest if stats is not None else None
        is_lower = last is not None and last != last.upper() and last == last.lower()
        return self.back(arg, f"lower({value})" if is_lower else value)

    # -- syntax

    def _cast(self, node: exp.Cast, value: str) -> tuple[Place, str]:
        place, sql = self.back(node.this, value)
        to = node.to.this
        if to == exp.DataType.Type.JSON and sql == value:
            return place, f"of_json({value})"
        return place, sql

    def _case(self, node: exp.Case | exp.If, value: str) -> tuple[Place, str]:
        """A CASE that translates values is inverted by the opposite CASE. Any other is inverted by the first of its
        results that has an inverse, because all of them read the same place.
        """
        ifs = node.args["ifs"] if isinstance(node, exp.Case) else [node]
        default = node.args.get("default") or node.args.get("false")
        subject = node.this if isinstance(node, exp.Case) else None
        if subject is not None and all(_are_literals(branch) for branch in ifs):
            return self._translated(subject, ifs, default, value)
        results = [branch.args["true"] for branch in ifs]
        found: dict[tuple[bool, tuple[str, ...]], tuple[Place, str]] = {}
        why: Lost | None = None
        for result in ([default] if default is not None else []) + results:
            try:
                place, sql = self.back(result, value)
                found.setdefault((place.of_element, place.steps), (place, sql))
            except Lost as lost:
                why = why or lost
        if len(found) == 1:
            return next(iter(found.values()))
        raise Lost("its CASE chooses between several places", _BY_HAND) if found else why or Lost("a CASE of nothing")

    def _translated(
        self, subject: exp.Expr, ifs: list[exp.Expr], default: exp.Expr | None, value: str
    ) -> tuple[Place, str]:
        whens: dict[str, str] = {}
        for branch in ifs:
            whens.setdefault(branch.args["true"].sql("duckdb"), branch.this.sql("duckdb"))
        keeps = default is not None and default.sql("duckdb") == subject.sql("duckdb")
        body = " ".join(f"WHEN {new} THEN {old}" for new, old in whens.items())
        other = f" ELSE {value}" if keeps else ""
        return self.back(subject, f"CASE {value} {body}{other} END")

    def _operator(self, node: exp.Expr, value: str) -> tuple[Place, str]:
        if isinstance(node, exp.Neg):
            if self._is_constant(node):
                raise Constant("it is the same in every row that the mapping makes")
            return self.back(node.this, f"-({value})")
        one, other = node.this, node.expression
        if self._is_constant(one) and self._is_constant(other):
            raise Constant("it is the same in every row that the mapping makes")
        if isinstance(node, exp.DPipe):
            return self._joined(one, other, value)
        if not self._is_constant(other):
            if not self._is_constant(one) or isinstance(node, exp.Sub | exp.Div):
                raise Lost("it is computed from several values", _BY_HAND)
            one, other = other, one
        by = other.sql("duckdb")
        if isinstance(node, exp.Mul):
            return self.back(one, f"({value}) / {by}")
        sign = "-" if isinstance(node, exp.Add) else "+" if isinstance(node, exp.Sub) else "*"
        sql = f"({value}) {sign} {by}"
        return self.back(one, f"round({sql})" if isinstance(node, exp.Div) and _is_whole(other) else sql)

    def _joined(self, one: exp.Expr, other: exp.Expr, value: str) -> tuple[Place, str]:
        """Invert text with a constant before or after it."""
        if isinstance(one, exp.Literal) and one.is_string:
            return self.back(other, f"substr({value}, {len(one.name) + 1})")
        if isinstance(other, exp.Literal) and other.is_string:
            return self.back(one, f"substr({value}, 1, length({value}) - {len(other.name)})")
        raise Lost("it joins several values into one", _BY_HAND)


_BY_HAND = "write it in the inverse by hand"

_TAKES_TYPES = frozenset(
    """
    uuid_of uuid_of_legacy oid_of oid_text oid_in json_of ejson_of json_list list_of rest_of as_text as_string as_int
    as_double as_bool as_date as_number as_decimal bytes_of parse_int parse_double parse_bool parse_date epoch_ms_date
    epoch_s_date julian_date
    """.split()
)
"""Functions that take a value of any type: what comes back is not Extended JSON."""


def _are_literals(branch: exp.Expr) -> bool:
    return isinstance(branch.this, exp.Literal) and isinstance(branch.args["true"], exp.Literal)


def _is_whole(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and node.is_int


def _said(node: exp.Expr) -> str:
    text = node.sql("duckdb")
    return text if len(text) <= 60 else text[:57] + "..."


__all__ = ["Inverter"]
