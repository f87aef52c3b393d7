"""The change feed of PostgreSQL on a real server: which keys it names, and what it does to the source."""

from __future__ import annotations

import psycopg
import pytest
from postgresql_feed import changes_of, following

from crossfade.errors import Refused
from crossfade.records.rows.raw import key_of, split
from crossfade.stores.postgresql.store import open_postgresql
from scratch import PostgresScratch

LEFT = """
SELECT (SELECT count(*) FROM pg_replication_slots WHERE database = current_database()),
       (SELECT count(*) FROM pg_publication)
"""


@pytest.fixture
def items(pg_db: PostgresScratch) -> PostgresScratch:
    pg_db.execute("CREATE TABLE item (id int PRIMARY KEY, v text)")
    pg_db.execute("INSERT INTO item SELECT i, 'v' || i FROM generate_series(1, 5) i")
    return pg_db


def test_what_is_written_is_named_by_its_key(items: PostgresScratch) -> None:
    with following(items.url, ["item"]) as followed:
        began = followed.feed.start()
        items.execute("INSERT INTO item VALUES (6, 'new')")
        items.execute("UPDATE item SET v = 'changed' WHERE id = 2")
        items.execute("DELETE FROM item WHERE id = 3")
        items.execute("UPDATE item SET id = 40 WHERE id = 4")
        named = followed.read(began.position)
    assert named.keys == {"item": {("6",), ("2",), ("3",), ("4",), ("40",)}}
    assert not named.redefined


def test_nothing_is_named_that_was_written_before(items: PostgresScratch) -> None:
    with following(items.url, ["item"]) as followed:
        assert followed.read(followed.feed.start().position).keys == {}


def test_a_rolled_back_change_is_not_named(items: PostgresScratch) -> None:
    with following(items.url, ["item"]) as followed:
        began = followed.feed.start()
        with psycopg.connect(items.url) as writer:
            writer.execute("DELETE FROM item")
            writer.rollback()
            writer.execute("SAVEPOINT a")
            writer.execute("DELETE FROM item WHERE id = 1")
            writer.execute("ROLLBACK TO a")
            writer.execute("DELETE FROM item WHERE id = 2")
        assert followed.read(began.position).keys == {"item": {("2",)}}


def test_a_key_is_named_once_in_a_batch(items: PostgresScratch) -> None:
    with following(items.url, ["item"]) as followed:
        began = followed.feed.start()
        items.execute("DO $$ BEGIN FOR i IN 1..100 LOOP UPDATE item SET v = i WHERE id = 1; END LOOP; END $$")
        batches = followed.read(began.position).batches
    assert [listed.keys for batch in batches for listed in batch.changed] == [('["1"]',)]


def test_tables_of_several_schemas_and_odd_names(pg_db: PostgresScratch) -> None:
    pg_db.execute('CREATE SCHEMA "A.b"')
    pg_db.execute('CREATE TABLE "A.b"."t ""x" ("the id" int, "B" text, v int, PRIMARY KEY ("B", "the id"))')
    pg_db.execute("CREATE TABLE other (id int PRIMARY KEY)")
    entity = 'A.b.t "x'
    with following(pg_db.url, [entity]) as followed:
        began = followed.feed.start()
        pg_db.execute("""INSERT INTO "A.b"."t ""x" VALUES (1, E'a\\n"é', 1)""")
        pg_db.execute("INSERT INTO other VALUES (1)")
        named = followed.read(began.position)
    assert named.keys == {entity: {('a\n"é', "1")}}


KEYS_OF_ALL_TYPES = {
    "bool": "true",
    "char(5)": "'ab'",
    "varchar(9)": "' ab '",
    "int2": "-7",
    "int8": "9007199254740993",
    "numeric": "1.50",
    "float8": "0.1::float4",
    "float4": "0.1",
    "money": "12.5",
    "uuid": "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'",
    "bytea": r"'\x00ff'",
    "date": "'infinity'",
    "timestamp": "'2024-01-02 03:04:05.000006'",
    "timestamptz": "'2024-07-02 03:04:05.1+02'",
    "time": "'03:04:05'",
    "timetz": "'03:04:05+02'",
    "interval": "'1 year 2 days -3 hours'",
    "inet": "'10.0.0.1'",
    "cidr": "'10.0.0.0/8'",
    "macaddr": "'08:00:2b:01:02:03'",
    "bit(3)": "'101'",
    "varbit": "'1011'",
    "name": "'n'",
    '"char"': "'c'",
    "oid": "4294967295",
    "jsonb": """'{"a": [1, "x"]}'""",
    "int4[]": "'{1,2,NULL}'",
    "bool[]": "'{t,f}'",
    "char(3)[]": "'{a,b}'",
    "int4range": "'[1,5)'",
    "tsvector": "'a:1 b'",
    "mood": "'so, so'",
    "flag": "false",
    "point_of": "'(1,\"a b\")'",
}


