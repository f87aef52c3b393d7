from __future__ import annotations

from typing import Any

from bson import encode
from bson.raw_bson import RawBSONDocument

BAD = {
    2: b"\xff\xfe",  # no character begins so
    3: b"half \xed\xa0\x80",  # the first half of a surrogate pair
    4: b"\xc0\x80",  # NUL, spelled too long
    5: b"cut \xf0\x9f\x98",  # a character without its end
}


def fill(db: Any) -> None:
    db.notes.insert_many([RawBSONDocument(raw) for raw in documents()])


def documents() -> list[bytes]:
    """The first and the last are as they should be; the one before the last has such bytes in a name."""
    bad = [encode({"_id": n, "title": "x" * len(text)}).replace(b"x" * len(text), text) for n, text in BAD.items()]
    named = encode({"_id": 6, "title": "t", "xy": 1}).replace(b"xy\0", b"\xc3\x28\0")
    return [encode({"_id": 1, "title": "good"}), *bad, named, encode({"_id": 9, "title": "\U0001f600"})]
