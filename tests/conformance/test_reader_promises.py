"""What `Reader` promises, of every store that records are read from."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, MaxKey, MinKey, ObjectId
from kinds import Entities, Source, record

from crossfade.errors import Misused, Refused
from crossfade.model.batch import Batch, Chunk, Column
from crossfade.model.shape import Shape
from crossfade.stores.contract import need
from crossfade.stores.open import open_store

Filled = Callable[[Entities], Source]

MIXED_KEYS: list[Any] = [
    MinKey(), None, -3, 2.5, Int64(2**40), Decimal128("7.25"), float("inf"), "", "a", "ä", {"a": 1}, {"a": 2},
    Binary(uuid.UUID(int=7).bytes, 4), b"\0\1", ObjectId("0" * 24), ObjectId("f" * 24), False, True,
    dt.datetime(2024, 1, 1), "5", MaxKey(),
]  # fmt: skip
MANY = [record(id_=n, text="x" * 200) for n in range(400)]
KEY = ("_id",)


def chunks(source: Source, entity: str = "things", size: int = 10_000_000) -> list[Chunk]:
    return list(source.reader.chunks(entity, target_bytes=size))


def read(source: Source, chunk: Chunk) -> list[bytes]:
    return [one for raw in source.reader.raw(chunk) for one in source.codec.split(raw)]


def shape_of(source: Source, entity: str = "things") -> Shape:
    counter = source.codec.counter()
    for raw in source.reader.scan(entity):
        counter.add(raw)
    return counter.to_shape(entity)


def batches(source: Source, shape: Shape, *columns: Column, size: int = 10_000_000) -> list[Batch]:
    return [b for chunk in chunks(source, size=size) for b in source.reader.batches(chunk, shape, columns)]


def test_every_record_is_in_one_chunk(source: Filled) -> None:
    """Chunks hold every record once, whatever the types of the keys."""
    records = [record(id_=key, n=n) for n, key in enumerate(MIXED_KEYS)]
    found = source({"things": records})
    for size in (1, 100, 10_000_000):
        of_chunks = [one for chunk in chunks(found, size=size) for one in read(found, chunk)]
        assert Counter(of_chunks) == Counter(records)


def test_chunks_have_about_the_size_asked_for(source: Filled) -> None:
    """Chunks have about the size asked for, and count their records."""
    found = source({"things": MANY})
    size = len(MANY[0])
    planned = chunks(found, size=40 * size)
    assert 5 <= len(planned) <= 14
    assert [c.count for c in planned] == [len(read(found, c)) for c in planned]
    assert [c.number for c in planned] == list(range(len(planned)))


def test_chunks_are_read_in_the_sources_order(source: Filled) -> None:
    """A chunk is read in the source's own order, every time the same."""
    found = source({"things": MANY})
    planned = chunks(found, size=20_000)
    once = [read(found, c) for c in planned]
    assert [read(found, c) for c in planned] == once
    assert [one for part in once for one in part] == MANY


def test_a_chunk_is_read_by_another_process(source: Filled) -> None:
    """A chunk is a value: another connection reads the same records by it."""
    found = source({"things": MANY})
    *_, last = chunks(found, size=20_000)
    with open_store(found.url) as again:
        raws = need(again.reader, again, "read records").raw(replace(last))
        assert b"".join(raws) == b"".join(read(found, last))


def test_pieces_are_bounded(source: Filled) -> None:
    """Records are read in pieces of at most about 16 MB."""
    one = "x" * 1_000_000
    found = source({"things": [record(id_=n, text=one) for n in range(36)]})
    for pieces in (found.reader.scan("things"), found.reader.raw(chunks(found, size=100_000_000)[0])):
        sizes = [len(piece) for piece in pieces]
        assert sum(sizes) > 36_000_000
        assert max(sizes) <= 17_100_000


def test_batches_are_arrow_in_the_columns_asked_for(source: Filled) -> None:
    """Batches hold the columns asked for as Arrow, in order, with the raw records beside them."""
    records = [record(id_=n, name=f"n{n}", deep={"list": [n]}) for n in range(5)]
    found = source({"things": records})
    columns = (Column("n", ("name",)), Column("k", KEY))
    (batch,) = batches(found, shape_of(found), *columns)
    assert batch.table.column_names == ["#row", "n", "k"]
    assert batch.table.to_pylist() == [{"#row": n, "n": f"n{n}", "k": n} for n in range(5)]
    assert [bytes(raw) for raw in batch.raws] == records


