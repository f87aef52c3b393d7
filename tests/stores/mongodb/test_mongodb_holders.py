"""Who has the values that others want: many asked for at once, and each as the server alone would say."""

from __future__ import annotations

from typing import Any

import pytest
from bson import CodecOptions, Decimal128, Int64, ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo.collation import Collation

from crossfade.stores.mongodb.holders import Holders, key_of
from scratch import MongoScratch

ID = ObjectId()
HELD: list[Any] = [1, Int64(2), 3.0, Decimal128("4"), "a", "B", ID, {"x": 1, "y": 2}, ["in", 7], None, b"\x01", True]
WANTED: list[Any] = [
    *HELD, 1.0, Int64(1), 2, 3, 4.0, "A", "b", "in", 7, ["in"], ["a", "z"], {"y": 2, "x": 1}, 99, "none", False, ID
]  # fmt: skip


@pytest.mark.parametrize("collation", [None, Collation("en", strength=2)])
@pytest.mark.parametrize("partial", ["", '{"v": {"$exists": true}}', '{"w": {"$gt": 3}}'])
def test_holders_are_those_that_the_server_finds(
    mongo_db: MongoScratch, collation: Collation | None, partial: str
) -> None:
    options: dict[str, Any] = {} if collation is None else {"collation": collation}
    things = mongo_db.db.create_collection("things", **options)
    things.insert_many([{"_id": n, "v": value, "w": n} for n, value in enumerate(HELD)])
    raw = things.with_options(CodecOptions(document_class=RawBSONDocument))
    for paths in (("v",), ("v", "w")):
        wanted = [(value,) if len(paths) == 1 else (value, n % len(HELD)) for n, value in enumerate(WANTED)]
        found = Holders(raw, paths, partial or None).of(wanted)
        for values in wanted:
            alone = Holders(raw, paths, partial or None)._first([values])
            assert found.get(key_of(values)) == alone, values
