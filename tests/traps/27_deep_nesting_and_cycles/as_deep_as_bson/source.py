from __future__ import annotations

import struct
from pathlib import Path


def nested(depth: int, tag: int, number: int) -> bytes:
    """A document with `depth` objects or arrays inside each other: made of bytes, as nothing that recurses could."""
    size = 5 + 8 * depth
    levels = b"".join(struct.pack("<i", size - 8 * i) + bytes([tag]) + b"d\0" for i in range(depth))
    head = b"\x10_id\0" + struct.pack("<i", number)
    body = head + levels[4:] + b"\x05\0\0\0\0" + b"\0" * depth
    return struct.pack("<i", len(body) + 4) + body


def dump(folder: Path) -> Path:
    """MongoDB stores no more than 180 levels; a dump may hold as many as fit into 16 MB."""
    place = folder / "dump"
    place.mkdir()
    depths = (165, 179, 199, 200, 1000, 1_900_000)
    documents = [nested(depth, tag, 10 * depth + tag) for depth in depths for tag in (3, 4)]
    (place / "deep.bson").write_bytes(b"".join(documents))
    return place
