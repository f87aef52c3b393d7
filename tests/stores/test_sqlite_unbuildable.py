"""Rows that prevent an index of SQLite, and errors that are not theirs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from crossfade.model.target import ColumnType, Step, TargetColumn, TargetTable
from crossfade.stores.sqlite.unbuildable import unbuildable

DOCS = TargetTable(
    "docs",
    None,
    "docs",
    (TargetColumn("id", ColumnType("int8", "INTEGER")), TargetColumn("doc", ColumnType("text", "TEXT"))),
    ("id",),
)
INDEX = Step("index docs_a", "CREATE UNIQUE INDEX docs_a ON docs (json_extract(doc, '$.a'))")


def test_a_full_disk_is_no_fault_of_a_row(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "target.db", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE docs (id INTEGER PRIMARY KEY, doc TEXT)")
        long = "x" * 10_000
        rows = [(1, "no json"), *((i, f'{{"a": {i}, "b": "{long}"}}') for i in range(2, 50))]
        connection.executemany("INSERT INTO docs VALUES (?, ?)", rows)
        refused = unbuildable(connection, DOCS, INDEX)
        assert refused.column("#reason").to_pylist() == ["bad_value"]
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 20}")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            unbuildable(connection, DOCS, INDEX)
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("docs",)]
