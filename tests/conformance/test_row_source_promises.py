"""What `Reader`, `Inspector` and `Codec` promise of rows of SQL tables: of every SQL database that is read from."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace

import pytest
from kinds import SQL_SOURCES, Source, sql_source

from crossfade.assess.drift import compare
from crossfade.assess.lock import dump_lock, load_lock
from crossfade.assess.survey import survey
from crossfade.errors import Misused, Refused
from crossfade.journal.moves import create
from crossfade.model.batch import Chunk, Column
from crossfade.model.map_rules import MapRules
from crossfade.model.references import Reference
from crossfade.model.shape import Shape
from crossfade.stores.contract import need
from crossfade.stores.open import open_store

TABLES = """
CREATE TABLE things (owner varchar(20) NOT NULL, n integer NOT NULL, price numeric(8, 2), name text,
                     PRIMARY KEY (owner, n));
WITH RECURSIVE numbers(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM numbers WHERE g < 300)
INSERT INTO things SELECT 'o' || (g % 7), g, g * 0.25, CASE WHEN g % 2 = 0 THEN 'name ' || g END FROM numbers;
CREATE TABLE empty (id integer PRIMARY KEY);
"""
COUNT = 300
REFERRING = """
CREATE TABLE parents (id integer PRIMARY KEY);
CREATE TABLE pairs (a integer, b integer, PRIMARY KEY (a, b));
CREATE TABLE "Child" (id integer PRIMARY KEY, parent_id integer, other_id integer, a integer, b integer,
                      FOREIGN KEY (a, b) REFERENCES pairs (a, b));
INSERT INTO parents VALUES (1); INSERT INTO pairs VALUES (1, 1);
INSERT INTO "Child" VALUES (1, 1, 5, 1, 1), (2, 2, 5, NULL, 2), (3, 3, 5, 1, 1), (4, NULL, NULL, NULL, NULL);
"""
DISTINCT_VALUES = """
CREATE TABLE v (id integer PRIMARY KEY, few text, several text, long text);
WITH RECURSIVE numbers(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM numbers WHERE g < 1001)
INSERT INTO v SELECT g, substr('ab', g % 3 + 1, 1), CAST(g % 40 AS text),
  '1234567890123456789012345678901234567890123456789012345678901234' || substr('ab', g % 2 + 1, 1) FROM numbers;
