"""PostgreSQL as a source: every row exactly once whatever its key, and the same by every way to read it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from crossfade.assess.lock import dump_lock, load_lock
from crossfade.assess.survey import survey
from crossfade.errors import Refused, Stale
from crossfade.model.batch import Batch, Column
from crossfade.model.shape import Node, Shape, escape_step
from crossfade.records.rows.codec import ROWS
from crossfade.records.rows.keys import key_of_texts
from crossfade.stores.contract import Reader, Store, need
from crossfade.stores.open import open_store
from scratch import PostgresScratch

KINDS = (Path(__file__).parent / "rows_of_all_types.sql").read_text()
TABLES = (
    "kinds",
    "composite",
    'odd Schema.Odd "table" #1',
    "no_key",
    "unique_only",
    "parted",
    "base",
    "child",
    "f_key",
)


@pytest.fixture
def source(pg_db: PostgresScratch) -> Iterator[Store]:
    with psycopg.connect(pg_db.url) as connection:
        connection.execute(KINDS)
    with open_store(pg_db.url) as store:
        yield store


def reader_of(store: Store) -> Reader:
    return need(store.reader, store, "read")


def surveyed(pg_db: PostgresScratch, store: Store) -> dict[str, Shape]:
    assert store.inspector is not None
    found = store.inspector.entities()
    return {shape.entity: shape for shape in survey(lambda: open_store(pg_db.url), found)}


def columns_of(shape: Shape) -> list[Column]:
    return [_column(node) for node in shape.root.fields]


def _column(node: Node) -> Column:
    path = (escape_step(node.name),)
    if node.kind == "array":
        return Column(node.name, path, "list", (Column("e", ()),))
    return Column(node.name, path)


def test_every_row_is_in_one_chunk(pg_db: PostgresScratch, source: Store) -> None:
    reader = reader_of(source)
    for entity in TABLES:
        total = reader.count(entity)
        everything = [ROWS.key(raw) for piece in reader.scan(entity) for raw in ROWS.split(piece)]
        assert len(set(everything)) == len(everything) == total
        assert {key for piece in reader.keys(entity) for key in map(ROWS.key, ROWS.split(piece))} == {*everything}
        for target_bytes in (1, 3000, 10**9):
            chunks = list(reader.chunks(entity, target_bytes=target_bytes))
            assert sum(chunk.count for chunk in chunks) == total
            assert all(one.upper == other.lower for one, other in pairwise(chunks) if "ctid" not in str(one))
            by_chunk = [[ROWS.key(r) for p in reader.raw(chunk) for r in ROWS.split(p)] for chunk in chunks]
            assert [len(keys) for keys in by_chunk] == [chunk.count for chunk in chunks]
            assert sorted(k or "" for keys in by_chunk for k in keys) == sorted(k or "" for k in everything)


def test_the_same_straight_and_out_of_raw_records(pg_db: PostgresScratch, source: Store) -> None:
    """What is set aside comes in again through its raw record: the mapping sees the very same values."""
    reader = reader_of(source)
    for entity, shape in surveyed(pg_db, source).items():
        columns = columns_of(shape)
        columns += [Column(f"{n.name} as json", (escape_step(n.name),), "json") for n in shape.root.fields]
        columns += [Column(f"{n.name} type", (escape_step(n.name),), "type") for n in shape.root.fields]
        columns += [Column("all", (), "json"), Column("rest", (), "rest", without=frozenset({("id",)}))]
        for chunk in reader.chunks(entity, target_bytes=10**9):
            straight = list(reader.batches(chunk, shape, columns))
            raws = [raw for batch in straight for raw in batch.records(range(len(batch.raws)))]
            again = ROWS.reader(shape, columns).read(b"".join(raws))
            assert not [*again.rejected, *(a for batch in straight for a in batch.rejected)]
            table = pa.concat_tables([batch.table.drop_columns(["#row"]) for batch in straight])
            assert table.schema.equals(again.table.drop_columns(["#row"]).schema), entity
            for name in table.column_names:
                one, other = table.column(name).combine_chunks(), again.table.column(name).combine_chunks()
                assert str(one) == str(other), (entity, name)
            assert [key for batch in straight for key in batch.keys] == list(again.keys)


def test_records_by_their_keys_and_by_a_column(pg_db: PostgresScratch, source: Store) -> None:
    reader = reader_of(source)
    for entity in TABLES:
        raws = [raw for piece in reader.scan(entity) for raw in ROWS.split(piece)]
        keys = [ROWS.key(raw) or "" for raw in raws[:20]]
        found = [raw for piece in reader.fetch(entity, (), [*keys, *keys]) for raw in ROWS.split(piece)]
        assert sorted(found) == sorted(raws[:20])
    found = [
        raw
        for piece in reader.fetch("composite", ("note",), ['["n7"]', '["n9"]', '["n8"]'])
        for raw in ROWS.split(piece)
    ]
    assert {ROWS.value_at(raw, ("note",)) for raw in found} == {'["n7"]', '["n8"]'}


def test_a_number_too_large_for_the_column_finds_nothing(source: Store) -> None:
    reader = reader_of(source)
    assert not list(reader.fetch("kinds", ("i2",), ['["9223372036854775807"]']))
    assert not list(reader.fetch("unique_only", ("k",), [key_of_texts(["k1' OR true --"])]))


@pytest.mark.parametrize("column", ["id", "small"])
def test_digits_of_a_numeric_find_a_whole_number(pg_db: PostgresScratch, column: str) -> None:
    """A numeric of one table that refers to a number of another: some of its values equal none."""
    pg_db.execute("CREATE TABLE numbered (id bigint, small smallint, PRIMARY KEY (id, small))")
    pg_db.execute("INSERT INTO numbered SELECT i, i FROM generate_series(-3, 9) AS i")
    digits = ["7.00", "-2", "8.5", "NaN", "9" * 30, "9" * 5000, "9."]
    with open_store(pg_db.url) as store:
        found = list(reader_of(store).fetch("numbered", (column,), [key_of_texts([text]) for text in digits]))
        both = list(reader_of(store).fetch("numbered", (), [key_of_texts([text, "7"]) for text in digits]))
    assert sorted(ROWS.key(raw) or "" for piece in found for raw in ROWS.split(piece)) == [
        '["-2","-2"]', '["7","7"]', '["9","9"]',
    ]  # fmt: skip
    assert [ROWS.key(raw) for piece in both for raw in ROWS.split(piece)] == ['["7","7"]']


def test_one_snapshot_for_all(pg_db: PostgresScratch, source: Store) -> None:
    reader = reader_of(source)
    before = reader.count("unique_only")
    assert source.snapshot is not None
    name = source.snapshot()
    pg_db.execute("INSERT INTO unique_only SELECT 'later' || i FROM generate_series(1, 10) AS i")
    with open_store(pg_db.url, snapshot=name) as other, open_store(pg_db.url) as later:
        assert reader_of(other).count("unique_only") == reader.count("unique_only") == before
        assert reader_of(later).count("unique_only") == before + 10


def test_reads_with_the_right_to_read_alone(pg_db: PostgresScratch, source: Store) -> None:
    role = f"reader_{pg_db.name}"
    pg_db.execute(f"CREATE ROLE {role} LOGIN")
    try:
        pg_db.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        url = pg_db.url.replace("//postgres@", f"//{role}@")
        with open_store(url) as store:
            shapes = surveyed_by(url, store, ["composite", "no_key"])
            (chunk,) = reader_of(store).chunks("composite", target_bytes=10**9)
            (batch,) = reader_of(store).batches(chunk, shapes["composite"], columns_of(shapes["composite"]))
            assert batch.table.num_rows == 500
    finally:
        pg_db.execute(f"DROP OWNED BY {role}")
        pg_db.execute(f"DROP ROLE {role}")


def surveyed_by(url: str, store: Store, named: list[str]) -> dict[str, Shape]:
    assert store.inspector is not None
    return {s.entity: s for s in survey(lambda: open_store(url), store.inspector.entities(), named=named)}


def test_infinite_dates_and_odd_arrays_that_came_later_are_set_aside(pg_db: PostgresScratch, source: Store) -> None:
    shapes = surveyed(pg_db, source)
    pg_db.execute("INSERT INTO kinds (t, tz) VALUES ('inf', 'infinity')")
    pg_db.execute("INSERT INTO kinds (t, ia) VALUES ('odd', '{{1,2},{3,4}}')")
    pg_db.execute("INSERT INTO kinds (t, ia) VALUES ('odd', '[0:1]={1,2}')")
    pg_db.execute("INSERT INTO kinds (t, tza) VALUES ('inf', '{2024-01-26,-infinity}')")
    pg_db.execute("INSERT INTO kinds (t, da) VALUES ('inf', '{NULL,infinity}')")
    with open_store(pg_db.url) as store:
        batch = whole(store, "kinds", shapes["kinds"])
        assert batch.table.num_rows == 5
        assert [(a.reason, a.path) for a in batch.rejected] == [
            ("out_of_range", "tz"), ("unseen_type", "ia"), ("unseen_type", "ia"), ("out_of_range", "tza"),
            ("out_of_range", "da"),
        ]  # fmt: skip
        again = ROWS.reader(shapes["kinds"], columns_of(shapes["kinds"])).read(b"".join(a.raw for a in batch.rejected))
        assert [(a.reason, a.path, a.key) for a in again.rejected] == [
            (a.reason, a.path, a.key) for a in batch.rejected
        ]
        later = surveyed(pg_db, store)["kinds"]
        assert (later.root.by_name["tz"].kind, later.root.by_name["ia"].kind) == ("string", "string")
        batch = whole(store, "kinds", later)
        assert not batch.rejected
        assert "infinity" in batch.table.column("tz").to_pylist()
        assert {"{{1,2},{3,4}}", "[0:1]={1,2}"} <= {*batch.table.column("ia").to_pylist()}


def whole(store: Store, entity: str, shape: Shape) -> Batch:
    (chunk,) = reader_of(store).chunks(entity, target_bytes=10**9)
    (batch,) = reader_of(store).batches(chunk, shape, columns_of(shape))
    return batch


def test_a_column_that_came_later(pg_db: PostgresScratch, source: Store) -> None:
    shapes = surveyed(pg_db, source)
    source.close()
    pg_db.execute("ALTER TABLE unique_only ADD COLUMN more text DEFAULT 'x'")
    with (
        open_store(pg_db.url) as store,
        pytest.raises(Stale, match=r"unique_only .*\(the column 'more' of .* is new\)"),
    ):
        whole(store, "unique_only", shapes["unique_only"])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            "ALTER TABLE listed ALTER n TYPE float8[]",
            r"the column 'n' was real\[\], and is double precision\[\]",
        ),  # whose values a list of real would round
        ("ALTER TABLE listed DROP CONSTRAINT listed_pkey, ADD PRIMARY KEY (id, tenant)", r"its key was .*"),
    ],
)
def test_elements_and_keys_that_changed_since(pg_db: PostgresScratch, change: str, named: str) -> None:
    pg_db.execute("CREATE TABLE listed (id int PRIMARY KEY, tenant int NOT NULL, n real[], m int[])")
    pg_db.execute("INSERT INTO listed VALUES (1, 1, '{0.5}', '{{1},{2}}')")
    with open_store(pg_db.url) as store:
        shape = surveyed(pg_db, store)["listed"]
        assert len(whole(store, "listed", shape).table) == 1
    pg_db.execute(change)
    with open_store(pg_db.url) as store, pytest.raises(Stale, match=rf"listed .*\({named}\)"):
        whole(store, "listed", shape)


def test_what_a_survey_counts(pg_db: PostgresScratch, source: Store) -> None:
    shapes = surveyed(pg_db, source)
    assert load_lock(dump_lock(shapes.values())) == [shapes[name] for name in sorted(shapes)]
    kinds = shapes["kinds"].root.by_name
    assert shapes["kinds"].key == (("id",),)
    assert shapes["composite"].key == (("Part A",), ("b.c",), ("day",))
    assert shapes["no_key"].key == (("ctid",),)
    assert shapes["unique_only"].key == (("k",),)
    assert (shapes["base"].count, shapes["child"].count, shapes["parted"].count) == (1, 1, 400)
    i2 = kinds["i2"].types
    assert (i2["smallint"].count, i2["null"].count) == (4, 1)
    assert (i2["smallint"].least, i2["smallint"].greatest) == ("-32768", "32767")
    assert (kinds["n2"].declared, kinds["dom"].declared, kinds["dom"].kind) == ("numeric(10,2)", "posint", "int")
    assert (kinds["ia"].types["array"].count, kinds["ia"].types["array"].max_length) == (4, 3)
    assert kinds["ia"].element is not None
    assert {name: stats.count for name, stats in kinds["ia"].element.types.items()} == {"integer": 4, "null": 1}
    assert kinds["n"].types["numeric"].greatest == "NaN"
    assert shapes["empty_one"].root.by_name["id"].kind == "int"


def test_a_survey_in_ranges_is_the_same(pg_db: PostgresScratch, source: Store) -> None:
    assert source.inspector is not None
    found = source.inspector.entities()
    whole_shapes = survey(lambda: open_store(pg_db.url), found)
    assert survey(lambda: open_store(pg_db.url), found, segment_bytes=20_000) == whole_shapes


def test_what_is_not_copied_is_named(source: Store) -> None:
    assert source.inspector is not None
    found = {info.name: info for info in source.inspector.entities()}
    assert {name for name, info in found.items() if not info.copied} == {"a_view", "a_matview"}
    assert ["ctid" in found["no_key"].plan, "known by k" in found["unique_only"].plan] == [True, True]
    assert "parted_1" not in found
    with pytest.raises(Refused, match="a_view has no key"):
        list(reader_of(source).chunks("a_view", target_bytes=1))
    assert [c.count for c in reader_of(source).chunks("a_matview", target_bytes=10**9)] == [5]
    with pytest.raises(Refused, match="no table 'gone'"):
        reader_of(source).count("gone")


def test_keys_are_texts_as_the_server_prints_them(pg_db: PostgresScratch, source: Store) -> None:
    keys = [key_of_texts([t]) for (t,) in pg_db.execute("SELECT t.x::text FROM f_key AS t ORDER BY t.x")]
    (chunk,) = reader_of(source).chunks("f_key", target_bytes=10**9)
    assert [ROWS.key(r) for p in reader_of(source).raw(chunk) for r in ROWS.split(p)] == keys


def test_no_row_comes_twice_that_several_values_find(pg_db: PostgresScratch) -> None:
    pg_db.execute("CREATE TABLE priced (id int PRIMARY KEY, price numeric)")
    pg_db.execute("INSERT INTO priced VALUES (1, 1.0)")
    prices = ["1.0", *map(str, range(2, 12_000)), "1.00"]
    with open_store(pg_db.url) as store:
        found = list(reader_of(store).fetch("priced", ("price",), [key_of_texts([price]) for price in prices]))
    assert [ROWS.key(raw) for piece in found for raw in ROWS.split(piece)] == ['["1"]']


NOT_VALIDATED = "ALTER TABLE doubted ADD CONSTRAINT there NOT NULL k NOT VALID"  # since version 18
AS_THERE = """
ALTER TABLE doubted ADD CONSTRAINT there CHECK (k IS NOT NULL) NOT VALID;
UPDATE pg_constraint SET contype = 'n' WHERE conname = 'there';
UPDATE pg_class SET relchecks = 0 WHERE relname = 'doubted';
UPDATE pg_attribute SET attnotnull = true WHERE attrelid = 'doubted'::regclass AND attname = 'k';
"""
"""What such a constraint is in the catalog, for servers that do not have them."""


def test_a_key_that_may_hold_nulls_is_none(pg_db: PostgresScratch) -> None:
    pg_db.execute("CREATE TABLE doubted (k int UNIQUE, v text)")
    pg_db.execute("INSERT INTO doubted SELECT i, 'here' FROM generate_series(1, 99) AS i")
    pg_db.execute("INSERT INTO doubted VALUES (NULL, 'lost'), (NULL, 'too')")
    ((version,),) = pg_db.execute("SHOW server_version_num")
    pg_db.execute(NOT_VALIDATED if int(version) >= 180000 else AS_THERE)
    with open_store(pg_db.url) as store:
        reader = reader_of(store)
        keys = [
            ROWS.key(raw)
            for c in reader.chunks("doubted", target_bytes=1)
            for p in reader.raw(c)
            for raw in ROWS.split(p)
        ]
        assert len(set(keys)) == len(keys) == reader.count("doubted")
        assert surveyed(pg_db, store)["doubted"].root.by_name["k"].types.keys() == {"integer", "null"}


def test_tables_whose_names_would_be_the_same(pg_db: PostgresScratch) -> None:
    pg_db.execute('CREATE TABLE "a.b" (id int PRIMARY KEY)')
    pg_db.execute("CREATE SCHEMA a")
    pg_db.execute('CREATE TABLE a.b (id int PRIMARY KEY, other int REFERENCES "a.b")')
    pg_db.execute('INSERT INTO "a.b" VALUES (1)')
    pg_db.execute("INSERT INTO a.b VALUES (7, 1), (8, 1)")
    with open_store(pg_db.url) as store:
        assert store.inspector is not None
        assert [one.name for one in store.inspector.entities()] == ['"a"."b"', '"public"."a.b"']
        assert [reader_of(store).count(name) for name in ('"a"."b"', '"public"."a.b"')] == [2, 1]
        assert [one.to for one in surveyed(pg_db, store)['"a"."b"'].references] == ['"public"."a.b"']


def test_a_partition_whose_rows_have_no_place(pg_db: PostgresScratch) -> None:
    """Rows of a foreign table may all have one ctid."""
    pg_db.execute("CREATE FOREIGN DATA WRAPPER none")
    pg_db.execute("CREATE SERVER files FOREIGN DATA WRAPPER none")
    pg_db.execute("CREATE TABLE sensed (n int) PARTITION BY LIST (n)")
    pg_db.execute("CREATE TABLE sensed_1 PARTITION OF sensed FOR VALUES IN (1)")
    pg_db.execute("CREATE FOREIGN TABLE sensed_2 PARTITION OF sensed FOR VALUES IN (2) SERVER files")
    with open_store(pg_db.url) as store:
        assert store.inspector is not None
        (info,) = store.inspector.entities()
        assert "discard it" in info.plan
        with pytest.raises(Refused, match="sensed has no key"):
            list(reader_of(store).chunks("sensed", target_bytes=1))


def test_few_values_of_rows_that_hold_nulls(pg_db: PostgresScratch) -> None:
    pg_db.execute("CREATE TYPE pair AS (a int, b text)")
    pg_db.execute("CREATE TABLE few (id int PRIMARY KEY, c pair, l pair[])")
    pg_db.execute("INSERT INTO few VALUES (1, (1, NULL), ARRAY[(NULL, 'x')::pair, NULL, (NULL, NULL)::pair])")
    pg_db.execute("INSERT INTO few VALUES (2, (NULL, NULL), NULL)")
    with open_store(pg_db.url) as store:
        nodes = surveyed(pg_db, store)["few"].root.by_name
        assert nodes["c"].types["pair"].values == ("(,)", "(1,)")
        assert nodes["l"].element is not None
        assert {name: stats.count for name, stats in nodes["l"].element.types.items()} == {"pair": 2, "null": 1}


def test_few_values_are_told_apart_by_their_bytes(pg_db: PostgresScratch) -> None:
    try:
        pg_db.execute("CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("the server has no ICU")
    pg_db.execute("CREATE TABLE few (t text COLLATE any_case PRIMARY KEY, u text COLLATE any_case)")
    pg_db.execute("INSERT INTO few VALUES ('1', 'a'), ('2', 'A')")
    with open_store(pg_db.url) as store:
        assert surveyed(pg_db, store)["few"].root.by_name["u"].types["text"].values == ("A", "a")
