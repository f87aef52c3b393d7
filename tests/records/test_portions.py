"""A batch may be counted in portions of whole documents; broken bytes stay one piece."""

from __future__ import annotations

import bson
import pytest
from bson import ObjectId

from crossfade.records.bson import count
from crossfade.records.bson.count import Histogram
from crossfade.records.bson.decode import decode, portions

DOCUMENTS = b"".join(bson.encode({"_id": ObjectId(), "n": i, "many": ["a" * (i % 7)] * (i % 4)}) for i in range(300))
DUPLICATE = bytes.fromhex("130000001061000100000010610002000000 00")
BATCHES = {
    "clean": DOCUMENTS,
    "with a duplicate key": DOCUMENTS + DUPLICATE + DOCUMENTS,
    "with a length that cannot be": DOCUMENTS + b"\xff\xff\xff\x7f" + DOCUMENTS,
    "cut off": DOCUMENTS[:-3],
    "with two bytes over": DOCUMENTS + b"\1\2",
    "empty": b"",
}
SIZES = (1, 64, 1000, 20_000)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", BATCHES)
def test_they_hold_whole_documents(name: str, size: int) -> None:
    found = list(portions(BATCHES[name], size))
    whole = decode(BATCHES[name])
    assert b"".join(found) == BATCHES[name]
    assert [raw for one in found for raw in decode(one).raws] == whole.raws
    assert [broken.raw for one in found for broken in decode(one).rejected] == [broken.raw for broken in whole.rejected]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", BATCHES)
def test_the_count_is_the_same(name: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = []
    for portion in (10**9, size):
        monkeypatch.setattr(count, "portions", lambda batch, portion=portion: portions(batch, portion))
        histogram = Histogram()
        histogram.add(BATCHES[name])
        shapes.append(histogram.to_shape("things"))
    assert shapes[0] == shapes[1]
