from __future__ import annotations

from typing import Any

from bson import encode
from bson.raw_bson import RawBSONDocument


def fill(db: Any) -> None:
    """The same name twice: at the top, deep down, and in an object of an array. The values may even be the same."""
    top = encode({"_id": 11, "v": {"a": 1}, "w": {"a": 2}}).replace(b"w\0", b"v\0")
    deep = encode({"_id": 12, "v": {"x": {"a": 1, "b": 1}}}).replace(b"b\0", b"a\0")
    listed = encode({"_id": 13, "v": {"list": [{"a": 1, "b": 2}]}}).replace(b"b\0", b"a\0")
    db.docs.insert_many([RawBSONDocument(raw) for raw in (top, deep, listed)])
