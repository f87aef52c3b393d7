"""What SQLite makes of types that it does not have: it takes any word for one, and keeps values by a rule of its own.

The copy loses nothing (a value that would not come back as it went is quarantined), but what was meant does not hold
there, and another declaration would.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from crossfade.model.findings import Finding
from crossfade.model.target import TargetColumn, TargetSchema, TargetTable

KEPT_DIGITS = 15
"""Digits of a number that a double keeps, whatever they are."""


def doubtful_columns(target: TargetSchema, mapped: Collection[str]) -> Iterator[Finding]:
    """A note for each such column of a mapped table, with what to write instead."""
    for table in target.tables:
        for column in table.columns if table.name in mapped else ():
            said = _said(column)
            if said is not None:
                yield Finding("note", "sqlite_type", f"{table.name}.{column.name}", *said)
        if table.name in mapped:
            yield from _keys_kept_apart(table, target)


def _keys_kept_apart(table: TargetTable, target: TargetSchema) -> Iterator[Finding]:
    """A fault for each reference whose two sides SQLite keeps in different forms: none of its values would be found."""
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
                    " a UUID is kept as 32 digits in a UUID column and with hyphens in any other, so no row is found",
                    "declare both columns alike",
                )


def _said(column: TargetColumn) -> tuple[str, str] | None:
    declared, kind = column.type.sql.strip(), column.type
    if declared.endswith("[]"):
        return (
            f"SQLite has no arrays: {declared} is a column that takes any value",
            f"declare it json, with json_of(...) or to_json(...) in the mapping; or a table with a row for each element"
            f" of {column.name}",
        )
    if kind.kind == "other" and declared:
        return (
            f"SQLite knows no type {declared}: it takes any value, and no list of labels holds",
            f"declare it text, with CHECK ({column.name} IN ('...', '...')) for the labels of an enum",
        )
    if kind.kind == "numeric" and (kind.precision is None or kind.precision > KEPT_DIGITS):
        return (
            f"SQLite keeps {KEPT_DIGITS} digits in a column declared {declared}: a value with more is quarantined",
            "declare it text to keep every digit; or integer, and count in the smallest unit (cents)",
        )
    return None