def test_a_record_that_does_not_fit_its_shape_is_set_aside(source: Filled) -> None:
    """A record with a type or a path that the survey did not see is set aside as a whole; the others are read."""
    odd = [record(id_=1, v="text"), record(id_=2, v=1, new=True)]
    found = source({"seen": [record(id_=0, v=0)], "things": [record(id_=0, v=0), *odd, record(id_=3, v=3)]})
    shape = replace(shape_of(found, "seen"), entity="things")
    (batch,) = batches(found, shape, Column("v", ("v",)))
    assert batch.table.column("v").to_pylist() == [0, 3]
    assert [(one.reason, one.raw) for one in batch.rejected] == [("unseen_type", odd[0]), ("unseen_path", odd[1])]
    assert [one.key for one in batch.rejected] == [found.codec.key(raw) for raw in odd]


def test_count_is_of_the_records(source: Filled) -> None:
    """`count` is counted, not estimated."""
    found = source({"things": MANY, "none": []})
    assert found.reader.count("things") == len(MANY)
    assert found.reader.count("none") == 0


def test_scan_yields_every_record_once(source: Filled) -> None:
    """`scan` yields every record once, unchanged."""
    records = [record(id_=key, n=n) for n, key in enumerate(MIXED_KEYS)]
    assert Counter(source({"things": records}).everything("things")) == Counter(records)


def test_keys_yields_records_of_the_key_alone(source: Filled) -> None:
    """`keys` yields a record of the key alone for every record."""
    records = [record(n=n, id_=key) for n, key in enumerate(MIXED_KEYS)]
    found = source({"things": records})
    alone = [one for raw in found.reader.keys("things") for one in found.codec.split(raw)]
    assert Counter(alone) == Counter(record(id_=key) for key in MIXED_KEYS)


def test_an_empty_entity(source: Filled) -> None:
    """An empty entity has no records, in any way of reading."""
    found = source({"things": [], "others": [record(id_=1)]})
    assert [one for chunk in chunks(found) for one in read(found, chunk)] == []
    assert found.everything("things") == []
    assert list(found.reader.fetch("things", KEY, ["1"])) == []


def fetched(source: Source, path: tuple[str, ...], *values: Any) -> list[bytes]:
    texts = [source.codec.key(record(id_=value)) for value in values]
    raws = source.reader.fetch("things", path, [text for text in texts if text is not None])
    return sorted(one for raw in raws for one in source.codec.split(raw))


def test_fetch_by_key(source: Filled) -> None:
    """`fetch` finds records by their keys, whatever their types."""
    records = [record(id_=key, n=n) for n, key in enumerate(MIXED_KEYS)]
    found = source({"things": records})
    for key, one in zip(MIXED_KEYS, records, strict=True):
        assert fetched(found, KEY, key) == [one]
    assert fetched(found, KEY, *MIXED_KEYS[3:9]) == sorted(records[3:9])
    assert fetched(found, KEY, "none of them", 99) == []


def test_fetch_by_a_value(source: Filled) -> None:
    """`fetch` finds records by the value at a path, also inside arrays, each once."""
    records = [
        record(id_=1, owner="a", tags=[{"t": "x"}, {"t": "y"}]),
        record(id_=2, owner="b", tags=[{"t": "y"}]),
        record(id_=3, owner="A", tags=[]),
        record(id_=4),
    ]
    found = source({"things": records})
    assert fetched(found, ("owner",), "a") == [records[0]]
    assert fetched(found, ("owner",), "a", "b") == sorted(records[:2])
    assert fetched(found, ("tags", "[]", "t"), "x", "y") == sorted(records[:2])
    assert fetched(found, ("nowhere",), "x") == []


def test_fetch_finds_equal_numbers(source: Filled) -> None:
    """`fetch` finds a number by its value, whatever type it is stored in."""
    records = [record(id_=1, n=5), record(id_=2, n=5.0), record(id_=3, n=Int64(5)), record(id_=4, n="5")]
    found = source({"things": records})
    assert fetched(found, ("n",), Decimal128("5.0")) == sorted(records[:3])


def test_an_entity_that_does_not_exist_is_refused(source: Filled) -> None:
    """Reading an entity that the source does not have is an error, not an empty entity."""
    found = source({"things": [record(id_=1)]})
    for attempt in (
        lambda: list(found.reader.scan("nothing")),
        lambda: list(found.reader.raw(Chunk("nothing", 0, None, None, 0))),
        lambda: chunks(found, "nothing"),
        lambda: found.reader.count("nothing"),
    ):
        with pytest.raises((Refused, Misused)):
            attempt()


def test_records_are_unchanged(source: Filled) -> None:
    """A record is handed out byte by byte as it is stored."""
    records = [record(id_=1, a=Int64(1), b={"z": 1, "a": 2}, c=-0.0, d="a\0b"), record(id_=2, a=1)]
    found = source({"things": records})
    assert found.everything("things") == records


def test_reading_ends_early(source: Filled) -> None:
    """A reader that is abandoned in the middle can be asked again."""
    found = source({"things": MANY})
    for _ in range(3):
        iterator = found.reader.scan("things")
        next(iterator)
        close = getattr(iterator, "close", None)
        if close is not None:
            close()
    assert len(found.everything("things")) == len(MANY)
