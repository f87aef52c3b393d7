"""Converts SQLite's errors into crossfade's."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from crossfade.stores.contract import RowRejected
from crossfade.stores.sqlite.connect import failure, primary_code

_REASONS = {
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: "unique",
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: "unique",
    sqlite3.SQLITE_CONSTRAINT_ROWID: "unique",
    sqlite3.SQLITE_CONSTRAINT_NOTNULL: "not_null",
    sqlite3.SQLITE_CONSTRAINT_CHECK: "check",
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: "foreign_key",
    sqlite3.SQLITE_CONSTRAINT_TRIGGER: "raised",
}
_PLACE = re.compile(r"constraint failed: (.+)$")


def translated(error: sqlite3.Error, path: Path, table: str) -> Exception:
    """Return the error of crossfade for one of SQLite: RowRejected if it is about a row."""
    code = primary_code(error)
    if code not in (sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG):
        return failure(error, path)
    extended = int(getattr(error, "sqlite_errorcode", 0) or 0)
    reason = _REASONS.get(extended, "too_long" if code == sqlite3.SQLITE_TOOBIG else "bad_value")
    found = _PLACE.search(str(error))
    place = found[1] if found else None
    columns = [part.partition(".")[2] for part in place.split(", ")] if place and reason != "check" else []
    column = columns[0] if len(columns) == 1 and columns[0] else None
    return RowRejected(reason, str(error), table=table, column=column, constraint=place)
