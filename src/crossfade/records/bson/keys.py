"""Convert keys from all their forms: from the engine, from rows of a target, from a person, from a document."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from bson import Binary, Decimal128, Int64, ObjectId

from crossfade.model.rejection import Rejected
from crossfade.model.shape import Path, unescape_step
from crossfade.records.bson.canonical import canonical
from crossfade.records.bson.ejson_loads import loads
from crossfade.records.bson.shell import loads_shell
from crossfade.records.bson.walk import date, walk
from crossfade_ids import object_id_in, uuid_bytes

_VALUES: Mapping[str, Callable[[Any], Any]] = {
    "objectId": ObjectId,
    "int": int,
    "long": Int64,
    "double": float,
    "decimal": Decimal128,
    "bool": bool,
    "string": str,
    "date": lambda micros: date(micros // 1000),
    "binary": bytes,
    "uuid": lambda value: Binary(value if isinstance(value, bytes) else value.bytes, 4),
}


def key_text(value: Any, kind: str) -> str:
    """Convert a key from the engine to the canonical Extended JSON that readers accept."""
    return str(value) if kind == "mixed" else canonical(_VALUES[kind](value))


def compared(key: str) -> object:
    """Return a value that is equal for keys that are equal on the server: numbers of different types are."""
    value = loads(key)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal128):
        return key
    number = value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)
    return "NaN" if number.is_nan() else number


def value_at(raw: bytes, path: Path) -> str | None:
    """Return the value at a path without arrays as canonical text; None if the document cannot be read up to it."""
    try:
        value: Any = walk(raw)
        for step in path:
            value = value[unescape_step(step)]
        return canonical(value)
    except (Rejected, RecursionError, KeyError, TypeError):
        return None


def key_in_uuid(value: bytes) -> str | None:
    """Return the ObjectId of which `uuid_of` makes this UUID, or whose bytes these are; None if there is none."""
    if len(value) == 12:
        return canonical(ObjectId(value))
    object_id = object_id_in(uuid.UUID(bytes=value))
    return None if object_id is None else canonical(ObjectId(object_id))


def uuids_of(keys: Sequence[str]) -> list[bytes] | None:
    """Return the UUID that `uuid_of` makes of each of these keys; None unless all are ObjectIds."""
    if not all(_OID.fullmatch(key) for key in keys):
        return None
    return [uuid_bytes(bytes.fromhex(key[9:33])) for key in keys]


_OID = re.compile(r'\{"\$oid":"[0-9a-f]{24}"\}')


def keys_in(value: Any) -> Iterator[str]:
    """Yield the `_id`s that a value of a primary key may have come from."""
    if isinstance(value, bytes) and len(value) == 12:
        yield canonical(ObjectId(value))
    if isinstance(value, bytes) and len(value) == 16:
        yield key_in_uuid(value) or canonical(Binary(value, 4))
    elif isinstance(value, bool | int | str):
        yield canonical(value)
        if isinstance(value, str) and ObjectId.is_valid(value):
            yield canonical(ObjectId(value))


def keys_meant(text: str) -> Sequence[Sequence[str]]:
    """Return the `_id`s that a person may mean, as canonical Extended JSON: first the exact reading of the text, then
    readings without quotes and names: the digits of an ObjectId, its UUID, a string. Raises ValueError.

    >>> keys_meant("7")
    [['{"$numberInt":"7"}'], ['"7"']]
    """
    is_exact = text.lstrip().startswith(("{", "[", '"'))
    try:
        exact = [[canonical(loads_shell(text))]]
    except ValueError:
        if is_exact:
            raise
        exact = []
    return exact if is_exact else [*exact, _loosely(text)]


def _loosely(text: str) -> list[str]:
    meant = [canonical(text)]
    if ObjectId.is_valid(text):
        meant.append(canonical(ObjectId(text)))
    try:
        own = uuid.UUID(text)
    except ValueError:
        return meant
    inside = object_id_in(own)
    return [*meant, canonical(Binary(own.bytes, 4)), *([canonical(ObjectId(inside))] if inside else [])]
