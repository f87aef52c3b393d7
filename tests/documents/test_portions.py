"""A batch is turned over in portions, and nobody can tell by what comes out."""

from __future__ import annotations

import bson
import pytest
from bson import Int64, ObjectId

from crossfade.documents import columns as reading
from crossfade.documents.columns import compile_columns
from crossfade.documents.count import Histogram
from crossfade.documents.decode import decode, portions
from crossfade.model.batch import Batch, Column

GOOD = [{"_id": ObjectId(), "n": i, "many": [{"x": "a" * (i % 7)}] * (i % 4)} for i in range(300)]
ODD = [{"_id": Int64(1), "n": "no number"}, {"_id": ObjectId(), "unseen": 1}]
COLUMNS = [
    Column("n", ("n",)),
    Column("many", ("many",), "list", (Column("x", ("x",)),)),
    Column("whole", (), "json"),
]


def batch_of(*documents: dict[str, object]) -> bytes:
    return b"".join(map(bson.encode, documents))


WHOLE = batch_of(*GOOD[:100], ODD[0], *GOOD[100:200], ODD[1], *GOOD[200:])
DUPLICATE = bytes.fromhex("13000000106100010000001061000200000000")
BATCHES = {
    "clean": batch_of(*GOOD),
    "with what does not fit": WHOLE,
    "with a duplicate key": batch_of(*GOOD[:50]) + DUPLICATE + batch_of(*GOOD[50:]),
    "without an end": WHOLE + b"\xff\xff\xff\x7f" + batch_of(*GOOD[:3]),
    "cut off": WHOLE[:-3],
    "with two bytes over": WHOLE + b"\1\2",
    "empty": b"",
}


@pytest.mark.parametrize("name", BATCHES)
@pytest.mark.parametrize("size", [1, 64, 1000, 20_000])
def test_portions_hold_whole_documents(name: str, size: int) -> None:
    batch, found = BATCHES[name], list(portions(BATCHES[name], size))
    assert b"".join(found) == batch
    assert [raw for one in found for raw in decode(one).raws] == decode(batch).raws


@pytest.mark.parametrize("name", BATCHES)
def test_what_comes_out_is_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = Histogram()
    shape.add(BATCHES["clean"])
    reader = compile_columns(shape.to_shape("things"), COLUMNS)
    monkeypatch.setattr(reading, "portions", lambda batch: iter([batch] if batch else []))
    whole = reader.read(BATCHES[name])
    for size in (1, 64, 1000, 20_000):
        monkeypatch.setattr(reading, "portions", lambda batch, size=size: portions(batch, size))
        assert_same(reader.read(BATCHES[name]), whole)


def assert_same(batch: Batch, other: Batch) -> None:
    assert batch.table.schema.equals(other.table.schema, check_metadata=True)
    assert batch.table.to_pylist() == other.table.to_pylist()
    assert list(batch.raws) == list(other.raws)
    assert batch.aside == other.aside
