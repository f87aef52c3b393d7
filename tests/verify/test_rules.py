"""The user's rules, run in a real target."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from crossfade.journal import journal
from crossfade.stores.contract import RowReader
from crossfade.stores.open import open_store
from crossfade.verify.rules import read_rules, run_rule, sentence_of
from scratch import PostgresScratch

RULE = "-- Seats are enough,\n-- for everybody.\nSELECT id, name FROM courses WHERE seats < students ORDER BY id;\n"


@pytest.fixture
def target(pg_db: PostgresScratch) -> Iterator[RowReader]:
    pg_db.execute("CREATE TABLE courses (id int PRIMARY KEY, name text, seats int, students int)")
    pg_db.execute("INSERT INTO courses SELECT i, CASE WHEN i > 1 THEN '' END, 10, i FROM generate_series(1, 25) AS i")
    with open_store(pg_db.url) as store:
        assert store.row_reader
        yield store.row_reader


def test_rows_that_break_it(target: RowReader) -> None:
    rule = run_rule("seats", RULE, target, limit=2)
    assert not rule.holds
    assert rule.sentence == "Seats are enough, for everybody."
    assert rule.columns == ("id", "name")
    assert rule.rows == (("11", '""'), ("12", '""'))
    assert rule.total == 15


def test_one_that_holds(target: RowReader) -> None:
    assert run_rule("seats", RULE.replace("<", ">> 5 > "), target, limit=2).holds


def test_null_and_control_characters_are_seen(target: RowReader) -> None:
    rule = run_rule("odd", "SELECT name, chr(7), 'a\"b' FROM courses WHERE id = 1", target, limit=2)
    assert rule.rows == (("NULL", "\\u0007", 'a"b'),)
    assert rule.sentence == "odd"


def test_one_that_the_target_refuses(target: RowReader) -> None:
    rule = run_rule("broken", "-- It runs.\nSELECT nothing FROM nowhere", target, limit=2)
    assert not rule.holds
    assert rule.error is not None
    assert "nowhere" in rule.error


def test_one_that_writes_is_refused(target: RowReader, pg_db: PostgresScratch) -> None:
    rule = run_rule("evil", "WITH gone AS (DELETE FROM courses RETURNING id) SELECT * FROM gone", target, limit=2)
    assert rule.error is not None
    assert pg_db.execute("SELECT count(*) FROM courses") == [(25,)]


OUT = "SELECT 1 WHERE false; COMMIT; DELETE FROM courses; BEGIN; DECLARE crossfade_query CURSOR FOR SELECT 1"
ESCAPES = [
    OUT,
    "SELECT 1; SELECT 2",
    "DELETE FROM courses",
    "SELECT id INTO gone FROM courses",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "SELECT pg_catalog.set_config('transaction_read_only', 'off', true), id FROM courses",
    "SELECT nextval('numbers')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT pg_read_file('/etc/passwd')",
    'SELECT "pg_terminate_backend" /* x */ (pid) FROM pg_stat_activity',
    'SELECT U&"pg_terminate\\005fbackend"(0)',
    "SELECT * FROM pg_ls_dir('/')",
    "SELECT query_to_xml('SELECT pg_reload_conf()', true, true, '')",
    "SELECT pg_notify('a', 'b')",
    "SELECT pg_advisory_lock(1)",
    "SELECT writes()",
    "COPY courses TO PROGRAM 'true'",
]


@pytest.mark.parametrize("sql", ESCAPES)
def test_no_rule_gets_out(target: RowReader, pg_db: PostgresScratch, sql: str) -> None:
    pg_db.execute("CREATE SEQUENCE numbers")
    pg_db.execute("CREATE FUNCTION writes() RETURNS int LANGUAGE sql AS 'DELETE FROM courses RETURNING 1'")
    assert run_rule("evil", sql, target, limit=2).error is not None
    assert pg_db.execute("SELECT count(*) FROM courses") == [(25,)]
    assert pg_db.execute("SELECT is_called FROM numbers") == [(False,)]


@pytest.mark.parametrize("sql", ["SELECT 1 WHERE $1 = 2", "SELECT $1", "SELECT id FROM courses WHERE id = $1"])
def test_a_rule_with_a_parameter_is_no_lost_connection(target: RowReader, sql: str) -> None:
    rule = run_rule("parameter", sql, target, limit=2)
    assert rule.error is not None
    assert "it has a parameter ($1), and a rule is run without any" in rule.error


def test_nor_is_a_rule_whose_function_cannot_reach_another_server(target: RowReader, pg_db: PostgresScratch) -> None:
    pg_db.execute(
        "CREATE FUNCTION far() RETURNS int LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE 'could not connect' USING ERRCODE = '08001'; END $$"
    )
    rule = run_rule("far", "SELECT far()", target, limit=2)
    assert rule.error is not None
    assert rule.error.endswith("refused the query: could not connect")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT random() < 2, clock_timestamp(), gen_random_uuid() FROM courses TABLESAMPLE system (100)",
        "WITH a AS (SELECT max(id) AS m FROM courses) SELECT m, lower('X') FROM a -- a comment; with a semicolon",
        "VALUES (1);",
        "SELECT reads(1), pg_table_size('courses')",
    ],
)
def test_rules_that_only_read(target: RowReader, pg_db: PostgresScratch, sql: str) -> None:
    pg_db.execute("CREATE FUNCTION reads(int) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM courses'")
    assert run_rule("fine", sql, target, limit=2).error is None


def test_a_rule_does_not_see_the_schemas_of_others(target: RowReader, pg_db: PostgresScratch) -> None:
    with open_store(pg_db.url) as store:
        journal.create(store)  # a move has begun, and notes that it keeps its tables in public
    pg_db.execute("CREATE SCHEMA other; CREATE TABLE other.courses (id int)")
    pg_db.execute(f"ALTER DATABASE {pg_db.name} SET search_path TO other, public")
    assert run_rule("seats", "SELECT id FROM courses", target, limit=2).total == 25


@pytest.fixture
def file(tmp_path: Path) -> Iterator[RowReader]:
    with closing(sqlite3.connect(tmp_path / "target.db")) as db, db:
        db.execute("CREATE TABLE courses (id int)")
        db.execute("INSERT INTO courses VALUES (1)")
    with open_store(f"sqlite:///{tmp_path}/target.db") as store:
        assert store.row_reader
        yield store.row_reader


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH 'other.db' AS o",
        "PRAGMA writable_schema = 1",
        "SELECT * FROM pragma_database_list",
        "DELETE FROM courses",
        "BEGIN",
        "VACUUM INTO 'x.db'",
        "SELECT load_extension('x')",
        "SELECT 1; SELECT 2",
    ],
)
def test_no_rule_gets_out_of_a_file(file: RowReader, sql: str) -> None:
    assert run_rule("evil", sql, file, limit=2).error is not None


def test_rules_of_a_file(file: RowReader) -> None:
    recursive = "WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n WHERE i < 3) SELECT count(*), max(id)"
    assert run_rule("fine", f"{recursive} FROM n, courses", file, limit=2).rows == (("3", "1"),)
    assert file.query("SELECT id FROM courses", limit=1) == (["id"], [(1,)], 1)


def test_files(tmp_path: Path) -> None:
    (tmp_path / "seats.sql").write_text(RULE)
    (tmp_path / "notes.md").write_text("no rule")
    assert read_rules(tmp_path) == {"seats": RULE}
    assert read_rules(tmp_path / "none") == {}


def test_a_rule_without_a_comment_has_no_sentence() -> None:
    assert sentence_of("SELECT 1 -- not at the start") == ""
