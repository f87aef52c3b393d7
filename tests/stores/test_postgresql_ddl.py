"""Any schema that PostgreSQL accepts: reflect it, apply it elsewhere, reflect it again, and compare."""

from __future__ import annotations

import os
import re
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest

from crossfade.errors import Unsupported
from crossfade.model.target import ForeignKey, Step, TargetSchema, TargetTable, Unique
from crossfade.records.rows.calendar import micros_of
from crossfade.stores.postgresql.constraints.violations import canonical
from crossfade.stores.postgresql.ddl import PostgresDdl
from making import make

EVERYTHING = (Path(__file__).parent / "everything.sql").read_text("utf-8")


def tried(pg_db: Any, sql: str) -> TargetSchema:
    return PostgresDdl(pg_db.url).scratch_schema(sql, "schema.sql")


def made(pg_db: Any, sql: str) -> tuple[PostgresDdl, TargetTable]:
    """The first table of `sql`, made without what would come after the copy."""
    schema = tried(pg_db, sql)
    ddl = PostgresDdl(pg_db.url)
    make(pg_db.url, schema.pre)
    return ddl, schema.tables[0]


def assert_comes_back(pg_db: Any, schema: TargetSchema) -> None:
    ddl = PostgresDdl(pg_db.url)
    make(pg_db.url, [*schema.pre, *schema.post])
    again = ddl.live_schema()
    assert (again.pre, again.post, again.tables) == (schema.pre, schema.post, schema.tables)
    assert again.digest == schema.digest


def test_everything_comes_back(pg_db: Any) -> None:
    schema = tried(pg_db, EVERYTHING)
    assert_comes_back(pg_db, schema)
    assert schema.notes == ()
    ids = [step.id for step in (*schema.pre, *schema.post)]
    assert len(ids) == len(set(ids))


ONE_BY_ONE = """
CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION fill() RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES (1, 1) RETURNING id';
CREATE VIEW filled AS SELECT fill() AS id;
DO 'BEGIN PERFORM fill(); END';
ALTER TABLE t ADD COLUMN more int;
"""


def test_a_file_that_goes_into_no_single_transaction_comes_back(pg_db: Any) -> None:
    """No table is altered while a deferred constraint waits for the end of the transaction."""
    schema = tried(pg_db, ONE_BY_ONE)
    assert [c.name for c in schema.tables[0].columns] == ["id", "up", "more"]
    assert_comes_back(pg_db, schema)


SETTINGS = """
SET search_path TO shop;
CREATE SCHEMA shop;
CREATE TABLE t (id int PRIMARY KEY);
CREATE TABLE public.u (id int REFERENCES t);
"""


def test_what_a_file_sets_does_not_outlive_it(pg_db: Any) -> None:
    schema = tried(pg_db, SETTINGS)
    assert [t.name for t in schema.tables] == ["shop.t", "u"]
    assert_comes_back(pg_db, schema)


