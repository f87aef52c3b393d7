"""A file that an application writes, and that names no change."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from trap import Trap, move_of, project_of

from crossfade.move import Move, polling
from following import running, wait_for


def test_it_is_polled(trap: Trap, tmp_path: Path, pg_db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "REST", (0.1, 0.5))
    root, file = project_of(trap, tmp_path), tmp_path / "app.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as app:
        app.execute("PRAGMA journal_mode = WAL")
        app.execute("CREATE TABLE items (n INTEGER, note TEXT)")
        app.execute("INSERT INTO items VALUES (1, 'a'), ('2 ', NULL), (' 3', 'c'), ('x', 'd')")

        def move() -> Move:
            return move_of(root, f"sqlite:///{file}", pg_db.url)

        def becomes(*rows: tuple[Any, ...]) -> None:
            wait_for(lambda: pg_db.execute("SELECT id, n, note FROM items ORDER BY 1") == list(rows))

        with move() as own:
            own.survey()
        with running(move, poll=True):
            becomes((1, 1, "a"), (2, 2, None), (3, 3, "c"))
            app.execute("UPDATE items SET n = '5', note = 'b' WHERE rowid = 2")
            becomes((1, 1, "a"), (2, 5, "b"), (3, 3, "c"))
            app.execute("DELETE FROM items WHERE rowid = 4")
            app.execute("INSERT INTO items VALUES (4, 'another')")
            becomes((1, 1, "a"), (2, 5, "b"), (3, 3, "c"), (4, 4, "another"))
            app.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            app.execute("UPDATE items SET n = 'y' WHERE rowid = 1")
            becomes((2, 5, "b"), (3, 3, "c"), (4, 4, "another"))
        with move() as own:
            found = own.verify()
            assert (found.equal, found.balanced) == (True, True)
