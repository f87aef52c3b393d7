"""Read a SQLite database's schema as a TargetSchema. SQLite keeps the text of every statement: these are the steps."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import partial
from typing import Any

from crossfade.model.quoting import identifier
from crossfade.model.target import ForeignKey, Step, TargetColumn, TargetSchema, TargetTable, Unique
from crossfade.schema.column_types import sqlite_type
from crossfade.schema.digest import digest_of
from crossfade.schema.tokens import Token, meaningful

JOURNAL_PREFIX = "crossfade_"


def reflect(connection: sqlite3.Connection, notes: tuple[str, ...] = ()) -> TargetSchema:
    """Reflect all tables, without SQLite's own and the journal's. A UNIQUE in CREATE TABLE cannot be dropped."""
    made = [row for row in _made(connection) if not row[2].startswith(JOURNAL_PREFIX)]
    kinds = dict(connection.execute("SELECT name, type FROM pragma_table_list WHERE schema = 'main'").fetchall())
    # shadow tables are created with their virtual table (full-text search); no mapping fills either
    made = [row for row in made if kinds.get(row[1]) != "shadow"]
    tables = tuple(
        table_of(connection, name) for kind, name, _, _ in made if kind == "table" and kinds[name] == "table"
    )
    steps = [(kind, Step(f"{kind} {name}", sql)) for kind, name, _, sql in made]
    pre = tuple(step for kind, step in steps if kind == "table")
    post = tuple(step for wanted in ("index", "view", "trigger") for kind, step in steps if kind == wanted)
    digest = digest_of("sqlite", tables, pre, post)
    return TargetSchema("sqlite", tables, pre, post, partial(_metadata_of, tables, (*pre, *post)), digest, notes)


def _metadata_of(tables: tuple[TargetTable, ...], steps: tuple[Step, ...]) -> Any:
    from crossfade.stores.sqlite.metadata import metadata_of  # loads SQLAlchemy

    return metadata_of(tables, steps)


def _made(connection: sqlite3.Connection) -> list[tuple[str, str, str, str]]:
    """Return kind, name, table and text of every object with SQL; views in the order in which they were created."""
    return connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema"
        " WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite~_%' ESCAPE '~'"
        " ORDER BY type, CASE WHEN type IN ('view', 'trigger') THEN rowid END, name"
    ).fetchall()


def table_of(connection: sqlite3.Connection, name: str) -> TargetTable:
    """Reflect a table as it is now; a missing table has no columns."""
    # (cid, name, type, notnull, default, place in the primary key, hidden: 2 and 3 are generated)
    rows = connection.execute("SELECT * FROM pragma_table_xinfo(?)", (name,)).fetchall()
    rows = [row for row in rows if row[6] != 1]
    key = tuple(row[1] for row in sorted((r for r in rows if r[5]), key=lambda r: r[5]))
    numbered = len(key) == 1 and not _key_index(connection, name)
    strict = "SELECT strict FROM pragma_table_list WHERE schema = 'main' AND name = ? COLLATE NOCASE"
    (is_strict,) = connection.execute(strict, (name,)).fetchone() or (0,)
    return TargetTable(
        name=name,
        schema=None,
        table=name,
        columns=tuple(_column(row, numbered, bool(is_strict)) for row in rows),
        primary_key=key,
        uniques=tuple(_uniques(connection, name)),
        foreign_keys=tuple(_foreign_keys(connection, name)),
    )


def _key_index(connection: sqlite3.Connection, table: str) -> bool:
    """Return whether the primary key has its own index or is the table itself. Then it is not an alias of the rowid."""
    query = "SELECT EXISTS (SELECT 1 FROM pragma_index_list(?) WHERE origin = 'pk')"
    return bool(connection.execute(query, (table,)).fetchone()[0])


def _column(row: Any, numbered: bool, is_strict: bool) -> TargetColumn:
    """Return the column. A primary key column counts as NOT NULL: SQLite allows NULL, but such a row cannot be found.

    `numbered`: the primary key is the rowid, which SQLite fills. ANY in a STRICT table keeps every value as it is, as
    a column without a type; elsewhere it would turn texts into numbers.
    """
    _, name, declared, not_null, default, place, hidden = row
    return TargetColumn(
        name=name,
        type=sqlite_type("" if is_strict and declared.upper() == "ANY" else declared),
        nullable=not not_null and not place,
        has_default=default is not None or (bool(place) and numbered),
        generated=hidden in (2, 3),
    )


def _uniques(connection: sqlite3.Connection, table: str) -> Iterator[Unique]:
    query = "SELECT name, origin, partial FROM pragma_index_list(?) WHERE \"unique\" AND origin <> 'pk' ORDER BY name"
    for name, _, is_partial in connection.execute(query, (table,)).fetchall():
        row = connection.execute("SELECT sql FROM sqlite_schema WHERE type = 'index' AND name = ?", (name,)).fetchone()
        written, predicate = _index_parts(row[0]) if row and row[0] else ([], None)
        columns = connection.execute("SELECT name, coll, cid FROM pragma_index_xinfo(?) WHERE key", (name,)).fetchall()
        expressions = tuple(
            written[i] if cid == -2 else identifier(column) + _collation(connection, table, column, coll)
            for i, (column, coll, cid) in enumerate(columns)
        )
        yield Unique(name, expressions, predicate if is_partial else None)


def _collation(connection: sqlite3.Connection, table: str, column: str, of_index: str) -> str:
    """Return what is written behind a column of an index, so that it is compared by the index's collation."""
    if of_index.upper() != "BINARY":
        return f" COLLATE {of_index}"
    same = f"SELECT {identifier(column)} AS v FROM {identifier(table)} WHERE 0 UNION ALL VALUES ('a'), ('A'), ('a ')"
    try:  # the catalog does not say the collation of a column
        ((distinct,),) = connection.execute(f"SELECT count(DISTINCT v) FROM ({same})").fetchall()
    except sqlite3.OperationalError:  # of the application's own making
        distinct = 0
    return "" if distinct == 3 else " COLLATE BINARY"


