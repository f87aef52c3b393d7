"""What a PostgreSQL source has beside its tables: named, and nothing of it is left out in silence."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from row_project import open_move, project, rows_of

from crossfade.errors import CrossfadeError
from crossfade.testing import as_user
from scratch import MongoScratch, PostgresScratch, drop_database

TABLE = "CREATE TABLE t (id int PRIMARY KEY, who text);"


@pytest.fixture
def target(pg_db: PostgresScratch) -> Iterator[str]:
    name = f"left_{secrets.token_hex(4)}"
    with psycopg.connect(pg_db.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield pg_db.url.replace(pg_db.name, name)
        drop_database(connection, name)


@pytest.fixture
def reader(pg_db: PostgresScratch) -> Iterator[str]:
    """The URL of a role that may read, and no more."""
    name = f"reader_{secrets.token_hex(4)}"
    pg_db.execute(f"CREATE ROLE {name} LOGIN")
    yield as_user(pg_db.url, name, "")
    pg_db.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_large_objects_and_foreign_tables_are_named(pg_db: PostgresScratch, target: str, tmp_path: Path) -> None:
    pg_db.execute(TABLE + "SELECT lo_from_bytea(0, 'a'), lo_from_bytea(0, 'b');")
    pg_db.execute("CREATE FOREIGN DATA WRAPPER none; CREATE SERVER far FOREIGN DATA WRAPPER none")
    pg_db.execute("CREATE FOREIGN TABLE far_away (id int) SERVER far")
    with open_move(project(tmp_path / "p", pg_db.url, TABLE), pg_db.url, target) as move:
        _, entities = move.survey()
        found = {e.name: (e.entity_class, e.copied, e.count) for e in entities if e.name != "t"}
        assert found == {"far_away": ("foreign table", False, 0), "pg_largeobject": ("large objects", False, 2)}
        notes = {f.place for f in move.check() if f.kind == "not_copied"}
        assert notes == {"far_away", "pg_largeobject"}


@pytest.mark.parametrize("force", [False, True])
def test_row_level_security_hides_no_rows(
    pg_db: PostgresScratch, target: str, reader: str, tmp_path: Path, force: bool
) -> None:
    """A role that does not see all rows is refused; with BYPASSRLS, or as the owner, it reads all of them."""
    role = reader.partition("//")[2].partition("@")[0].partition(":")[0]
    pg_db.execute(TABLE + "INSERT INTO t VALUES (1, 'a'), (2, 'b'); ALTER TABLE t ENABLE ROW LEVEL SECURITY")
    pg_db.execute(f"CREATE POLICY p ON t USING (who = 'a'); GRANT SELECT ON t TO {role}")
    if force:
        pg_db.execute(f"ALTER TABLE t FORCE ROW LEVEL SECURITY; ALTER TABLE t OWNER TO {role}")
    folder = project(tmp_path / "p", pg_db.url, TABLE)
    hidden = pytest.raises(CrossfadeError, match="row-level security hides rows of a table from the role at")
    with open_move(folder, reader, target) as move, hidden:
        move.survey()
    pg_db.execute("ALTER TABLE t NO FORCE ROW LEVEL SECURITY" if force else f"ALTER ROLE {role} BYPASSRLS")
    with open_move(folder, reader, target) as move:
        move.survey()
        assert sum(e.counts.copied for e in move.copy().entities) == 2


def test_infinite_dates_are_text_or_set_aside(pg_db: PostgresScratch, target: str, tmp_path: Path) -> None:
    pg_db.execute("CREATE TABLE t (id int PRIMARY KEY, d date, at timestamptz, dates date[])")
    pg_db.execute("INSERT INTO t VALUES (1, 'infinity', '-infinity', '{infinity}'), (2, '2024-01-26', now(), '{}')")
    folder = project(tmp_path / "p", pg_db.url, "CREATE TABLE t (id int PRIMARY KEY, d text, at text, dates text[]);")
    with open_move(folder, pg_db.url, target) as move:
        move.survey()
        assert {f.place for f in move.check() if f.kind == "as_text"} == {"t.d", "t.at", "t.dates"}
        move.copy()
        assert move.verify().equal
    with psycopg.connect(target) as connection:
        asked = connection.execute("SELECT d, at, dates FROM t WHERE id = 1").fetchone()
        assert asked == ("infinity", "-infinity", ["infinity"])


DATES = """
CREATE TABLE t (id int PRIMARY KEY, d date UNIQUE, at timestamptz NOT NULL, there timestamp(3), dates date[]);
CREATE TABLE days (day date PRIMARY KEY, note text);"""


def test_infinite_dates_go_into_columns_of_their_type(pg_db: PostgresScratch, target: str, tmp_path: Path) -> None:
    pg_db.execute(DATES)
    pg_db.execute("""INSERT INTO t VALUES (1, 'infinity', '-infinity', 'infinity', '{infinity,2024-01-26}'),
      (2, '2024-01-26', '0044-03-15 10:00:00.000001+00 BC', '-infinity', '{}'),
      (3, '5874897-12-31', '294276-12-31 23:59:59.999999+00', '2024-02-29 12:00:00.123', NULL),
      (4, NULL, now(), NULL, NULL)""")
    pg_db.execute("INSERT INTO days VALUES ('-infinity', 'a'), ('infinity', 'b'), ('2024-01-26', 'c')")
    folder = project(tmp_path / "p", pg_db.url, DATES)
    with open_move(folder, pg_db.url, target) as move:
        move.survey()
        assert [f.message for f in move.check() if f.severity == "fault"] == []
        move.copy()
        assert [(e.reason, e.detail) for e in move.quarantine()] == []
        assert move.verify().equal
        assert _tables(pg_db.url) == _tables(target)
        with psycopg.connect(target) as connection:
            connection.execute("UPDATE t SET d = '-infinity' WHERE id = 1; UPDATE t SET at = 'infinity' WHERE id = 3")
            connection.execute("UPDATE days SET note = 'x' WHERE day = 'infinity'; DELETE FROM days WHERE note = 'a'")
        found = {one.table: (dict(one.changed_columns), one.counts["missing"]) for one in move.verify().tables}
        assert found == {"t": ({"d": 1, "at": 1}, 0), "days": ({"note": 1}, 1)}
        move.repair()
        assert move.verify().equal
    assert _tables(pg_db.url) == _tables(target)


def _tables(url: str) -> list[list[tuple[str]]]:
    with psycopg.connect(url) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return [
            connection.execute(f"SELECT t::text FROM {t} AS t ORDER BY 1".encode()).fetchall() for t in ("t", "days")
        ]


def test_the_text_of_a_date_goes_into_no_column_of_another_type(
    pg_db: PostgresScratch, target: str, tmp_path: Path
) -> None:
    """PostgreSQL would drop the offset of a moment in a timestamp, and guess one for a date."""
    pg_db.execute("CREATE TABLE t (id int PRIMARY KEY, d date, at timestamptz, word text)")
    pg_db.execute("INSERT INTO t VALUES (1, 'infinity', '-infinity', 'now')")
    other = "CREATE TABLE t (id int PRIMARY KEY, d timestamptz, at timestamp, word date);"
    with open_move(project(tmp_path / "p", pg_db.url, other), pg_db.url, target) as move:
        move.survey()
        assert {f.place for f in move.check() if f.kind == "type"} == {"t.d", "t.at", "t.word"}


@pytest.mark.parametrize("into", ["sqlite", "mongodb"])
def test_other_databases_have_no_infinite_dates(
    pg_db: PostgresScratch, mongo_db: MongoScratch, tmp_path: Path, into: str
) -> None:
    """As they are they are refused before the copy; a CAST sets their rows aside with the reason."""
    pg_db.execute("CREATE TABLE t (id int PRIMARY KEY, d date, at timestamptz)")
    pg_db.execute("INSERT INTO t VALUES (1, 'infinity', NULL), (2, '2024-01-26', '2024-01-26'), (3, NULL, '-infinity')")
    folder = project(tmp_path / "p", pg_db.url, "CREATE TABLE t (id int PRIMARY KEY, d date, at timestamp);")
    target, key = f"sqlite:///{tmp_path / 't.db'}", "id"
    if into == "mongodb":
        target, key = mongo_db.url, "_id"
        fields = {"_id": {"bsonType": "int"}, "d": {"bsonType": "date"}, "at": {"bsonType": "date"}}
        (folder / "schema.json").write_text(
            json.dumps({"collections": {"t": {"validator": {"$jsonSchema": {"properties": fields}}}}})
        )
        toml = folder / "crossfade.toml"
        toml.write_text(toml.read_text().replace("schema.sql", "schema.json"))
    mapping = folder / "mapping" / "t.sql"
    mapping.write_text(f"SELECT x.id AS {key}, x.d AS d, x.at AS at FROM t AS x")
    with open_move(folder, pg_db.url, target) as move:
        move.survey()
        assert {f.place for f in move.check() if f.kind == "type"} == {"t.d", "t.at"}
    day, at = "CAST(x.d AS DATE)", "CAST(x.at AS TIMESTAMPTZ)"
    mapping.write_text(
        f"SELECT x.id AS {key}, {day} AS d, {at if into == 'mongodb' else f'CAST({at} AS TIMESTAMP)'} AS at FROM t AS x"
    )
    with open_move(folder, pg_db.url, target) as move:
        assert [f.message for f in move.check() if f.severity == "fault"] == []
        move.copy()
        aside = {e.key: e.detail or "" for e in move.quarantine()}
        assert aside.keys() == {'["1"]', '["3"]'}
        assert all("infinity" in detail for detail in aside.values())
        assert move.verify().equal


def test_a_cast_of_an_infinite_date_is_set_aside(pg_db: PostgresScratch, target: str, tmp_path: Path) -> None:
    pg_db.execute("CREATE TABLE t (id int PRIMARY KEY, d date)")
    pg_db.execute("INSERT INTO t VALUES (1, 'infinity'), (2, '2024-01-26'), (3, '-infinity')")
    folder = project(tmp_path / "p", pg_db.url, "CREATE TABLE t (id int PRIMARY KEY, d date);")
    (folder / "mapping" / "t.sql").write_text("SELECT x.id AS id, CAST(x.d AS DATE) AS d FROM t AS x")
    with open_move(folder, pg_db.url, target) as move:
        move.survey()
        move.copy()
        assert sorted(e.key or "" for e in move.quarantine()) == ['["1"]', '["3"]']
        assert move.verify().equal


WITHOUT_CASE = {
    "citext": ("CREATE EXTENSION citext;", "citext"),
    "icu": (
        "CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);",
        "text COLLATE any_case",
    ),
}
THERE = {
    "citext": "SELECT 1 FROM pg_available_extensions WHERE name = 'citext'",
    "icu": "SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu'",
}
KEYS = "INSERT INTO t SELECT CASE WHEN i % 2 = 0 THEN 'Key' ELSE 'kEY' END || i, i FROM generate_series(1, 300) AS i;"


@pytest.fixture(params=[*WITHOUT_CASE])
def without_case(request: pytest.FixtureRequest, pg_db: PostgresScratch) -> tuple[str, str]:
    """What makes a type of text that ignores case, and the type."""
    if not pg_db.execute(THERE[request.param]):
        pytest.skip(f"the server has no {request.param}")
    return WITHOUT_CASE[request.param]


def test_keys_that_ignore_case(
    pg_db: PostgresScratch, target: str, tmp_path: Path, without_case: tuple[str, str]
) -> None:
    """They are told apart byte by byte: as keys of chunks, in references and where rows are repaired."""
    make, type_ = without_case
    tables = f"CREATE TABLE t (k {type_} PRIMARY KEY, n int); CREATE TABLE u (id int PRIMARY KEY, k {type_});"
    pg_db.execute(make + tables + KEYS + "INSERT INTO u VALUES (1, 'KEY7'), (2, 'kEY7'), (3, NULL)")
    folder = project(tmp_path / "p", pg_db.url, make + tables, chunk_mb=0.003)
    with open_move(folder, pg_db.url, target) as move:
        move.survey()
        assert [f.message for f in move.check() if f.severity == "fault"] == []
        move.copy()
        assert [(e.key, e.reason) for e in move.quarantine()] == []
        with psycopg.connect(target) as connection:
            connection.execute("UPDATE t SET n = 0 WHERE k = 'key10'; UPDATE u SET k = 'key7' WHERE id = 1")
        assert {one.table: dict(one.changed_columns) for one in move.verify().tables} == {"t": {"n": 1}, "u": {"k": 1}}
        move.repair()
        assert move.verify().equal
    for table in ("t", "u"):
        assert rows_of(target, table) == rows_of(pg_db.url, table)


def test_keys_that_the_target_calls_equal_are_set_aside(
    pg_db: PostgresScratch, target: str, tmp_path: Path, without_case: tuple[str, str]
) -> None:
    make, type_ = without_case
    pg_db.execute("CREATE TABLE t (k text PRIMARY KEY, n int); INSERT INTO t VALUES ('a', 1), ('A', 2), ('b', 3)")
    folder = project(tmp_path / "p", pg_db.url, f"{make} CREATE TABLE t (k {type_} PRIMARY KEY, n int);")
    with open_move(folder, pg_db.url, target) as move:
        move.survey()
        status = move.copy()
        assert [(e.counts.source, e.counts.copied, e.counts.quarantined) for e in status.entities] == [(3, 2, 1)]
        assert [e.reason for e in move.quarantine()] == ["unique"]


def test_a_join_by_citext_is_noted(pg_db: PostgresScratch, target: str, tmp_path: Path) -> None:
    if not pg_db.execute(THERE["citext"]):
        pytest.skip("the server has no citext")
    tables = "CREATE TABLE t (k {0} PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY, k {0});"
    pg_db.execute(WITHOUT_CASE["citext"][0] + tables.format("citext"))
    folder = project(tmp_path / "p", pg_db.url, tables.format("text"))
    (folder / "mapping" / "u.sql").write_text("SELECT u.id AS id, t.k AS k FROM u AS u LEFT JOIN t AS t ON t.k = u.k")
    with open_move(folder, pg_db.url, target) as move:
        move.survey()
        assert [f.place for f in move.check() if f.kind == "byte_by_byte"] == ["t.k"]


def test_a_join_by_interval_is_noted(pg_db: PostgresScratch, target: str, tmp_path: Path) -> None:
    """1 mon and 30 days are equal to PostgreSQL, and so are the ranges [1,2) and [1.0,2)."""
    tables = "CREATE TABLE t (k {0} PRIMARY KEY, r {1}); CREATE TABLE u (id int PRIMARY KEY, k {0}, r {1});"
    pg_db.execute(tables.format("interval day to second", "numrange"))
    pg_db.execute("INSERT INTO t VALUES ('30 days', '[1,2)'); INSERT INTO u VALUES (1, '720 hours', '[1.0,2)')")
    folder = project(tmp_path / "p", pg_db.url, tables.format("text", "text"))
    (folder / "mapping" / "u.sql").write_text(
        "SELECT u.id AS id, t.k AS k, s.r AS r FROM u AS u LEFT JOIN t AS t ON t.k = u.k LEFT JOIN t AS s ON s.r = u.r"
    )
    with open_move(folder, pg_db.url, target) as move:
        move.survey()
        assert [f.place for f in move.check() if f.kind == "byte_by_byte"] == ["t.k", "t.r"]
