"""Extended JSON has no text for these documents: that is the trap."""

from __future__ import annotations

from typing import Any

from bson import Decimal128, Int64, ObjectId

OID = "65b0c0ffee0000000000000a"
VALUES = [
    ObjectId(OID),
    {"$oid": OID},
    {"$$oid": OID},
    Int64(5),
    {"$numberLong": "5"},
    Decimal128("1.10"),
    {"$numberDecimal": "1.10"},
]


def fill(db: Any) -> None:
    db.things.insert_many({"_id": n, "v": {"in": v}, "w": {"in": v}} for n, v in enumerate(VALUES))
