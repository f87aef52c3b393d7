"""Triggers do not fire for what Crossfade writes: they are dropped, and created again before the commit."""

from __future__ import annotations

import sqlite3

from crossfade.model.quoting import identifier


class DroppedTriggers:
    """The triggers that one transaction has dropped, by name, with the statement that creates each."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._made: dict[str, str] = {}

    def suspend(self, table: str) -> None:
        query = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE"
        for name, made in self._connection.execute(query, (table,)).fetchall():
            self._connection.execute(f"DROP TRIGGER {identifier(name)}")
            self._made.setdefault(name, made)

    def resume(self) -> None:
        """Create the missing triggers again: a savepoint that was rolled back has restored its own."""
        there = {name for (name,) in self._connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")}
        for name, made in self._made.items():
            if name not in there:
                self._connection.execute(made)
        self._made.clear()
