"""SQLite as a target: its Ddl."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from crossfade.errors import SchemaFault
from crossfade.model.target import ForeignKey, Unique
from crossfade.stores.sqlite.ddl import SqliteDdl
from making import make

SCHEMA = """
CREATE TABLE a (id INTEGER PRIMARY KEY, u CHAR(32), e TEXT COLLATE NOCASE DEFAULT 'x', n INT NOT NULL DEFAULT 0,
    twice INT GENERATED ALWAYS AS (n * 2) STORED, UNIQUE (u));
CREATE TABLE "b c" (x TEXT, y INT REFERENCES A, z TEXT, PRIMARY KEY (x, y)) WITHOUT ROWID;
CREATE UNIQUE INDEX lower_e ON a (lower(e) DESC, u) WHERE e <> '';
CREATE UNIQUE INDEX once ON a (e);
CREATE VIEW v AS SELECT * FROM a;
CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET e = CASE WHEN 1 THEN e END; DELETE FROM "b c" WHERE 0; END;
CREATE VIRTUAL TABLE f USING fts5(e);
"""


@pytest.fixture
def target(tmp_path: Path) -> tuple[SqliteDdl, Path]:
    path = tmp_path / "target.db"
    return SqliteDdl(f"sqlite:///{path}"), path


def fill(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_everything_comes_back(target: tuple[SqliteDdl, Path]) -> None:
    ddl, path = target
    schema = ddl.scratch_schema(SCHEMA, "schema.sql")
    make(f"sqlite:///{path}", [*schema.pre, *schema.post])
    again = ddl.live_schema()
    assert (again.pre, again.post, again.tables, again.digest) == (
        schema.pre, schema.post, schema.tables, schema.digest,
    )  # fmt: skip
    assert [s.id for s in (*schema.pre, *schema.post)] == [
        "table a", "table b c", "table f", "index lower_e", "index once", "view v", "trigger t",
    ]  # fmt: skip


def test_tables_say_what_a_mapping_needs(target: tuple[SqliteDdl, Path]) -> None:
    a, b = target[0].scratch_schema(SCHEMA, "schema.sql").tables
    assert [(c.name, c.nullable, c.has_default, c.generated) for c in a.columns] == [
        ("id", False, True, False),
        ("u", True, False, False),
        ("e", True, True, False),
        ("n", False, True, False),
        ("twice", True, False, True),
    ]
    assert {u.name: (u.expressions, u.predicate) for u in a.uniques} == {
        "lower_e": (("lower(e)", '"u"'), "e <> ''"),
        "once": (('"e" COLLATE NOCASE',), None),
        "sqlite_autoindex_a_1": (('"u"',), None),
    }
    assert (b.name, b.primary_key) == ("b c", ("x", "y"))
    assert b.foreign_keys == (ForeignKey("b c_y_fkey", ("y",), "a", ("id",)),)


KEYS = """
CREATE TABLE rowid (k INTEGER PRIMARY KEY);
CREATE TABLE downwards (k INTEGER PRIMARY KEY DESC);
CREATE TABLE whole (k INTEGER PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE int (k INT PRIMARY KEY);
CREATE TABLE text (k TEXT PRIMARY KEY);
CREATE TABLE two (k TEXT, v TEXT, PRIMARY KEY (k));
"""


def test_columns_of_a_primary_key_count_as_not_null(target: tuple[SqliteDdl, Path]) -> None:
    """SQLite takes NULL there, and numbers rows itself only where the key is the rowid."""
    tables = target[0].scratch_schema(KEYS, "schema.sql").tables
    found = {t.name: [(c.nullable, c.has_default) for c in t.columns if c.name == "k"] for t in tables}
    assert found == {
        "rowid": [(False, True)],
        **{name: [(False, False)] for name in ("downwards", "whole", "int", "text", "two")},
    }


def test_every_fault_is_found(target: tuple[SqliteDdl, Path]) -> None:
    with pytest.raises(SchemaFault) as raised:
        target[0].scratch_schema(
            "CREATE TABLE a (\n  x int\n  y int,,\n);\nCREATE INDEX i ON nowhere (x);", "schema.sql"
        )
    assert [(f.line, f.column) for f in raised.value.faults] == [(3, 8), (5, 1)]


def test_is_empty_leaves_out_the_journal_and_shadow_tables(target: tuple[SqliteDdl, Path]) -> None:
    ddl, path = target
    fill(path, "CREATE TABLE crossfade_move (a)", "CREATE TABLE t (a)", "CREATE VIRTUAL TABLE f USING fts5(e)")
    fill(path, "INSERT INTO t VALUES (1)")
    assert ddl.is_empty() == ["f (no rows)", "t (has rows)"]
    assert [t.name for t in ddl.live_schema().tables] == ["t"]


def test_duplicates_and_orphans(target: tuple[SqliteDdl, Path]) -> None:
    ddl, path = target
    fill(
        path,
        "CREATE TABLE p (code TEXT COLLATE NOCASE UNIQUE)",
        "CREATE TABLE t (id CHAR(36) PRIMARY KEY, e TEXT COLLATE NOCASE, n INT, code REFERENCES p (code))",
        "INSERT INTO p VALUES ('A')",
        "INSERT INTO t VALUES ('1', 'x', NULL, 'a'), ('2', 'X', NULL, 'b'), ('3', 'x', 1, NULL), ('4', NULL, 1, 'A')",
    )
    table = next(t for t in ddl.live_schema().tables if t.name == "t")

    def gone(unique: Unique) -> list[str]:
        return sorted(ddl.duplicates(table, unique).column("id").to_pylist())

    assert gone(Unique("u", ('"e" COLLATE NOCASE',))) == ["2", "3"]
    assert gone(Unique("u", ('"e" COLLATE BINARY',))) == ["3"]
    assert gone(Unique("u", ('"n"',), "e IS NOT NULL")) == []
    assert gone(Unique("u", ('"n"',), nulls_distinct=False)) == ["2", "4"]
    assert ddl.orphans(table, table.foreign_keys[0]).to_pylist() == [{"id": "2"}]


def test_to_look_for_a_file_makes_none(target: tuple[SqliteDdl, Path]) -> None:
    ddl, path = target
    assert not ddl.has_journal()
    assert ddl.is_empty() == []
    assert not path.exists()
