"""Columns declared with types that SQLite does not have: it accepts any type name and stores values by affinity.

The copy loses nothing (a value that would not be read back unchanged is quarantined), but the declared type is not
enforced. Another declaration would be.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from crossfade.model.findings import Finding
from crossfade.model.target import TargetColumn, TargetSchema, TargetTable
from crossfade.stores.sqlite.forms import affinity

KEPT_DIGITS = 15
"""The number of decimal digits that a double always preserves."""


_TEXTS = (
    "inet cidr macaddr macaddr8 xml interval timetz tsvector tsquery bit varbit hstore ltree pg_lsn jsonpath name"
    " point line lseg box path polygon circle geometry geography"
    " int4range int8range numrange tsrange tstzrange daterange"
)
_OF_POSTGRESQL = {
    **dict.fromkeys(_TEXTS.split(), "text"),
    **dict.fromkeys(("oid", "serial", "bigserial", "smallserial"), "integer"),
    "money": "integer, and store the smallest unit (cents); or text, to keep the digits as they are",
    "citext": "text COLLATE NOCASE",
    "bytea": "blob",
}
"""What to declare instead of types of PostgreSQL. SQLite knows them as it knows any word."""


def doubtful_columns(target: TargetSchema, mapped: Collection[str]) -> Iterator[Finding]:
    """Return a note for each such column of a mapped table, with what to declare instead."""
    for table in target.tables:
        for column in table.columns if table.name in mapped else ():
            said = _said(column)
            if said is not None:
                yield Finding("note", "sqlite_type", f"{table.name}.{column.name}", *said)
        if table.name in mapped:
            yield from _keys_that_never_match(table, target)


def _keys_that_never_match(table: TargetTable, target: TargetSchema) -> Iterator[Finding]:
    """Return a fault for each foreign key whose two sides SQLite stores in different forms: no value would match."""
    for key in table.foreign_keys:
        parent = target.table(key.parent)
        for name, other in zip(key.columns, key.parent_columns, strict=False):
            here, there = table.column(name), parent.column(other) if parent else None
            if here is None or there is None or "uuid" not in (here.type.kind, there.type.kind):
                continue
            if here.type.kind != there.type.kind:
                yield Finding(
                    "fault",
                    "sqlite_type",
                    f"{table.name}.{name}",
                    f"{name} is declared {here.type.sql} and refers to {key.parent}.{other}, declared {there.type.sql}:"
                    " SQLite stores a UUID as 32 digits in a UUID column and with hyphens in others, so no row matches",
                    "declare both columns with the same type",
                )


def _said(column: TargetColumn) -> tuple[str, str] | None:
    declared, kind = column.type.sql.strip(), column.type
    if declared.endswith("[]"):
        return (
            f"SQLite has no arrays: a column declared {declared} accepts any value",
            f"declare it json, with json_of(...) or to_json(...) in the mapping; or a table with a row for each element"
            f" of {column.name}",
        )
    if (instead := _OF_POSTGRESQL.get(declared.lower().partition("(")[0].strip())) is not None:
        why = "its name contains INT, so the column is one of integers"
        said = why if kind.kind == "int8" and "int" in declared.lower() else _accepts(declared)
        return f"SQLite has no type {declared}: {said}", f"declare it {instead}"
    if kind.kind == "other" and declared:
        return (
            f"SQLite has no type {declared}: {_accepts(declared)}, and labels are not enforced",
            f"declare it text, with CHECK ({column.name} IN ('...', '...')) for the labels of an enum",
        )
    if kind.kind == "numeric" and (kind.precision is None or kind.precision > KEPT_DIGITS):
        return (
            f"SQLite preserves {KEPT_DIGITS} digits in a column declared {declared}: a record with more is quarantined",
            "declare it text to keep every digit; or integer, and store the smallest unit (cents)",
        )
    return None


def _accepts(declared: str) -> str:
    if affinity(declared) in ("TEXT", "BLOB"):
        return "the column accepts any value"
    return "the column accepts any value but text that SQLite would turn into a number (007): that is quarantined"