def _index_parts(sql: str) -> tuple[list[str], str | None]:
    """Return the terms of a CREATE INDEX as written (without ASC and DESC), and its predicate."""
    found = meaningful(sql)
    opening = next(i for i, t in enumerate(found) if t.word == "(")
    terms: list[list[Token]] = [[]]
    depth = end = 0
    for end, token in enumerate(found[opening + 1 :], opening + 1):  # noqa: B007  (where the list ends is asked below)
        if token.word == ")" and depth == 0:
            break
        depth += {"(": 1, ")": -1}.get(token.word, 0)
        if token.word == "," and depth == 0:
            terms.append([])
        elif token.word not in ("ASC", "DESC") or depth:
            terms[-1].append(token)
    where = next((t for t in found[end:] if t.word == "WHERE"), None)
    return [sql[t[0].start : t[-1].end] for t in terms if t], sql[where.end :].strip() if where else None


def _foreign_keys(connection: sqlite3.Connection, table: str) -> Iterator[ForeignKey]:
    """Return the foreign keys in declaration order: SQLite numbers them backwards and has no names for them."""
    rows = connection.execute(
        'SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?) ORDER BY id DESC, seq', (table,)
    )
    keys: dict[int, list[Any]] = {}
    for number, parent, column, parent_column in rows.fetchall():
        keys.setdefault(number, []).append((parent, column, parent_column))
    for parts in keys.values():
        parent = parts[0][0]
        columns = tuple(column for _, column, _ in parts)
        there = tuple(to for _, _, to in parts)
        if None in there:  # REFERENCES parent, without columns: its primary key
            query = "SELECT name FROM pragma_table_xinfo(?) WHERE pk ORDER BY pk"
            there = tuple(name for (name,) in connection.execute(query, (parent,)))
        yield ForeignKey("_".join([table, *columns, "fkey"]), columns, _as_made(connection, parent), there)


def _as_made(connection: sqlite3.Connection, name: str) -> str:
    row = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE", (name,)
    ).fetchone()
    return str(row[0]) if row else name
