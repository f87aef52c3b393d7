"""What `Reader`, `Inspector` and `Codec` promise of rows of SQL tables: of every SQL database that is read from."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest
from kinds import Source, sql_source

from crossfade.errors import Misused, Refused
from crossfade.model.batch import Chunk, Column
from crossfade.model.map_rules import MapRules
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
    """Tables are listed with their class, size and what becomes of them; the place is the same each time."""
    found = {e.name: e for e in tables.inspector.entities()}
    assert {"things", "empty"} <= set(found)
    assert found["things"].copied
    assert found["things"].plan
    assert found["things"].identity != found["empty"].identity
    assert tables.inspector.version()
    with open_store(tables.url) as again:
        assert need(again.inspector, again, "be looked into").place() == tables.inspector.place()


def test_a_survey_in_the_database(tables: Source) -> None:
    """The database counts itself what a survey wants to know: rows, columns, values and NULLs."""
    shape = shape_of(tables)
    counts = {node.name: {kind: stats.count for kind, stats in node.types.items()} for node in shape.root.fields}
    assert shape.count == COUNT
    assert set(counts) == {"owner", "n", "price", "name"}
    assert [sum(found.values()) for found in counts.values()] == [COUNT] * 4
    assert counts["name"]["null"] == COUNT // 2
