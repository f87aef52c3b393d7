"""Other entities that a mapping joins, fetched by key in batches, never row by row.

The keys of one batch are asked for at once, and the last answers are kept, within bounds: the same instructor stands
in many courses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from bson import Binary, Decimal128, Int64, ObjectId

from crossfade.documents.canonical import canonical
from crossfade.documents.walk import date
from crossfade.errors import CrossfadeError
from crossfade.mapping.program import Lookup
from crossfade.model.batch import Batch, Column
from crossfade.model.shape import Shape

Tables = dict[str, pa.Table]
Read = Callable[[str, Any, Sequence[str]], Iterator[bytes]]
"""stores.contract.Reader.fetch."""
Transcode = Callable[[Shape, Sequence[Column], bytes], Batch]

KEPT_KEYS = 4096
KEPT_BYTES = 16 * 1024 * 1024

_ONE_KEY_A_DOCUMENT = frozenset({"objectId", "string", "int", "long", "uuid", "binary", "date", "bool"})
"""Kinds of which two different keys never name one document: of others (5 and 5.0) it would come twice, in two
fetches.
"""


class LookedUpMisfit(CrossfadeError):
    """a looked-up document does not fit source.lock.json"""


@dataclass(frozen=True)
class _Kept:
    """What was fetched for these keys (also that there is nothing)."""

    keys: frozenset[str]
    table: pa.Table


class LookupReader:
    """Fetches what lookups ask for. `read` is the source's `fetch`; `transcode` makes Arrow of raw documents."""

    def __init__(self, shapes: Mapping[str, Shape], read: Read, transcode: Transcode) -> None:
        self._shapes = shapes
        self._read = read
        self._transcode = transcode
        self._kept: dict[tuple[object, ...], _Kept] = {}

    def fetch(self, lookup: Lookup, keys: pa.Array) -> pa.Table:
        """The looked-up documents whose `lookup.path` is one of `keys` (and perhaps others), in the mapping's columns.

        Raises LookedUpMisfit where one of them does not fit its shape.
        """
        what = (lookup.entity, lookup.path, lookup.key_kind, lookup.columns)
        wanted = {key_text(k, lookup.key_kind) for k in keys_of(keys, lookup.key_kind)}
        kept = self._kept.get(what) or _Kept(frozenset(), self._transcoded(lookup, b""))
        missing = wanted - kept.keys
        if not missing:
            return kept.table
        fresh = pa.concat_tables([self._transcoded(lookup, b""), *self._fetched(lookup, sorted(missing))])
        both = _Kept(kept.keys | missing, pa.concat_tables([kept.table, fresh]))
        self._kept[what] = (
            self._bounded(lookup, both) or self._bounded(lookup, _Kept(frozenset(missing), fresh)) or kept
        )
        return both.table

    def _bounded(self, lookup: Lookup, kept: _Kept) -> _Kept | None:
        small = len(kept.keys) <= KEPT_KEYS and kept.table.nbytes <= KEPT_BYTES
        return kept if small and lookup.key_kind in _ONE_KEY_A_DOCUMENT else None

    def _fetched(self, lookup: Lookup, keys: Sequence[str]) -> Iterator[pa.Table]:
        for raw in self._read(lookup.entity, lookup.path, keys):
            yield self._transcoded(lookup, raw)

    def _transcoded(self, lookup: Lookup, raw: bytes) -> pa.Table:
        batch = self._transcode(self._shapes[lookup.entity], lookup.columns, raw)
        if batch.aside:
            wrong = batch.aside[0]
            place = f"{lookup.entity} {wrong.key} ({wrong.reason} at {wrong.path or '.'}: {wrong.detail})"
            raise LookedUpMisfit(
                f"a looked-up document does not fit source.lock.json: {place}",
                hint="crossfade survey, then crossfade check",
            )
        return batch.table


def keys_of(keys: pa.Array, kind: str) -> list[Any]:
    """The keys that are there; dates as milliseconds, because Python's end with the year 9999."""
    keys = keys.drop_null()
    if kind == "date":
        return [us // 1000 for us in keys.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist()]
    return list(keys.to_pylist())


_VALUES: Mapping[str, Callable[[Any], Any]] = {
    "objectId": ObjectId,
    "int": int,
    "long": Int64,
    "double": float,
    "decimal": Decimal128,
    "bool": bool,
    "string": str,
    "date": date,
    "binary": bytes,
    "uuid": lambda value: Binary(value if isinstance(value, bytes) else value.bytes, 4),
}


def key_text(value: Any, kind: str) -> str:
    """A key as the engine gave it, as the canonical Extended JSON that readers take."""
    return str(value) if kind == "mixed" else canonical(_VALUES[kind](value))
