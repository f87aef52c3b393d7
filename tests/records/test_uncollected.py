"""Documents are freed as soon as they are not needed: a million of them must not wait for the garbage collector."""

from __future__ import annotations

import gc

import bson
from bson import ObjectId

from crossfade.model.batch import Column
from crossfade.records.bson.columns import compile_columns
from crossfade.records.bson.count import Histogram
from crossfade.records.bson.uncollected import uncollected

BATCH = b"".join(
    bson.encode({"_id": ObjectId(), "o": {"n": i, "deep": {"x": None}}, "many": [{"y": i}, 1]}) for i in range(100)
)
COLUMNS = (
    Column("n", ("o", "n")),
    Column("many", ("many",), "list", (Column("y", ("y",)),)),
    Column("o", ("o",), "json"),
)


def test_reading_leaves_nothing_for_the_collector() -> None:
    shape = Histogram()
    shape.add(BATCH)
    reader = compile_columns(shape.to_shape("things"), COLUMNS)
    reader.read(BATCH)  # what is made once is made now
    gc.collect()
    with uncollected():
        reader.read(BATCH)
        assert gc.collect() == 0


def test_the_collector_is_left_as_it_was() -> None:
    with uncollected():
        assert not gc.isenabled()
        with uncollected():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
