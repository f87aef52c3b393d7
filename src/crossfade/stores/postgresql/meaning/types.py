"""Describe a type from the catalog, with its parts down to base types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Ask = Callable[[str], Sequence[Sequence[str | None]]]
"""Runs a SELECT whose columns are all text."""

ARRAY, RECORD, RANGE, MULTIRANGE, PLAIN = "array", "record", "range", "multirange", "plain"


@dataclass(frozen=True, slots=True)
class PgType:
    """`name` is that of pg_type, or that of the base type of a domain. `sql` is the server's notation, with modifier.

    `parts` are the element of an array, the fields of a record, the bound of a range, the range of a multirange.
    """

    name: str
    sql: str
    form: str = PLAIN
    parts: tuple[PgType, ...] = ()
    delimiter: str = ","
    literal: str = ""
    """`sql`, or the name of the domain if the type is a domain."""

    @property
    def spelled(self) -> str:
        return self.literal or self.sql


_COLUMNS = """
SELECT a.attname::text, a.atttypid::text, a.atttypmod::text
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = {} AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
_TYPE = """
SELECT t.typname::text, t.typtype::text, pg_catalog.format_type(t.oid, {modifier}), t.typelem::text, t.typdelim::text,
       t.typbasetype::text, t.typtypmod::text, t.typrelid::text,
       (t.typcategory = 'A' AND t.typname NOT IN ('int2vector', 'oidvector'))::text,
       r.rngsubtype::text, r.rngtypid::text
FROM pg_catalog.pg_type t
LEFT JOIN pg_catalog.pg_range r
       ON t.oid = r.rngtypid OR t.oid::text = pg_catalog.to_jsonb(r) OPERATOR(pg_catalog.->>) 'rngmultitypid'
WHERE t.oid = {oid}
"""


class TypeCatalog:
    """Describes the types of a database, which `ask` queries."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._types: dict[tuple[str, str], PgType] = {}

    def columns(self, table: str) -> dict[str, PgType]:
        """Return the types of the columns of a table, given by an expression for its OID."""
        rows = self._ask(_COLUMNS.format(table))
        return {str(name): self.type(str(oid), str(modifier)) for name, oid, modifier in rows}

    def type(self, oid: str, modifier: str = "-1") -> PgType:
        key = (oid, modifier)
        if key not in self._types:
            self._types[key] = self._described(oid, modifier)
        return self._types[key]

    def _described(self, oid: str, modifier: str) -> PgType:
        (row,) = self._ask(_TYPE.format(oid=oid, modifier=modifier))
        name, kind, sql, element, delimiter, base, base_modifier, relation, is_array, subtype, range_ = map(_text, row)
        match kind:
            case "d":
                of = self.type(base, base_modifier)
                return PgType(of.name, of.sql, of.form, of.parts, of.delimiter, literal=sql)
            case "c":
                fields = self._ask(_COLUMNS.format(relation))
                parts = tuple(self.type(str(of), str(typmod)) for _, of, typmod in fields)
                return PgType(name, sql, RECORD, parts)
            case "r":
                return PgType(name, sql, RANGE, (self.type(subtype),))
            case "m":
                return PgType(name, sql, MULTIRANGE, (self.type(range_),))
        if is_array == "true" and element != "0":
            return PgType(name, sql, ARRAY, (self.type(element, modifier),), delimiter)
        return PgType(name, sql, delimiter=delimiter)


def _text(value: str | None) -> str:
    return value or ""
