from __future__ import annotations

from typing import Any

from bson import encode

LIMIT = 16 * 1024 * 1024


def fill(db: Any) -> None:
    for n, kind in ((1, "good"), (2, None)):
        body = {"_id": n, "kind": kind, "body": ""}
        body["body"] = "x" * (LIMIT - len(encode(body)))
        assert len(encode(body)) == LIMIT
        db.files.insert_one(body)
