"""ObjectIds as UUIDs, and back.

An ObjectId becomes a UUID version 8 (RFC 9562, section 5.8) that holds its 12 bytes in order, so UUIDs sort as the
ObjectIds do. The bits left over hold a tag, by which `object_id_in` knows its own.
"""

from __future__ import annotations

import uuid

TAG = "cf01d0"


def uuid_bytes(object_id: bytes) -> bytes:
    """The 16 bytes of the UUID of an ObjectId's 12 bytes."""
    h = object_id.hex()
    return bytes.fromhex(f"{h[:12]}8{h[12:15]}8{h[15:]}{TAG}")


def uuid_of_object_id(object_id: bytes) -> uuid.UUID:
    """The version 8 UUID of an ObjectId's 12 bytes."""
    return uuid.UUID(bytes=uuid_bytes(object_id))


def object_id_in(value: uuid.UUID) -> bytes | None:
    """The ObjectId's 12 bytes in a UUID that `uuid_of_object_id` made, or None."""
    h = value.hex
    if h[12] != "8" or h[16] != "8" or not h.endswith(TAG):
        return None
    return bytes.fromhex(h[:12] + h[13:16] + h[17:26])
