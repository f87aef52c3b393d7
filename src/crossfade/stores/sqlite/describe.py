"""The schema of a SQLite file as SQLite reports it: SQLite keeps the text of every statement and works from it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import pairwise

from crossfade.model.described import Described, Thing, by
from crossfade.model.quoting import identifier
from crossfade.model.target import TargetSchema
from crossfade.schema.suggestions.text import Item, table_text
from crossfade.schema.tokens import Token, meaningful
from crossfade.stores.sqlite.catalog import JOURNAL_PREFIX

_OF_THE_TABLE = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN")


def describe(connection: sqlite3.Connection) -> Described:
    """Describe everything but SQLite's own tables, the journal's, and shadow tables of virtual tables."""
    kinds = dict(connection.execute("SELECT name, type FROM pragma_table_list WHERE schema = 'main'").fetchall())
    rows = connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema"
        " WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY type, name"
    ).fetchall()
    things: list[Thing] = []
    for kind, name, table, sql in rows:
        if table.startswith(JOURNAL_PREFIX) or kinds.get(name) == "shadow":
            continue
        things += _table(name, sql, kinds.get(name, kind)) if kind == "table" else [_thing(kind, name, table, sql)]
    things += [_number(connection, pragma) for pragma in _NUMBERS if _value(connection, pragma)]
    return Described(by("SQLite"), tuple(things))


_NUMBERS = ("user_version", "application_id")
"""Pragmas by which an application identifies its file; 0 if not set."""


def _number(connection: sqlite3.Connection, pragma: str) -> Thing:
    return Thing("pragma", f"{pragma} = {_value(connection, pragma)}")


def _value(connection: sqlite3.Connection, pragma: str) -> int:
    (value,) = connection.execute(f"PRAGMA {pragma}").fetchone()
    return int(value)


def describe_made(schema: TargetSchema) -> Described:
    """Describe an in-memory database in which the schema was created."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for step in (*schema.pre, *schema.post):
            connection.execute(step.sql)
        return describe(connection)
    finally:
        connection.close()


def holds_rows(connection: sqlite3.Connection, table: str) -> bool:
    return _exists(connection, f"SELECT 1 FROM {identifier(table)}")


def holds_values(connection: sqlite3.Connection, table: str, column: str) -> bool:
    short = identifier(column.removeprefix(table + "."))
    return _exists(connection, f"SELECT 1 FROM {identifier(table)} WHERE {short} IS NOT NULL")


def _exists(connection: sqlite3.Connection, query: str) -> bool:
    (found,) = connection.execute(f"SELECT EXISTS ({query})").fetchone()
    return bool(found)


def _thing(kind: str, name: str, table: str, sql: str) -> Thing:
    if kind == "view":
        return Thing("relation", name, "", {"is": "view", "definition": _plain(sql)})
    facts = {"definition": _plain(sql)}
    if kind == "index":
        facts["is"] = "unique index" if [t.word for t in meaningful(sql)[:2]] == ["CREATE", "UNIQUE"] else "index"
    return Thing(kind, name, table, facts)


def _table(name: str, sql: str, kind: str) -> Iterator[Thing]:
    text = table_text(sql)
    if text is None or kind != "table":
        yield Thing(
            "relation", name, "", {"is": f"{kind} table".replace("table table", "table"), "definition": _plain(sql)}
        )
        return
    options = _plain(sql[text.close + 1 :])
    yield Thing("relation", name, "", {"is": "table"} | ({"table options": options} if options else {}))
    for item in text.items:
        if item.tokens[0].word in _OF_THE_TABLE:
            yield Thing("constraint", f"{name}: {_joined(item.tokens)}", name, {})
        else:
            yield _column(name, item)


def _column(table: str, item: Item) -> Thing:
    words = item.words()
    declared, rest = _declared(item.tokens[1:])
    facts = {"type": _joined(declared), "definition": _joined(rest)}
    if any(pair == ("NOT", "NULL") for pair in pairwise(words)):
        facts["not null"] = "yes"
    facts |= {word.lower(): "yes" for word in ("DEFAULT", "GENERATED") if word in words}
    return Thing("column", f"{table}.{item.tokens[0].name}", table, facts)


_AFTER_TYPE = {
    *("CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE", "REFERENCES", "GENERATED", "AS"),
}


def _declared(tokens: Sequence[Token]) -> tuple[Sequence[Token], Sequence[Token]]:
    """Return the declared type of a column, and what follows it."""
    end = next((i for i, token in enumerate(tokens) if token.word in _AFTER_TYPE), len(tokens))
    return tokens[:end], tokens[end:]


def _plain(sql: str) -> str:
    return _joined(meaningful(sql))


def _joined(tokens: Sequence[Token]) -> str:
    return " ".join(t.text for t in tokens)
