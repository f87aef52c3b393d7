"""Writing to a SQLite file: what the tables of an application make of its rows."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing, nullcontext
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from crossfade.model.target import TargetTable
from crossfade.stores.contract import RowRejected, Store, need
from crossfade.stores.open import open_store
from crossfade.stores.sqlite.lock import is_locked, locked
from crossfade.transform.transform import TableRows


def made(path: Path, sql: str) -> tuple[Store, TargetTable]:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)
    store = open_store(f"sqlite:///{path}")
    table = need(store.ddl, store, "be inspected").live_schema().table("t")
    assert table is not None
    return store, table


def rows(*values: tuple[int, str | None]) -> Any:
    ids, texts = zip(*values, strict=True)
    return pa.table([pa.array(ids, pa.int64()), pa.array(texts, pa.string())], names=["id", "v"])


def there(path: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT id, v FROM t ORDER BY id").fetchall()


@pytest.mark.parametrize("how", ["REPLACE", "IGNORE", "ROLLBACK", "FAIL"])
@pytest.mark.parametrize(
    ("declared", "row"),
    [
        ("id INT PRIMARY KEY ON CONFLICT {}, v TEXT", (1, "b")),
        ("id INT PRIMARY KEY, v TEXT UNIQUE ON CONFLICT {}", (2, "a")),
        ("id INT PRIMARY KEY, v TEXT NOT NULL ON CONFLICT {} DEFAULT 'x'", (2, None)),
    ],
)
def test_a_refused_row_is_refused_whatever_the_table_does(
    tmp_path: Path, how: str, declared: str, row: tuple[int, str | None]
) -> None:
    """A constraint may say that a conflict replaces the other row, or leaves out the new one."""
    path = tmp_path / "t.db"
    store, table = made(path, f"CREATE TABLE t ({declared.format(how)})")
    with store, need(store.writer, store, "be written to").transaction() as tx:
        tx.load(table, rows((1, "a"), (5, "e")))
        with pytest.raises(RowRejected), tx.savepoint():
            tx.load(table, rows((3, "c"), row))
        refused = tx.load_each([TableRows(table, rows((3, "c"), row), pa.array([0, 1], pa.int64()))])
        assert refused is not None
        assert list(refused) == [1]
        if row[0] > 1:
            with pytest.raises(RowRejected), tx.savepoint():
                tx.update(table, rows((5, row[1])), ["v"])
    assert there(path) == [(1, "a"), (3, "c"), (5, "e")]


def test_an_index_by_bytes_of_a_column_that_ignores_case(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    sql = "CREATE TABLE t (id INT PRIMARY KEY, v TEXT COLLATE NOCASE); CREATE UNIQUE INDEX u ON t (v COLLATE BINARY);"
    store, table = made(path, sql)
    (unique,) = table.uniques
    with store:
        with need(store.writer, store, "be written to").transaction() as tx:
            tx.load(table, rows((1, "a"), (2, "A")))
        assert need(store.ddl, store, "be inspected").duplicates(table, unique).num_rows == 0
        found = need(store.conflicts, store, "explain").holders(table, unique, rows((3, "a"), (4, "A"), (5, "b")))
        assert [one and one.key for one in found] == [(1,), (2,), None]


@pytest.mark.parametrize(("declared", "is_kept"), [("ANY) STRICT", True), ("any) STRICT", True), ("ANY)", False)])
def test_texts_that_look_like_numbers_in_a_column_of_any_type(tmp_path: Path, declared: str, is_kept: bool) -> None:
    path = tmp_path / "t.db"
    store, table = made(path, f"CREATE TABLE t (id INT PRIMARY KEY, v {declared}")
    texts = [(1, "007"), (2, "1e5"), (3, "x")]
    kept = nullcontext() if is_kept else pytest.raises(RowRejected, match="into a number")
    with store, kept, need(store.writer, store, "be written to").transaction() as tx:
        tx.load(table, rows(*texts))
    assert there(path) == (texts if is_kept else [])


def test_the_lock_of_another_run_is_not_removed(tmp_path: Path) -> None:
    """Somebody takes the file of the lock for a stale one, and removes it."""
    path = tmp_path / "t.db"
    with ExitStack() as second:
        with locked(path):
            (tmp_path / "t.db-crossfade").unlink()
            second.enter_context(locked(path))
        assert is_locked(path)
    assert not list(tmp_path.glob("*-crossfade"))