def test_collations_of_icu_come_back(pg_db: Any) -> None:
    if not pg_db.execute("SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu'"):
        pytest.skip("this server was built without ICU")
    made = "CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
    schema = tried(pg_db, made + "CREATE TABLE t (id int PRIMARY KEY, a text COLLATE any_case UNIQUE);")
    assert_comes_back(pg_db, schema)
    pg_db.execute("INSERT INTO t VALUES (1, 'a')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        pg_db.execute("INSERT INTO t VALUES (2, 'A')")


def test_pagila_comes_back(pg_db: Any) -> None:
    sample = Path(os.environ.get("PAGILA_SQL") or Path(__file__).parents[3] / "shared/samples/pagila/pagila.sql")
    if not sample.exists():
        pytest.skip(f"no pagila.sql (PAGILA_SQL, or {sample})")
    schema = tried(pg_db, sample.read_text("utf-8"))
    assert len(schema.tables) == 15
    assert schema.table("payment_p2022_01") is None
    assert_comes_back(pg_db, schema)


def test_scribe_tree_comes_back(pg_db: Any) -> None:
    file = Path(__file__).parents[2] / "examples" / "scribe-tree" / "schema.sql"
    assert_comes_back(pg_db, tried(pg_db, file.read_text("utf-8")))


def test_constraints_wait_for_the_copy(pg_db: Any) -> None:
    schema = tried(
        pg_db,
        "CREATE TABLE p (id int PRIMARY KEY, code text UNIQUE);"
        "CREATE TABLE c (id int PRIMARY KEY CHECK (id > 0), p int REFERENCES p, code text REFERENCES p (code));",
    )
    assert [step.id for step in schema.pre] == ["table c", "table p"]
    assert "CHECK" in schema.pre[0].sql
    assert "REFERENCES" not in schema.pre[0].sql
    assert [step.id for step in schema.post] == [
        "unique p.p_code_key",
        "foreign key c.c_code_fkey",
        "foreign key c.c_p_fkey",
        "validate c.c_code_fkey",
        "validate c.c_p_fkey",
    ]
    assert schema.post[1].sql.endswith("NOT VALID")


def test_tables_say_what_a_mapping_needs(pg_db: Any) -> None:
    schema = tried(pg_db, EVERYTHING)
    table = schema.table("shop.orders")
    assert table is not None
    kinds = {c.name: (c.type.kind, c.nullable, c.has_default, c.generated) for c in table.columns}
    assert kinds["id"] == ("int8", False, True, False)
    assert kinds["state"] == ("enum", False, True, False)
    assert kinds["total"] == ("numeric", True, False, False)
    assert kinds["twice"] == ("numeric", True, False, True)
    assert kinds["mail"] == ("text", True, False, False)
    assert kinds["tags"] == ("array", True, False, False)
    assert table.foreign_keys == (ForeignKey("orders_buyer_fkey", ("buyer",), "People", ("Id",)),)
    assert {u.name: (u.expressions, u.predicate, u.nulls_distinct) for u in table.uniques} == {
        "one_open": (("buyer",), "state = 'open'::shop.state", True),
        "orders_mail_key": (('lower(mail::text) COLLATE "C"',), None, True),
        "orders_number_key": (("number", "buyer"), None, False),
    }
    assert "shop.orders" in schema.metadata.tables


def test_metadata_is_read_when_it_is_asked_for(pg_db: Any) -> None:
    """Of the schema as it was tried out, when all that was opened for that is closed."""
    ddl = PostgresDdl(pg_db.url)
    schema = ddl.scratch_schema("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a);", "f.sql")
    ddl.close()
    assert sorted(schema.metadata.tables) == ["a", "b"]
    assert schema.metadata is schema.metadata


def test_the_digest_changes_with_the_schema(pg_db: Any) -> None:
    one, other = tried(pg_db, "CREATE TABLE t (a int)"), tried(pg_db, "CREATE TABLE t (a int DEFAULT 1)")
    assert one.digest != other.digest
    assert one.digest == tried(pg_db, "create table T ( a integer );").digest


def test_what_is_not_copied_is_noted(pg_db: Any) -> None:
    schema = tried(
        pg_db,
        "CREATE CONVERSION mine FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1; CREATE FOREIGN DATA WRAPPER w;"
        " CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (password 'x');"
        " CREATE PUBLICATION p; GRANT SELECT ON pg_class TO PUBLIC; CREATE TABLE t (a int);"
        " ALTER TABLE t OWNER TO postgres; CREATE ROLE somebody",
    )
    said = ("conversion mine", "USER MAPPING", "PUBLICATION", "GRANT", "OWNER", "ROLE")
    assert [word for word in said if not any(word in note for note in schema.notes)] == []
    assert len(schema.notes) == 6


@pytest.mark.parametrize("drop", ["DROP SCHEMA public", 'DROP SCHEMA IF EXISTS "public" CASCADE'])
def test_a_file_that_creates_public_again_is_as_any_other(pg_db: Any, drop: str) -> None:
    """`pg_dump --clean` of servers before version 15 drops it; a schema of the file's own is dropped as it says."""
    table = "CREATE TABLE t (id int PRIMARY KEY)"
    schema = tried(pg_db, f"{drop}; CREATE SCHEMA public; {table}; CREATE SCHEMA s; DROP SCHEMA s;")
    assert [step.id for step in schema.pre] == [step.id for step in tried(pg_db, table).pre]
    assert [note.partition(" is skipped")[0] for note in schema.notes] == ["line 1: DROP SCHEMA"]


def test_is_empty_names_tables_and_whether_they_hold_rows(pg_db: Any) -> None:
    ddl = PostgresDdl(pg_db.url)
    assert ddl.is_empty() == []
    make(
        pg_db.url,
        [Step("one", "CREATE TABLE t (a int)"), Step("two", "CREATE SCHEMA s"), Step("3", "CREATE TABLE s.u (a int)")],
    )
    pg_db.execute("INSERT INTO s.u VALUES (1)")
    assert ddl.is_empty() == ["t (no rows)", "s.u (has rows)"]


def test_duplicates_leave_the_least_key_of_each_group(pg_db: Any) -> None:
    ddl, table = made(pg_db, "CREATE TABLE t (id uuid PRIMARY KEY, a text, b int, UNIQUE (a, b))")
    pg_db.execute(
        "INSERT INTO t SELECT ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, a, b FROM (VALUES"
        " (3, 'x', 1), (1, 'x', 1), (2, 'x', 1), (4, 'x', NULL), (5, 'x', NULL), (6, 'X', 1)) v (n, a, b)"
    )
    keys = ddl.duplicates(table, table.uniques[0])
    assert sorted(keys.column("id").to_pylist()) == [uuid.UUID(int=2).bytes, uuid.UUID(int=3).bytes]
    not_distinct = Unique("u", ("a", "b"), None, nulls_distinct=False)
    assert ddl.duplicates(table, not_distinct).num_rows == 3
    assert ddl.duplicates(table, Unique("u", ("lower(a)", "b"))).num_rows == 3
    assert ddl.duplicates(table, Unique("u", ("a",), "b IS NULL")).num_rows == 1


def test_duplicates_are_those_of_the_targets_collation(pg_db: Any) -> None:
    ddl, table = made(pg_db, "CREATE TABLE t (id int PRIMARY KEY, a text); CREATE UNIQUE INDEX u ON t (a);")
    try:
        pg_db.execute("CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("this server was built without ICU")
    pg_db.execute("ALTER TABLE t ALTER COLUMN a TYPE text COLLATE any_case")
    pg_db.execute("INSERT INTO t VALUES (1, 'é'), (2, 'É'), (3, 'e')")
    assert ddl.duplicates(table, table.uniques[0]).to_pylist() == [{"id": 2}]


def test_keys_of_every_kind_are_canonical(pg_db: Any) -> None:
    columns = "a timestamptz, b date, c time, d numeric(9,2), e bytea, f char(5), g text, h timestamp, i bool, j int2"
    ddl, table = made(pg_db, f"CREATE TABLE t ({columns}, u int, PRIMARY KEY (a, b, c, d, e, f, g, h, i, j))")
    value = (
        "'2024-01-26 10:00:00.000001+02', '1969-12-31', '10:00:00.5', 1.1, '\\x00ff', 'ab',"
        " 'ß', '1900-01-01 00:00:00.25'"
    )
    pg_db.execute(f"INSERT INTO t VALUES ({value}, true, 1, 7), ({value}, true, 2, 7)")
    (row,) = ddl.duplicates(table, Unique("u", ("u",))).to_pylist()
    assert [str(row[c]) for c in "abchj"] == [
        "2024-01-26 08:00:00.000001", "1969-12-31", "10:00:00.500000", "1900-01-01 00:00:00.250000", "2",
    ]  # fmt: skip
    assert [row[c] for c in "defgi"] == ["1.10", b"\x00\xff", "ab", "ß", True]


@pytest.mark.parametrize(
    "moment", ["9999-12-31 23:59:59.999999", "2300-01-01 00:00:00.123457", "4713-01-01 00:00:00.000001 BC"]
)
def test_moments_are_exact_where_extract_returns_a_double(pg_db: Any, moment: str) -> None:
    """As it does before version 14, and date_part in every version."""
    _, table = made(pg_db, "CREATE TABLE t (a timestamp PRIMARY KEY)")
    pg_db.execute(f"INSERT INTO t VALUES ('{moment}')")
    selected = re.sub(r"extract\((\w+) FROM ", r"date_part('\1', ", canonical(table, "t", ["a"]).as_string())
    assert "date_part" in selected
    assert list(pg_db.execute(f"SELECT {selected} FROM t")) == [(micros_of(moment),)]


def test_orphans_are_whole_keys_without_a_parent(pg_db: Any) -> None:
    ddl, table = made(
        pg_db,
        "CREATE TABLE p (a int, b text, PRIMARY KEY (a, b));"
        "CREATE TABLE c (id int PRIMARY KEY, x int, y text, FOREIGN KEY (x, y) REFERENCES p (a, b));",
    )
    pg_db.execute("INSERT INTO p VALUES (1, 'one')")
    pg_db.execute("INSERT INTO c VALUES (1, 1, 'one'), (2, 1, 'two'), (3, NULL, 'two'), (4, 2, NULL), (5, 2, 'one')")
    assert sorted(r["id"] for r in ddl.orphans(table, table.foreign_keys[0]).to_pylist()) == [2, 5]


def test_a_table_that_points_at_itself(pg_db: Any) -> None:
    ddl, table = made(pg_db, "CREATE SCHEMA s; CREATE TABLE s.t (id int PRIMARY KEY, up int REFERENCES s.t)")
    pg_db.execute("INSERT INTO s.t VALUES (1, NULL), (2, 1), (3, 9)")
    assert ddl.orphans(table, table.foreign_keys[0]).to_pylist() == [{"id": 3}]


def test_rows_without_a_key_cannot_be_named(pg_db: Any) -> None:
    ddl, table = made(pg_db, "CREATE TABLE t (a int UNIQUE)")
    with pytest.raises(Unsupported, match="has no primary key"):
        ddl.duplicates(table, table.uniques[0])
