"""The ids that Crossfade gives to rows, for applications that write both stores: the same on every run, and reversible.

`uuid_of(ObjectId)` is a UUID version 8 (RFC 9562, section 5.8) that holds the ObjectId's 12 bytes in order, so that
UUIDs sort as the ObjectIds do, and a tag in the bits left over, by which `object_id_in` knows its own. Any other value,
or several together, gets a version 5 UUID (RFC 9562, section 5.5) of type and value.

    >>> uuid_of(bytes.fromhex("5e0be1000000000300000000"))
    UUID('5e0be100-0000-8000-8300-000000cf01d0')
    >>> object_id_in(uuid_of(bytes.fromhex("5e0be1000000000300000000"))).hex()
    '5e0be1000000000300000000'

It depends on nothing but the standard library; `bson.ObjectId` and `bson.Decimal128` are taken as they are.
"""

from __future__ import annotations

import math
import uuid
from decimal import Decimal

__all__ = ["NAMESPACE", "derived_uuid", "identity_name", "object_id_in", "uuid_bytes", "uuid_of", "uuid_of_object_id"]

NAMESPACE = uuid.UUID("6bc8a9b0-1d3f-5a5e-9c0f-cf01d0c0ffee")
"""The namespace of the version 5 UUIDs."""

TAG = "cf01d0"


def uuid_of(*values: object) -> uuid.UUID | None:
    """Return the UUID of one value, or of several values together: what the mapping function `uuid_of` gives.

    Takes None, bool, int, float, decimal.Decimal, str, uuid.UUID, an ObjectId (bson.ObjectId, or its 12 bytes) and
    bson.Decimal128. A UUID is returned as it is, and None for None. Raises TypeError for any other type, ValueError for
    bytes that are not 12.
    """
    if len(values) != 1:
        return derived_uuid(*values)
    value = _plain(values[0])
    if value is None or isinstance(value, uuid.UUID):
        return value
    if isinstance(value, bytes):
        return uuid_of_object_id(value)
    name = identity_name(value)
    return None if name is None else uuid.uuid5(NAMESPACE, name)


def derived_uuid(*values: object) -> uuid.UUID:
    """Return the version 5 UUID of several values together, as `uuid_of(x, y, ...)` does."""
    names = [identity_name(v) for v in values]
    return uuid.uuid5(NAMESPACE, "".join("4:null" if n is None else f"{len(n)}:{n}" for n in names))


def object_id_in(value: uuid.UUID) -> bytes | None:
    """Return the 12 bytes of the ObjectId that a UUID of `uuid_of` holds; None where it holds none."""
    h = value.hex
    if h[12] != "8" or h[16] != "8" or not h.endswith(TAG):
        return None
    return bytes.fromhex(h[:12] + h[13:16] + h[17:26])


def uuid_of_object_id(object_id: bytes) -> uuid.UUID:
    """Return the version 8 UUID of an ObjectId's 12 bytes. Raises ValueError for any other number of bytes."""
    return uuid.UUID(bytes=uuid_bytes(object_id))


def uuid_bytes(object_id: bytes) -> bytes:
    """Return the 16 bytes of that UUID. Raises ValueError for any other number of bytes than 12."""
    if len(object_id) != 12:
        raise ValueError(f"an ObjectId has 12 bytes, not {len(object_id)}")
    h = object_id.hex()
    return bytes.fromhex(f"{h[:12]}8{h[12:15]}8{h[15:]}{TAG}")


def identity_name(value: object) -> str | None:
    """Return a value's name inside a derived id: its type and itself. Whole numbers that MongoDB calls equal have one
    name. Takes and raises what `uuid_of` does.
    """
    value = _plain(value)
    if value is None:
        return None
    if isinstance(value, bool):
        return f"bool:{str(value).lower()}"
    if isinstance(value, int):
        return f"number:{int(value)}"
    if isinstance(value, float):
        whole = math.isfinite(value) and value == math.trunc(value) and abs(value) < 1e38
        return f"number:{int(value) if whole else value!r}"
    if isinstance(value, Decimal):
        return _decimal_name(value)
    if isinstance(value, str):
        return f"string:{value}"
    if isinstance(value, bytes):
        return f"objectId:{value.hex()}"
    if isinstance(value, uuid.UUID):
        return f"binData:4:{value}"
    raise TypeError(f"no identity for {type(value).__name__}")


def _plain(value: object) -> object:
    """bson.ObjectId as its 12 bytes, bson.Decimal128 as a Decimal; told by what they offer, as bson is not needed."""
    kind = type(value).__name__
    if kind == "ObjectId":
        value = getattr(value, "binary", value)
    elif kind == "Decimal128" and hasattr(value, "to_decimal"):
        value = value.to_decimal()
    if isinstance(value, bytes) and len(value) != 12:
        raise ValueError(f"bytes are an ObjectId here, and that has 12, not {len(value)}")
    return value


def _decimal_name(value: Decimal) -> str:
    """A whole decimal as any whole number; another by its digits without zeros around them, and its exponent."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return f"decimal:{_SPECIAL[value.is_nan(), bool(sign)]}"
    plain = "".join(map(str, digits)).strip("0")
    if not plain:
        return "number:0"
    exponent += len(digits) - len("".join(map(str, digits)).rstrip("0"))
    minus = "-" if sign else ""
    return f"number:{minus}{plain}{'0' * exponent}" if 0 <= exponent < 100 else f"decimal:{minus}{plain}E{exponent}"


_SPECIAL = {(True, False): "NaN", (True, True): "NaN", (False, False): "Infinity", (False, True): "-Infinity"}
