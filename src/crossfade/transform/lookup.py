"""Fetch other entities that a mapping joins, by key and in batches.

The keys of a batch are fetched at once, and the last results are cached, within limits: many courses have the same
instructor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from crossfade.errors import CrossfadeError
from crossfade.model.batch import Batch, Column
from crossfade.model.program import Lookup
from crossfade.model.rejection import Rejection
from crossfade.model.shape import Path, Shape, format_path
from crossfade.records.codec import Codec

Tables = dict[str, pa.Table]
Transcode = Callable[[Shape, Sequence[Column], bytes], Batch]
Also = Sequence[tuple[Path, Sequence[str]]]
Find = Callable[[str, Any, Sequence[str], Shape, Sequence[Column], Also], Iterator[Batch]]
"""stores.contract.Finder.found."""

KEPT_KEYS = 4096
KEPT_BYTES = 16 * 1024 * 1024

_ONE_KEY_A_DOCUMENT = frozenset(
    {"objectId", "int", "long", "uuid", "binary", "date", "timestamp", "day", "time", "bool"}
)
"""Kinds of which two different keys never name the same document. With others (5 and 5.0; texts, where a collation
ignores case) two fetches, or two portions of one, could return it twice.
"""
_CACHED = _ONE_KEY_A_DOCUMENT | {"string"}


class LookupRejected(CrossfadeError):
    """a looked-up record does not fit source.lock.json

    `broken` maps requested keys that lead to such a document to what is wrong with it; it is empty if that is unknown.
    """

    def __init__(self, message: str, broken: Mapping[str, str]) -> None:
        super().__init__(message, hint="crossfade survey, then crossfade check")
        self.broken = broken

    def __reduce__(self) -> tuple[Any, ...]:
        return LookupRejected, (self.message, dict(self.broken))


def fetched(read: Callable[[str, Any, Sequence[str], Shape], Iterator[bytes]], transcode: Transcode) -> Find:
    """Return a `find` that converts what `read` (stores.contract.Reader.fetch) yields: it is not narrowed."""

    def find(
        entity: str, path: Path, values: Sequence[str], shape: Shape, columns: Sequence[Column], also: Also
    ) -> Iterator[Batch]:
        return (transcode(shape, columns, raw) for raw in read(entity, path, values, shape))

    return find


@dataclass(frozen=True)
class _Fetched:
    """The documents with these keys; a key may have none. `records`: their own keys, in their order, if a document
    could come twice.
    """

    keys: frozenset[str]
    table: pa.Table
    records: tuple[str | None, ...] = ()

    def plus(self, other: _Fetched) -> _Fetched:
        """Return these documents and those of `other` that are not among them."""
        there = {*self.records} - {None}
        table, records = other.table, other.records
        if not there.isdisjoint(records):
            new = [row for row, record in enumerate(records) if record not in there]
            table, records = table.take(pa.array(new, pa.int64())), tuple(records[row] for row in new)
        return _Fetched(self.keys | other.keys, pa.concat_tables([self.table, table]), (*self.records, *records))


class LookupReader:
    """Fetches the documents for lookups. `find` finds them in the source; `transcode` converts raw documents to Arrow;
    `codec` is the source's codec.

    `uses`, unless it is None, collects what was read for lookups by a field other than the key: entity and path, and
    the key of each document with its value there.
    """

    def __init__(self, shapes: Mapping[str, Shape], find: Find, transcode: Transcode, codec: Codec) -> None:
        self._codec = codec
        self._shapes = shapes
        self._find = find
        self._transcode = transcode
        self.uses: set[tuple[str, str, str, str]] | None = None
        self._cache: dict[tuple[object, ...], _Fetched] = {}
        self._broken: dict[tuple[object, ...], dict[str, str]] = {}

    def forget(self) -> None:
        """Forget what was fetched: the source may have changed since."""
        self._cache.clear()
        self._broken.clear()

    def needed(self, lookup: Lookup, run: Callable[[str], pa.Table]) -> pa.Table:
        """Return the documents that the records in the engine need. `run` runs a query in it.

        Raises LookupRejected if one of them does not fit its shape.
        """
        keys = run(lookup.keys_sql).column(0).combine_chunks()
        further = [(one, run(one.keys_sql).column(0).combine_chunks()) for one in lookup.further]
        also = [
            (one.path, sorted({self._codec.key_text(k, one.key_kind) for k in keys_of(values, one.key_kind)}))
            for one, values in further
        ]
        return self.fetch(lookup, keys, also)

    def fetch(self, lookup: Lookup, keys: pa.Array, also: Also = ()) -> pa.Table:
        """Return the documents whose `lookup.path` is one of `keys` (and perhaps others), in the mapping's columns.
        Those that have none of the values of `also` may be missing, so that such a result is not cached.

        Raises LookupRejected if one of them does not fit its shape.
        """
        what = (lookup.entity, lookup.path, lookup.key_kind, lookup.columns)
        wanted = {self._codec.key_text(k, lookup.key_kind) for k in keys_of(keys, lookup.key_kind)}
        broken = self._broken.setdefault(what, {})
        cached = None if also else self._cache.get(what)
        cached = cached or _Fetched(frozenset(), self._transcoded(lookup, b"").table)
        missing = wanted - cached.keys - broken.keys()
        both = cached
        if missing:
            none = any(not values for _, values in also)
            fresh = _Fetched(frozenset(), cached.table.slice(0, 0))
            for some in () if none else self._fetched(lookup, sorted(missing), broken, also):
                fresh = fresh.plus(some)
            fresh = replace(fresh, keys=frozenset(missing - broken.keys()))
            both = cached.plus(fresh)
            if not also:
                self._cache[what] = self._bounded(lookup, both) or self._bounded(lookup, fresh) or cached
        if found := sorted(wanted & broken.keys()):
            raise LookupRejected(broken[found[0]], {key: broken[key] for key in found})
        return both.table

    def _bounded(self, lookup: Lookup, cached: _Fetched) -> _Fetched | None:
        small = len(cached.keys) <= KEPT_KEYS and cached.table.nbytes <= KEPT_BYTES
        return cached if small and lookup.key_kind in _CACHED else None

    def _fetched(self, lookup: Lookup, keys: Sequence[str], broken: dict[str, str], also: Also) -> Iterator[_Fetched]:
        """Yield the documents that can be read. Put what is wrong with the others into `broken`, by key."""
        asked: dict[object, list[str]] = {}
        shape = self._shapes[lookup.entity]
        for batch in self._find(lookup.entity, lookup.path, keys, shape, lookup.columns, also):
            self._tell(lookup, batch)
            for wanted in keys if batch.rejected and not asked else ():
                asked.setdefault(self._codec.compared(wanted), []).append(wanted)
            for aside in batch.rejected:
                place = f"{lookup.entity} {self._codec.readable(aside.key)}"
                place += f" ({aside.reason} at {aside.path or '.'}: {aside.detail})"
                message = f"a looked-up record does not fit source.lock.json: {place}"
                key = self._key_of(aside, lookup.path)
                same = asked.get(self._codec.compared(key), []) if key is not None else []
                if not same:
                    raise LookupRejected(message, {})
                broken |= dict.fromkeys(same, message)
            once = lookup.key_kind in _ONE_KEY_A_DOCUMENT
            yield _Fetched(frozenset(), batch.table, () if once else tuple(batch.keys))

    def _tell(self, lookup: Lookup, batch: Batch) -> None:
        if self.uses is None or self._shapes[lookup.entity].key == (lookup.path,):
            return
        for raw in (*batch.records(range(len(batch.raws))), *(aside.raw for aside in batch.rejected)):
            key, value = self._codec.key(raw), self._codec.value_at(raw, lookup.path)
            if key is not None and value is not None:
                self.uses.add((lookup.entity, format_path(lookup.path), key, value))

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