"""


@pytest.fixture(params=SQL_SOURCES)
def sql(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def tables(request: pytest.FixtureRequest) -> Iterator[Source]:
    found = sql_source(request.param, request, TABLES)
    yield found
    found.store.close()


def keys_of(source: Source, raws: Iterator[bytes]) -> list[str]:
    return [str(source.codec.key(one)) for raw in raws for one in source.codec.split(raw)]


def chunks(source: Source, size: int, entity: str = "things") -> list[Chunk]:
    return list(source.reader.chunks(entity, target_bytes=size))


def shape_of(source: Source) -> Shape:
    surveyor = need(source.store.surveyor, source.store, "count its records")
    return surveyor.counted("things", MapRules()).to_shape("things")


def test_every_row_is_in_one_chunk(tables: Source) -> None:
    """Chunks hold every row once, whatever their size, and count their rows."""
    everything = keys_of(tables, tables.reader.scan("things"))
    assert len(set(everything)) == len(everything) == COUNT
    for size in (1, 2000, 10_000_000):
        found = [keys_of(tables, tables.reader.raw(chunk)) for chunk in chunks(tables, size)]
        assert sorted(key for part in found for key in part) == sorted(everything)
        assert [len(part) for part in found] == [chunk.count for chunk in chunks(tables, size)]
    assert len(chunks(tables, 2000)) > 1


def test_a_chunk_is_a_value(tables: Source) -> None:
    """A chunk is a value: another connection reads the same rows by it, in the same order."""
    *_, last = chunks(tables, 2000)
    with open_store(tables.url) as again:
        reader = need(again.reader, again, "read records")
        assert b"".join(reader.raw(last)) == b"".join(tables.reader.raw(last))


def test_counts_are_exact(tables: Source) -> None:
    """Rows are counted, not estimated; an empty table has none in any way of reading."""
    assert (tables.reader.count("things"), tables.reader.count("empty")) == (COUNT, 0)
    assert keys_of(tables, tables.reader.scan("empty")) == []
    assert [key for c in chunks(tables, 1, "empty") for key in keys_of(tables, tables.reader.raw(c))] == []


def test_keys_alone(tables: Source) -> None:
    """The keys of all rows are read without their other columns."""
    assert sorted(keys_of(tables, tables.reader.keys("things"))) == sorted(
        keys_of(tables, tables.reader.scan("things"))
    )


def test_rows_by_their_keys(tables: Source) -> None:
    """Rows are found by their whole keys, and by the value of a column, each once."""
    wanted = keys_of(tables, tables.reader.scan("things"))[5:9]
    found = tables.reader.fetch("things", tables.codec.key_path, [*wanted, wanted[0]])
    assert sorted(keys_of(tables, found)) == sorted(wanted)
    value = tables.codec.key_text("o3", "string")
    assert len(keys_of(tables, tables.reader.fetch("things", ("owner",), [value]))) == len(range(3, COUNT + 1, 7))


def test_a_table_that_does_not_exist(tables: Source) -> None:
    """Reading a table that does not exist is an error, not an empty table."""
    with pytest.raises((Refused, Misused)):
        list(tables.reader.scan("nothing"))
    with pytest.raises((Refused, Misused)):
        tables.reader.count("nothing")


def test_batches_are_arrow(tables: Source) -> None:
    """Batches hold the columns asked for as Arrow, with the raw rows beside them."""
    (chunk,) = chunks(tables, 10_000_000)
    columns = [Column("k", ("n",)), Column("p", ("price",))]
    (batch,) = tables.reader.batches(chunk, shape_of(tables), columns)
    assert batch.table.column_names == ["#row", "k", "p"]
    rows = sorted(batch.table.select(["k", "p"]).to_pylist(), key=lambda row: int(row["k"]))
    assert [(int(row["k"]), float(row["p"])) for row in rows] == [(n, n * 0.25) for n in range(1, COUNT + 1)]
    assert len(batch.raws) == COUNT


def test_keys_lead_back(tables: Source) -> None:
    """A key makes a record that has it, and is understood as people type it; a codec can be pickled."""
    codec = pickle.loads(pickle.dumps(tables.codec))
    for key in keys_of(tables, tables.reader.scan("things"))[:20]:
        assert codec.key(codec.of_key(key)) == key
        assert key in [each for group in codec.keys_meant(codec.readable(key)) for each in group]


def test_tables_are_listed(tables: Source) -> None:
    """Tables are listed with their class, size and plan; the place of the source is the same each time."""
    found = {e.name: e for e in tables.inspector.entities()}
    assert {"things", "empty"} <= set(found)
    assert found["things"].copied
    assert found["things"].plan
    assert found["things"].identity != found["empty"].identity
    assert tables.inspector.version()
    with open_store(tables.url) as again:
        assert need(again.inspector, again, "be looked into").place() == tables.inspector.place()


def test_a_survey_in_the_database(tables: Source) -> None:
    """The database itself counts what a survey needs: rows, columns, values and NULLs."""
    shape = shape_of(tables)
    counts = {node.name: {kind: stats.count for kind, stats in node.types.items()} for node in shape.root.fields}
    assert shape.count == COUNT
    assert set(counts) == {"owner", "n", "price", "name"}
    assert [sum(found.values()) for found in counts.values()] == [COUNT] * 4
    assert counts["name"]["null"] == COUNT // 2


def test_what_has_changed_since_a_survey(tables: Source) -> None:
    """A column that is new or gone since the survey is named from the catalog; values are not read for that."""
    shape = shape_of(tables)
    tables.store.close()
    with open_store(tables.url) as store:
        assert need(store.inspector, store, "be looked into").altered([shape]) == {}
        with need(store.writer, store, "be written to").transaction() as tx:
            tx.run("ALTER TABLE things ADD COLUMN nickname character varying(9)")
            tx.run("ALTER TABLE things DROP COLUMN price")
    with open_store(tables.url) as store:
        (found,) = need(store.inspector, store, "be looked into").altered([shape]).values()
    assert found == ["the column 'nickname' of type character varying(9) is new", "the column 'price' is gone"]


def test_the_journal_of_a_move_into_it_is_one_entity(tables: Source) -> None:
    """The journal of a move into the source is listed once, and nothing of it is copied."""
    with open_store(tables.url) as again:
        create(again)
        found = need(again.inspector, again, "be looked into").entities()
    assert [e.name for e in found if e.copied] == ["empty", "things"]
    (journal,) = [e.name for e in found if not e.copied and e.entity_class == "system"]
    assert journal in ("crossfade.*", "crossfade_*")


def test_references_and_their_orphans(request: pytest.FixtureRequest, sql: str) -> None:
    """Declared references, and those that names suggest, are listed with the rows that refer to nothing."""
    source = sql_source(sql, request, REFERRING)
    (shape,) = survey(lambda: open_store(source.url), source.inspector.entities(), named=["Child"])
    source.store.close()
    assert shape.references == (
        Reference(("a", "b"), "pairs", ("a", "b"), orphans=0),
        Reference(("parent_id",), "parents", ("id",), declared=False, orphans=2),
    )
    assert load_lock(dump_lock([shape])) == [shape]
    better = replace(shape, references=(shape.references[0], replace(shape.references[1], orphans=0)))
    assert compare([shape], [better]) == ["Child: parent_id -> parents (id): 2 orphans before, 0 now"]


def test_distinct_values(request: pytest.FixtureRequest, sql: str) -> None:
    """Distinct values are counted up to a bound, and listed if they are few; long ones are not counted."""
    source = sql_source(sql, request, DISTINCT_VALUES)
    (shape,) = survey(lambda: open_store(source.url), source.inspector.entities(), named=["v"])
    source.store.close()
    found = {n.name: [s for t, s in n.types.items() if t != "null"] for n in shape.root.fields}
    assert {name: [s.distinct for s in stats] for name, stats in found.items()} == {
        "id": [None], "few": [3], "several": [40], "long": [None],
    }  # fmt: skip
    assert [s.values for s in found["few"]] == [("", "a", "b")]
    assert [s.values for s in found["several"]] == [()]
    assert load_lock(dump_lock([shape])) == [shape]


def test_values_that_came(request: pytest.FixtureRequest, sql: str) -> None:
    """A survey names the values that are new, where it lists them."""
    made = [
        f"CREATE TABLE {table} (id integer PRIMARY KEY, s text); INSERT INTO {table} VALUES (1, 'a'), (2, '{value}');"
        for table, value in (("one", "b"), ("two", "c"))
    ]
    source = sql_source(sql, request, "".join(made))
    before, after = survey(lambda: open_store(source.url), source.inspector.entities())
    source.store.close()
    said = compare([before], [replace(after, entity="one")])
    assert [line for line in said if "values" in line] == [
        "one: s: text: values that are new: c", "one: s: text: values that are gone: b",
    ]  # fmt: skip
