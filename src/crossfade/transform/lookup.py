"""Fetch other entities that a mapping joins, by key and in batches.

The keys of a batch are fetched at once, and the last results are cached, within limits: many courses have the same
instructor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from crossfade.errors import CrossfadeError
from crossfade.model.batch import Batch, Column
from crossfade.model.program import Lookup
from crossfade.model.rejection import Rejection
from crossfade.model.shape import Path, Shape
from crossfade.records.codec import Codec

Tables = dict[str, pa.Table]
Read = Callable[[str, Any, Sequence[str]], Iterator[bytes]]
"""stores.contract.Reader.fetch."""
Transcode = Callable[[Shape, Sequence[Column], bytes], Batch]

KEPT_KEYS = 4096
KEPT_BYTES = 16 * 1024 * 1024

_ONE_KEY_A_DOCUMENT = frozenset(
    {"objectId", "string", "int", "long", "uuid", "binary", "date", "timestamp", "day", "time", "bool"}
)
"""Kinds of which two different keys never name the same document. With others (5 and 5.0), two fetches could return it
twice.
"""


class LookupRejected(CrossfadeError):
    """a looked-up document does not fit source.lock.json

    `broken` maps requested keys that lead to such a document to what is wrong with it; it is empty if that is unknown.
    """

    def __init__(self, message: str, broken: Mapping[str, str]) -> None:
        super().__init__(message, hint="crossfade survey, then crossfade check")
        self.broken = broken

    def __reduce__(self) -> tuple[Any, ...]:
        return LookupRejected, (self.message, dict(self.broken))


@dataclass(frozen=True)
class _Fetched:
    """The result for these keys (also that there is no document)."""

    keys: frozenset[str]
    table: pa.Table


class LookupReader:
    """Fetches the documents for lookups. `read` is the source's `fetch`; `transcode` converts raw documents to Arrow;
    `codec` is the source's codec.
    """

    def __init__(self, shapes: Mapping[str, Shape], read: Read, transcode: Transcode, codec: Codec) -> None:
        self._codec = codec
        self._shapes = shapes
        self._read = read
        self._transcode = transcode
        self._cache: dict[tuple[object, ...], _Fetched] = {}
        self._broken: dict[tuple[object, ...], dict[str, str]] = {}

    def forget(self) -> None:
        """Forget what was fetched: the source may have changed since."""
        self._cache.clear()
        self._broken.clear()

    def fetch(self, lookup: Lookup, keys: pa.Array) -> pa.Table:
        """Return the documents whose `lookup.path` is one of `keys` (and perhaps others), in the mapping's columns.

        Raises LookupRejected if one of them does not fit its shape.
        """
        what = (lookup.entity, lookup.path, lookup.key_kind, lookup.columns)
        wanted = {self._codec.key_text(k, lookup.key_kind) for k in keys_of(keys, lookup.key_kind)}
        broken = self._broken.setdefault(what, {})
        kept = self._cache.get(what) or _Fetched(frozenset(), self._transcoded(lookup, b"").table)
        missing = wanted - kept.keys - broken.keys()
        both = kept
        if missing:
            fresh = pa.concat_tables([kept.table.slice(0, 0), *self._fetched(lookup, sorted(missing), broken)])
            known = frozenset(missing - broken.keys())
            both = _Fetched(kept.keys | known, pa.concat_tables([kept.table, fresh]))
            self._cache[what] = self._bounded(lookup, both) or self._bounded(lookup, _Fetched(known, fresh)) or kept
        if found := sorted(wanted & broken.keys()):
            raise LookupRejected(broken[found[0]], {key: broken[key] for key in found})
        return both.table

    def _bounded(self, lookup: Lookup, kept: _Fetched) -> _Fetched | None:
        small = len(kept.keys) <= KEPT_KEYS and kept.table.nbytes <= KEPT_BYTES
        return kept if small and lookup.key_kind in _ONE_KEY_A_DOCUMENT else None

    def _fetched(self, lookup: Lookup, keys: Sequence[str], broken: dict[str, str]) -> Iterator[pa.Table]:
        """Yield the documents that can be read. Put what is wrong with the others into `broken`, by key."""
        asked: dict[object, list[str]] = {}
        for raw in self._read(lookup.entity, lookup.path, keys):
            batch = self._transcoded(lookup, raw)
            for wanted in keys if batch.rejected and not asked else ():
                asked.setdefault(self._codec.compared(wanted), []).append(wanted)
            for aside in batch.rejected:
                place = f"{lookup.entity} {self._codec.readable(aside.key)}"
                place += f" ({aside.reason} at {aside.path or '.'}: {aside.detail})"
                message = f"a looked-up document does not fit source.lock.json: {place}"
                key = self._key_of(aside, lookup.path)
                same = asked.get(self._codec.compared(key), []) if key is not None else []
                if not same:
                    raise LookupRejected(message, {})
                broken |= dict.fromkeys(same, message)
            yield batch.table

    def _key_of(self, aside: Rejection, path: Path) -> str | None:
        return aside.key if path == self._codec.key_path else self._codec.value_at(aside.raw, path)

    def key_text(self, value: Any, kind: str) -> str:
        """Return the key for a value of the engine, in the form that readers accept."""
        return self._codec.key_text(value, kind)

    def _transcoded(self, lookup: Lookup, raw: bytes) -> Batch:
        return self._transcode(self._shapes[lookup.entity], lookup.columns, raw)


_COUNTED = {"date": pa.timestamp("us", "UTC"), "timestamp": pa.timestamp("us"), "time": pa.time64("us")}


def keys_of(keys: pa.Array, kind: str) -> list[Any]:
    """Return the keys that are not NULL: moments and times in microseconds and days by number, because Python's dates
    end with the year 9999.
    """
    keys = keys.drop_null()
    if kind in _COUNTED:
        keys = keys.cast(_COUNTED[kind]).cast(pa.int64())
    elif kind == "day":
        keys = keys.cast(pa.int32())
    return list(keys.to_pylist())
