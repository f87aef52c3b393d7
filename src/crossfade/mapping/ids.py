"""Ids that are the same on every run, in the copy and in an application that writes both stores, and that lead back.

`uuid_of(ObjectId)` is a UUID version 8 that leads back (documents/object_ids.py). Everything else gets a version 5
UUID (RFC 9562, section 5.5) of its type and value. The macros in macros.sql compute the same inside DuckDB; tests hold
the two together.
"""

from __future__ import annotations

import math
import uuid
from decimal import Decimal

from crossfade.documents.object_ids import object_id_in, uuid_of_object_id

NAMESPACE = uuid.UUID("6bc8a9b0-1d3f-5a5e-9c0f-cf01d0c0ffee")


def identity_name(value: object) -> str | None:
    """A value's name inside a derived id: its type and itself. Whole numbers that MongoDB calls equal have one name.

    Takes None, bool, int, float, decimal.Decimal, str, bytes (an ObjectId's 12), uuid.UUID.
    """
    if value is None:
        return None
    if isinstance(value, bool):
        return f"bool:{str(value).lower()}"
    if isinstance(value, int):
        return f"number:{value}"
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


def derived_uuid(*values: object) -> uuid.UUID:
    """`uuid_of(x, y, ...)` of several values: a version 5 UUID of all of them together."""
    names = [identity_name(v) for v in values]
    return uuid.uuid5(NAMESPACE, "".join("4:null" if n is None else f"{len(n)}:{n}" for n in names))


def uuid_of(*values: object) -> uuid.UUID | None:
    """As the mapping function: one value or several."""
    if len(values) != 1:
        return derived_uuid(*values)
    (value,) = values
    if value is None or isinstance(value, uuid.UUID):
        return value
    if isinstance(value, bytes) and len(value) == 12:
        return uuid_of_object_id(value)
    name = identity_name(value)
    return None if name is None else uuid.uuid5(NAMESPACE, name)


__all__ = ["NAMESPACE", "derived_uuid", "identity_name", "object_id_in", "uuid_of", "uuid_of_object_id"]
