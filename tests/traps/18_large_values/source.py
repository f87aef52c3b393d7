from __future__ import annotations

import datetime
from typing import Any

import gridfs
from bson import ObjectId


def fill(db: Any) -> None:
    """Nearly 16 MB of text, in characters of two bytes; blobs, arrays and JSON of some megabytes."""
    db.documents.insert_one({"_id": 1, "body": "ä" * 7_900_000 + "end"})
    db.documents.insert_one({"_id": 2, "bytes": bytes(range(256)) * 20_000})
    db.documents.insert_one({"_id": 3, "items": list(range(20_000))})
    db.documents.insert_one({"_id": 4, "j": {"list": ['\\"' * 500_000, *range(10_000)]}})
    bucket = gridfs.GridFS(db)
    bucket.put(bytes(range(256)) * 3_000, _id=ObjectId("65a000000000000000000001"), filename="large.bin")
    bucket.put(b"", _id=ObjectId("65a000000000000000000002"), filename="empty.bin")
    db["fs.files"].update_many({}, {"$set": {"uploadDate": datetime.datetime(2024, 1, 1)}})