def test_keys_of_all_types_are_those_of_the_reader(pg_db: PostgresScratch) -> None:
    """The log prints a value by its type's output; the reader casts it to text."""
    pg_db.execute(
        "CREATE TYPE mood AS ENUM ('so, so'); CREATE DOMAIN flag AS bool; CREATE TYPE point_of AS (x int, t text)"
    )
    pg_db.execute(f"ALTER DATABASE {pg_db.name} SET DateStyle = 'German'")
    pg_db.execute(f"ALTER DATABASE {pg_db.name} SET TimeZone = 'Asia/Tokyo'")
    pg_db.execute(f"ALTER DATABASE {pg_db.name} SET bytea_output = 'escape'")
    pg_db.execute(f"ALTER DATABASE {pg_db.name} SET extra_float_digits = 0")
    tables = [f"k{number}" for number in range(len(KEYS_OF_ALL_TYPES))]
    for table, type_ in zip(tables, KEYS_OF_ALL_TYPES, strict=True):
        pg_db.execute(f"CREATE TABLE {table} (k {type_} PRIMARY KEY, v int)")
    with following(pg_db.url, tables) as followed:
        began = followed.feed.start()
        for table, value in zip(tables, KEYS_OF_ALL_TYPES.values(), strict=True):
            pg_db.execute(f"INSERT INTO {table} VALUES ({value}, 1)")
        named = followed.read(began.position)
        with changes_of(followed.store).reading(named.floor) as reader:
            read = {table: {key_of(raw) for piece in reader.keys(table) for raw in split(piece)} for table in tables}
    found = {listed.entity: set(listed.keys) for batch in named.batches for listed in batch.changed}
    assert found == read


def test_a_long_key_that_is_stored_apart(pg_db: PostgresScratch) -> None:
    pg_db.execute("CREATE TABLE long (k text PRIMARY KEY, v int, filler text)")
    pg_db.execute("ALTER TABLE long ALTER k SET STORAGE EXTERNAL, ALTER filler SET STORAGE PLAIN")
    key = "k" * 2300
    pg_db.execute("INSERT INTO long VALUES (%s, 1, repeat('f', 1500))", [key])
    with following(pg_db.url, ["long"]) as followed:
        began = followed.feed.start()
        pg_db.execute("UPDATE long SET v = 2")
        named = followed.read(began.position)
    assert named.keys == {"long": {(key,)}}
    assert not named.redefined


def test_partitions_are_named_as_their_table(pg_db: PostgresScratch) -> None:
    pg_db.execute("CREATE TABLE part (a int, b int, v text, PRIMARY KEY (b, a)) PARTITION BY LIST (a)")
    pg_db.execute("CREATE TABLE part1 PARTITION OF part FOR VALUES IN (1)")
    pg_db.execute("CREATE TABLE part2 (b int NOT NULL, v text, a int NOT NULL)")
    pg_db.execute("ALTER TABLE part ATTACH PARTITION part2 FOR VALUES IN (2)")
    pg_db.execute("INSERT INTO part VALUES (1, 1, 'x')")
    with following(pg_db.url, ["part"]) as followed:
        began = followed.feed.start()
        pg_db.execute("INSERT INTO part2 VALUES (7, 'v', 2)")
        pg_db.execute("UPDATE part SET a = 2 WHERE b = 1")
        named = followed.read(began.position)
    assert named.keys == {"part": {("7", "2"), ("1", "1"), ("1", "2")}}


def test_rows_of_a_table_that_inherits_are_not_the_tables(pg_db: PostgresScratch) -> None:
    pg_db.execute("CREATE TABLE parent (id int PRIMARY KEY)")
    pg_db.execute("CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent)")
    with following(pg_db.url, ["parent"]) as followed:
        began = followed.feed.start()
        pg_db.execute("INSERT INTO child VALUES (1)")
        pg_db.execute("INSERT INTO parent VALUES (2)")
        assert followed.read(began.position).keys == {"parent": {("2",)}}


# -- the application's writes go on


def test_full_identity_is_published_whole(pg_db: PostgresScratch) -> None:
    """With a column list the application's UPDATE would fail."""
    pg_db.execute("CREATE TABLE t (id int PRIMARY KEY, v text); ALTER TABLE t REPLICA IDENTITY FULL")
    pg_db.execute("INSERT INTO t VALUES (1, repeat('x', 9000)), (2, 'b'), (3, 'c')")
    with following(pg_db.url, ["t"]) as followed:
        began = followed.feed.start()
        pg_db.execute("UPDATE t SET v = v || 'y' WHERE id = 1")
        pg_db.execute("UPDATE t SET id = 20 WHERE id = 2")
        pg_db.execute("DELETE FROM t WHERE id = 3")
        assert followed.read(began.position).keys == {"t": {("1",), ("2",), ("20",), ("3",)}}


