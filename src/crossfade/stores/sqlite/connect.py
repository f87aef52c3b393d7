"""Opens SQLite files, from SQLAlchemy's form of URL."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from crossfade.errors import CrossfadeError, Misused, Unreachable
from crossfade.model.files import require_regular
from crossfade.model.urls import hide_password

_URL = re.compile(r"^sqlite(?:\+\w+)?:///(?P<path>[^?#]*)")
_PATIENCE = 60  # seconds to wait for another writer
_NOTHING_WRITTEN = "the transaction in progress was rolled back"


def path_of(url: str) -> Path:
    """Return the path in `sqlite:///relative.db` or `sqlite:////absolute.db`. Raises Misused for anything else."""
    found = _URL.match(url)
    if not found or found["path"] in ("", ":memory:"):
        raise Misused(
            f"not the URL of a SQLite file: {hide_password(url)}",
            hint="sqlite:///target.db, or sqlite:////absolute/path.db",
        )
    return Path(found["path"])


def absolute(url: str) -> str:
    """Return a URL of the same file that does not depend on the current directory."""
    found = _URL.match(url)
    path = path_of(url)
    return url if found is None else f"{url[: found.start('path')]}{path.absolute()}{url[found.end('path') :]}"


def connect(url: str, *, write: bool) -> sqlite3.Connection:
    """Open a connection in autocommit mode. Raises Unreachable if the file cannot be opened."""
    path = path_of(url)
    mode = "rwc" if write else "ro"
    with suppress(OSError):  # it does not exist yet, or SQLite says why it cannot be opened
        require_regular(path)
    try:
        connection = sqlite3.connect(
            f"file:{quote(os.fsencode(path))}?mode={mode}", uri=True, timeout=_PATIENCE, isolation_level=None
        )
        connection.text_factory = _text
        connection.execute("PRAGMA schema_version")
        if write:
            _write_ahead(connection)
            connection.execute("PRAGMA foreign_keys = OFF")  # parents may come later; they are checked at the end
    except sqlite3.Error as error:
        raise failure(error, path) from None
    return connection


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to WAL mode, so that others can read while one writes. Retried here, because SQLite does not wait for a
    connection that changes the mode of the same file.
    """
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                raise
            time.sleep(0.01)


def _text(raw: bytes) -> str | bytes:
    """Decode text as UTF-8. SQLite stores any bytes as text; invalid ones stay bytes and compare as different."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


_STATES = {
    sqlite3.SQLITE_FULL: ("the disk is full", "free some space, then run the same command again"),
    sqlite3.SQLITE_READONLY: ("the file cannot be written", "check the permissions of the file and of its folder"),
    sqlite3.SQLITE_BUSY: ("the file is locked by another process", "close what writes to it, then run again"),
    sqlite3.SQLITE_LOCKED: ("the file is locked by another connection", "close what writes to it, then run again"),
    sqlite3.SQLITE_IOERR: ("the disk failed", "check the disk, then run the same command again"),
    sqlite3.SQLITE_CORRUPT: (
        "the file is damaged",
        "restore the file; or remove it, and start over with crossfade run",
    ),
    sqlite3.SQLITE_NOTADB: (
        "it is not a SQLite database, or the beginning of the file is damaged",
        "check the path; restore the file if it was a database",
    ),
}
_ALSO_READ = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""Errors that a read may have too: their messages say nothing about writes."""


def failure(error: sqlite3.Error, path: Path) -> CrossfadeError:
    """Convert an error that is not about a row into one of crossfade's."""
    code = primary_code(error)
    if code == sqlite3.SQLITE_CANTOPEN:
        return Unreachable(f"SQLite file {path}: it cannot be opened ({error})", hint="check the path and its folder")
    if code in _STATES:
        fact, hint = _STATES[code]
        state = "" if code in _ALSO_READ else f"; {_NOTHING_WRITTEN}"
        return CrossfadeError(f"SQLite file {path}: {fact} ({error}){state}", hint=hint)
    return CrossfadeError(f"SQLite file {path}: {error}; {_NOTHING_WRITTEN}")


def primary_code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
