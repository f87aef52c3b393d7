"""Run SQLite's own checks of a file: damaged pages, indexes with missing rows, unenforced foreign keys."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator

from crossfade.stores.contract import Unsound

_MOST = 5  # messages of one check
_LAST = 2**63 - 1


def unsound(connection: sqlite3.Connection, file: str, own: Collection[str]) -> list[Unsound]:
    """Check the file. Foreign keys of tables not in `own` (lowercase) may be older than the move: only a note."""
    return [*_damage(connection, file), *_orphans(connection, file, own), *_counters(connection)]


def _damage(connection: sqlite3.Connection, file: str) -> Iterator[Unsound]:
    found = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_MOST})").fetchall()]
    for message in found:
        if message != "ok":
            yield Unsound("file", file, "integrity", "ok", message)


def _orphans(connection: sqlite3.Connection, file: str, own: Collection[str]) -> Iterator[Unsound]:
    try:
        found = connection.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.OperationalError as error:  # a reference to columns that are not unique: no row can be checked
        yield Unsound("file", file, "foreign keys", "checked", str(error), fails=False)
        return
    for (child, parent), rows in sorted(Counter((row[0], row[2]) for row in found).items()):
        yield Unsound("table", child, f"rows without a parent in {parent}", "0", str(rows), fails=child.lower() in own)


def _counters(connection: sqlite3.Connection) -> Iterator[Unsound]:
    """Find exhausted AUTOINCREMENT counters: they refuse the next row."""
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'").fetchone():
        return
    for (name,) in connection.execute("SELECT name FROM sqlite_sequence WHERE seq >= ? ORDER BY name", (_LAST,)):
        yield Unsound("table", name, "numbers left", "some", "none", "its AUTOINCREMENT counter is exhausted")
