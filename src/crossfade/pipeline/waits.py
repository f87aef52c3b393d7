"""What records in quarantine wait for, as texts: a parent row, or a unique value.

A match only causes a record to be tried again, so texts may match too often, but never too seldom: text is compared
without case, accents and trailing blanks, numbers without trailing zeros, and for a constraint on more than plain
columns, or on columns of types that spell a value in several ways, every change of these columns matches.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import pyarrow as pa

from crossfade.journal.journal import Entry
from crossfade.model.canonical import python_rows
from crossfade.model.quoting import identifier, spellings
from crossfade.model.target import TargetTable, Unique
from crossfade.pipeline.difference import TableChange
from crossfade.pipeline.parking import columns_of
from crossfade.pipeline.view import View

ANY = "*"
_FRACTION = re.compile(r"-?[0-9]+\.[0-9]*")


def of_record(view: View, number: int, entry: Entry) -> set[str]:
    """Return what the record of an entry waits for, by the rows that it would make."""
    found: set[str] = set()
    if entry.reason not in ("foreign_key", "unique", "exclusion"):
        return found
    for part in view.wanted:
        if part.table.name == entry.table or entry.table is None:
            places = [place for place, record in enumerate(part.records) if record == number]
            rows = part.rows.take(pa.array(places, pa.int64()))
            if len(rows):
                found |= set(_of_rows(view, part.table, rows, entry))
    return found or {_text(entry.reason, entry.table or "", ANY)}


def _of_rows(view: View, table: TargetTable, rows: pa.Table, entry: Entry) -> Iterator[str]:
    if entry.reason == "foreign_key":
        for key in table.foreign_keys:
            if set(key.columns) <= set(rows.column_names):
                parent = view.s.work.tables.get(key.parent)
                for value in _values(rows, key.columns):
                    yield from _parents(key.parent, key.parent_columns, value, parent)
    elif entry.reason == "unique":
        for unique in _named(table, entry.constraint):
            yield from _uniques(table, unique, rows)
    else:
        yield _text("exclusion", table.name, ANY)


def _named(table: TargetTable, constraint: str | None) -> list[Unique]:
    """Return the constraint that refused a row; all of them if the target did not name one of ours."""
    own = [_key_of(table), *table.uniques]
    return [u for u in table.uniques if u.name == constraint] or own


def _key_of(table: TargetTable) -> Unique:
    return Unique("", tuple(map(identifier, table.primary_key)))


def of_changes(view: View, changes: Sequence[TableChange]) -> tuple[set[str], dict[str, Collection[str]]]:
    """Return what exists or is free after the changes; and reason -> tables, for entries of which it is unknown what
    they wait for: those of these tables may have waited for it.
    """
    values: set[str] = set()
    tables: dict[str, set[str]] = {"foreign_key": set(), "unique": set(), "exclusion": set()}
    children = _children(view)
    for change in changes:
        table = change.table
        for columns, of in children.get(table.name, {}).items():
            new = _of_parts(change, columns) - _of_old(change, columns)
            if new:
                values |= {text for value in new for text in _parents(table.name, columns, value, table)}
                tables["foreign_key"] |= of
        for unique in (_key_of(table), *table.uniques):
            old = {v for rows in change.old for v in _uniques(table, unique, rows)}
            kept = {v for part in change.updates for v in _uniques(table, unique, part.rows)}
            free = {v for v in old if v.endswith(_END_ANY)} | (old - kept)
            if free:
                values |= {*free, _text("unique", table.name, unique.name, ANY)}
                tables["unique"].add(table.name)
        if change.old:
            values.add(_text("exclusion", table.name, ANY))
            tables["exclusion"].add(table.name)
    values |= {_text(reason, name, ANY) for reason, found in tables.items() for name in found}
    return values, dict(tables)


def _children(view: View) -> dict[str, dict[tuple[str, ...], set[str]]]:
    """Return table -> the columns that foreign keys refer to -> the referring tables."""
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
    if not plain or unique.predicate is not None or not unique.nulls_distinct:
        yield _text("unique", table.name, unique.name, ANY)
        return
    if not _are_spelled_once(table, columns):
        yield _text("unique", table.name, unique.name, ANY)
    for value in python_rows(rows.select(columns)):
        if None not in value:
            texts = [_plain(one) for one in value]
            yield _text("unique", table.name, unique.name, *texts)
            if any(not text.isascii() for text in texts):
                yield _text("unique", table.name, unique.name, *map(_without_accents, texts))


def _is_plain(expression: str, columns: Sequence[str]) -> bool:
    names = {name for column in columns for name in spellings(column)}
    return expression in names or expression in {f"lower({name})" for name in names}


def _parents(name: str, columns: Sequence[str], value: Sequence[Any], table: TargetTable | None) -> Iterator[str]:
    """Yield what stands for a value of a parent; any value of these columns, if it can be spelled in several ways."""
    texts = [_plain(one) for one in value]
    yield _text("parent", name, ",".join(columns), *texts)
    if any(not text.isascii() for text in texts):
        yield _text("parent", name, ",".join(columns), *map(_without_accents, texts))
    if table is None or not _are_spelled_once(table, columns):
        yield _text("parent", name, ",".join(columns), ANY)


_SPELLED_ONCE = frozenset(
    {"int2", "int4", "int8", "float4", "float8", "numeric", "bool", "text", "char", "enum", "string"}
    | {"uuid", "bytea", "objectid", "date", "time", "timestamp", "timestamptz"}
)
"""Kinds of columns whose equal values have one text, but for what `_plain` and `_without_accents` leave out."""


def _are_spelled_once(table: TargetTable, columns: Sequence[str]) -> bool:
    return all(c.type.kind in _SPELLED_ONCE for c in table.columns if c.name in columns)


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float):
        return repr(value + 0.0)  # -0.0 is 0.0
    if not isinstance(value, str):
        return repr(value)
    return value.rstrip("0").rstrip(".") if _FRACTION.fullmatch(value) else value.rstrip(" ").lower()


def _without_accents(text: str) -> str:
    """Return a text as a collation may compare it that ignores accents."""
    return "".join(one for one in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(one))


def _text(*parts: str) -> str:
    return json.dumps(parts, ensure_ascii=False)


_END_ANY = json.dumps(ANY) + "]"
