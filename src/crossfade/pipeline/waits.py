"""What records in quarantine wait for, as texts: a parent row, or a value that a unique constraint lets one row have.

The texts only have to meet: what they find is decided anew. So text is compared without case and trailing blanks, and
where a constraint is about more than plain columns, every change of these columns counts.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import pyarrow as pa

from crossfade.journal.journal import Entry
from crossfade.model.canonical import python_rows
from crossfade.model.quoting import identifier
from crossfade.model.target import TargetTable, Unique
from crossfade.pipeline.difference import TableChange
from crossfade.pipeline.view import View
from crossfade.pipeline.writing import columns_of

ANY = "*"


def of_record(view: View, number: int, entry: Entry) -> set[str]:
    """What the record of an entry waits for, by the rows that it would make."""
    found: set[str] = set()
    if entry.reason not in ("foreign_key", "unique", "exclusion"):
        return found
    for part in view.wanted:
        if part.table.name == entry.table or entry.table is None:
            places = [place for place, record in enumerate(part.records) if record == number]
            rows = part.rows.take(pa.array(places, pa.int64()))
            if len(rows):
                found |= set(_of_rows(part.table, rows, entry))
    return found or {_text(entry.reason, entry.table or "", ANY)}


def _of_rows(table: TargetTable, rows: pa.Table, entry: Entry) -> Iterator[str]:
    if entry.reason == "foreign_key":
        for key in table.foreign_keys:
            if set(key.columns) <= set(rows.column_names):
                yield from (_parent(key.parent, key.parent_columns, v) for v in _values(rows, key.columns))
    elif entry.reason == "unique":
        for unique in _named(table, entry.constraint):
            yield from _uniques(table, unique, rows)
    else:
        yield _text("exclusion", table.name, ANY)


def _named(table: TargetTable, constraint: str | None) -> list[Unique]:
    """The constraint that refused a row; all of them where the target did not name one of ours."""
    own = [_key_of(table), *table.uniques]
    return [u for u in table.uniques if u.name == constraint] or own


def _key_of(table: TargetTable) -> Unique:
    return Unique("", tuple(map(identifier, table.primary_key)))


def of_changes(view: View, changes: Sequence[TableChange]) -> tuple[set[str], dict[str, Collection[str]]]:
    """What has come or is free, when the changes are made; and, for entries of which it is not known what they wait
    for, reason -> tables whose entries may have waited for it.
    """
    values: set[str] = set()
    tables: dict[str, set[str]] = {"foreign_key": set(), "unique": set(), "exclusion": set()}
    children = _children(view)
    for change in changes:
        table = change.table
        for columns, of in children.get(table.name, {}).items():
            new = _of_parts(change, columns) - _of_old(change, columns)
            if new:
                values |= {_parent(table.name, columns, value) for value in new}
                tables["foreign_key"] |= of
        for unique in (_key_of(table), *table.uniques):
            old = {v for rows in change.old for v in _uniques(table, unique, rows)}
            kept = {v for part in change.updates for v in _uniques(table, unique, part.rows)}
            free = {v for v in old if v.endswith(_END_ANY)} | (old - kept)
            if free:
                values |= free
                tables["unique"].add(table.name)
        if change.old:
            values.add(_text("exclusion", table.name, ANY))
            tables["exclusion"].add(table.name)
    values |= {_text(reason, name, ANY) for reason, found in tables.items() for name in found}
    return values, dict(tables)


def _children(view: View) -> dict[str, dict[tuple[str, ...], set[str]]]:
    """Table -> the columns that foreign keys refer to -> the tables that do."""
    found: dict[str, dict[tuple[str, ...], set[str]]] = {}
    for table in view.s.work.tables.values():
        for key in table.foreign_keys:
            found.setdefault(key.parent, {}).setdefault(key.parent_columns, set()).add(table.name)
    return found


def _of_parts(change: TableChange, columns: Sequence[str]) -> set[tuple[Any, ...]]:
    return {v for part in (*change.inserts, *change.updates) for v in _values(part.rows, columns)}


def _of_old(change: TableChange, columns: Sequence[str]) -> set[tuple[Any, ...]]:
    return {v for rows in change.old for v in _values(rows, columns)}


def _values(rows: pa.Table, columns: Sequence[str]) -> set[tuple[Any, ...]]:
    if not set(columns) <= set(rows.column_names):
        return set()
    return {value for value in python_rows(rows.select(list(columns))) if None not in value}


def _uniques(table: TargetTable, unique: Unique, rows: pa.Table) -> Iterator[str]:
    columns = [c.name for c in columns_of(table, unique) if c.name in rows.column_names]
    plain = len(columns) == len(unique.expressions) and all(_is_plain(e, columns) for e in unique.expressions)
    if not plain or not unique.nulls_distinct:
        yield _text("unique", table.name, unique.name, ANY)
        return
    for value in python_rows(rows.select(columns)):
        if None not in value:
            yield _text("unique", table.name, unique.name, *map(_plain, value))


def _is_plain(expression: str, columns: Sequence[str]) -> bool:
    return any(expression in (identifier(c), f"lower({identifier(c)})", f"lower({c})") for c in columns)


def _parent(table: str, columns: Sequence[str], value: Sequence[Any]) -> str:
    return _text("parent", table, ",".join(columns), *map(_plain, value))


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return value.rstrip(" ").lower() if isinstance(value, str) else repr(value)


def _text(*parts: str) -> str:
    return json.dumps(parts, ensure_ascii=False)


_END_ANY = json.dumps(ANY) + "]"