def test_the_columns_of_another_identity_are_published_too(pg_db: PostgresScratch) -> None:
    pg_db.execute("CREATE TABLE t (id int PRIMARY KEY, other int NOT NULL, v text)")
    pg_db.execute("CREATE UNIQUE INDEX both_of ON t (id, other); ALTER TABLE t REPLICA IDENTITY USING INDEX both_of")
    pg_db.execute("INSERT INTO t VALUES (1, 1), (2, 2)")
    with following(pg_db.url, ["t"]) as followed:
        began = followed.feed.start()
        pg_db.execute("UPDATE t SET other = 9 WHERE id = 1")
        pg_db.execute("DELETE FROM t WHERE id = 2")
        assert followed.read(began.position).keys == {"t": {("1",), ("2",)}}


@pytest.mark.parametrize(
    ("definition", "update"),
    [
        ("CREATE TABLE t (id int, v int)", "UPDATE t SET v = 2"),
        ("CREATE TABLE t (id int PRIMARY KEY, v int); ALTER TABLE t REPLICA IDENTITY NOTHING", "UPDATE t SET v = 2"),
        ("CREATE TABLE t (id int NOT NULL UNIQUE, v int)", "UPDATE t SET v = 2"),
        ("CREATE TABLE t (id int PRIMARY KEY DEFERRABLE, v int)", "UPDATE t SET v = 2"),
        (
            "CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL); CREATE UNIQUE INDEX i ON t (v);"
            " ALTER TABLE t REPLICA IDENTITY USING INDEX i",
            "UPDATE t SET v = 2",
        ),
        ("CREATE UNLOGGED TABLE t (id int PRIMARY KEY, v int)", "UPDATE t SET v = 2"),
        (
            "CREATE TABLE t (id int, v int, PRIMARY KEY (id)) PARTITION BY LIST (id);"
            " CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); ALTER TABLE t1 REPLICA IDENTITY NOTHING",
            "UPDATE t SET v = 2",
        ),
    ],
)
def test_a_table_whose_writers_would_fail_is_not_published(
    pg_db: PostgresScratch, definition: str, update: str
) -> None:
    for statement in definition.split(";"):
        pg_db.execute(statement)
    pg_db.execute("INSERT INTO t VALUES (1, 1)")
    pg_db.execute("CREATE TABLE good (id int PRIMARY KEY)")
    with following(pg_db.url, ["good", "t"]) as followed:
        (fault,) = changes_of(followed.store).check(["good", "t"])
        assert fault.startswith(("t ", "t:", "public.t"))
        with pytest.raises(Refused):
            followed.feed.start()
        assert pg_db.execute(LEFT) == [(0, 0)]
    pg_db.execute(update)


def test_a_generated_key_is_followed(pg_db: PostgresScratch) -> None:
    pg_db.execute("CREATE TABLE t (a int, id int GENERATED ALWAYS AS (a * 10) STORED PRIMARY KEY)")
    with following(pg_db.url, ["t"]) as followed:
        began = followed.feed.start()
        pg_db.execute("INSERT INTO t (a) VALUES (1), (2)")
        pg_db.execute("UPDATE t SET a = 3 WHERE a = 1")
        pg_db.execute("DELETE FROM t WHERE a = 2")
        assert followed.read(began.position).keys == {"t": {("10",), ("20",), ("30",)}}


def test_views_and_tables_that_are_missing_are_named_by_check(pg_db: PostgresScratch) -> None:
    pg_db.execute("CREATE VIEW seen AS SELECT 1 AS id")
    with open_postgresql(pg_db.url) as store:
        assert [fault.split()[-1] for fault in changes_of(store).check(["none"])] == ["'none'"]
        assert len(changes_of(store).check(["seen"])) == 1


# -- what is created, and what is left


def test_the_footprint_is_removed(items: PostgresScratch) -> None:
    with following(items.url, ["item"]) as followed:
        followed.feed.finish()  # there is nothing to remove
        assert list(followed.feed.created()) == []
        followed.feed.start()
        assert [text.split()[-2] for text in followed.feed.created()] == ["slot", "publication"]
        assert items.execute(LEFT) == [(1, 1)]
        followed.feed.start()
        assert items.execute(LEFT) == [(1, 1)]
        followed.feed.finish()
        followed.feed.finish()
        assert items.execute(LEFT) == [(0, 0)]


def test_finish_ends_a_stream_that_is_open(items: PostgresScratch) -> None:
    with following(items.url, ["item"], "again") as reading, following(items.url, ["item"], "again") as other:
        began = reading.feed.start()
        next(reading.feed.changes(began.position))
        other.feed.finish()
        assert items.execute(LEFT) == [(0, 0)]
