"""Read records of an entity by key as they are now, and map their keys to owner values and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import pyarrow as pa

from crossfade.journal import journal
from crossfade.model.batch import Batch
from crossfade.model.canonical import arrow_type, python_values
from crossfade.model.owners import Owners
from crossfade.model.program import Branch, Feed
from crossfade.runtime.session import Session
from crossfade.transform.transform import Transformer

KEYS_AT_ONCE = 1000

NO_KEY = "#"
"""The first character of the key that is made for a document without one; its digest follows."""


def read(s: Session, entity: str, keys: Sequence[str]) -> dict[str, list[bytes]]:
    """Return the current documents of each key: none, one, or several if a dump has a key twice. Also those of keys
    that are equal to one of them in the source, but are other texts (1.00 for 1.0).
    """
    found: dict[str, list[bytes]] = {key: [] for key in keys}
    named = [key for key in keys if not key.startswith(NO_KEY)]
    if named:
        for reply in s.reader.fetch(entity, s.codec.key_path, named, s.work.shapes.get(entity)):
            for raw in s.codec.split(reply):
                if (key := s.codec.key(raw)) is not None:
                    found.setdefault(key, []).append(raw)
    if len(named) < len(keys):
        for raw in without_key(s, entity):
            if (key := NO_KEY + journal.digest_of(raw)) in found:
                found[key].append(raw)
    return found


def record_key(batch: Batch, row: int) -> str:
    """Return the key of a record in the ledger."""
    key = batch.keys[row]
    return NO_KEY + journal.digest_of(batch.raws[row]) if key is None else key


def without_key(s: Session, entity: str) -> Iterator[bytes]:
    return (raw for piece in s.reader.scan(entity) for raw in s.codec.split(piece) if s.codec.key(raw) is None)


class OwnerValues:
    """Converts between keys of an entity and the values of the owner columns of its tables."""

    def __init__(self, s: Session, owners: Owners) -> None:
        assert owners.narrow is not None, "no table of the entity has an owner column"
        self._s, self._owners = s, owners
        ((self._column, _),) = owners.narrow.outputs.items()
        self._table = next(t for t, column in owners.columns.items() if column == self._column)
        feed = s.work.program.feeds[owners.entity]
        branch = next(b for b in feed.branches if b.table == self._table)
        self._carrier = _carrier(s, feed, branch, owners)
        self._last: dict[str, object] = {}
        """The values of the keys that were guessed last, because their records are read next."""
        self._kind_of_last: pa.DataType = pa.null()

    def of(self, keys: Sequence[str]) -> tuple[list[str], pa.Array]:
        """Return keys with the value of each. A key of a type that is not in the source's shape has none."""
        if keys and all(key in self._last for key in keys):
            return list(keys), pa.array([self._last[key] for key in keys], self._kind_of_last)
        kind = self._s.work.tables[self._table].column(self._column)
        if self._owners.tells_key and kind is not None and kind.type.kind == "uuid":
            known = self._s.codec.uuids_of(keys)
            if known is not None:
                return list(keys), pa.array(known, arrow_type(kind.type))
        return self._mapped(b"".join(self._s.codec.of_key(key) for key in keys))

    def keys(self, values: pa.Array, *, gone: bool = False) -> dict[object, str]:
        """Return value -> the key of the record in the source that has it. If the key can be computed from the value,
        the record need not exist. With `gone`, the same holds for keys that can be guessed, if no record has the value.
        """
        wanted = {value for value in python_values(values) if value is not None}
        if self._owners.tells_key:
            return self._told(wanted)
        guessed = self._guessed(wanted)
        there = read(self._s, self._owners.entity, list(guessed.values()))
        found: dict[object, str] = {value: key for value, key in guessed.items() if there[key]}
        found |= self.searched(wanted - found.keys())
        return guessed | found if gone else found

    def records(self, values: Sequence[object]) -> dict[object, tuple[str, list[bytes]]]:
        """Return value -> the key that is computed from it, and the documents that the source has with it; or a guessed
        key, if the source has it. Other values have to be searched.
        """
        wanted = {value for value in values if value is not None}
        told = self._owners.tells_key
        keys = self._told(wanted) if told else self._guessed(wanted)
        there = read(self._s, self._owners.entity, list(keys.values()))
        return {value: (key, there[key]) for value, key in keys.items() if told or there[key]}

    def searched(self, values: Iterable[object]) -> dict[object, str]:
        """Return value -> the key of the record in the source that has it, by a scan of all keys."""
        wanted, found = {value for value in values if value is not None}, dict[object, str]()
        if wanted and not self._owners.tells_key:
            for raw in self._s.reader.keys(self._owners.entity):
                keys, own = self._mapped(raw)
                found |= {v: k for k, v in zip(keys, python_values(own), strict=True) if v in wanted}
        return found

    @property
    def kind(self) -> pa.DataType:
        """The type of the values."""
        column = self._s.work.tables[self._table].column(self._column)
        assert column is not None, "the owner column is one of the table"
        return arrow_type(column.type)

    def _told(self, values: Iterable[Any]) -> dict[object, str]:
        """Return value -> the key that is computed from it."""
        own = {value: self._s.codec.key_in_uuid(value) for value in values}
        return {value: key for value, key in own.items() if key is not None}

    def _guessed(self, wanted: set[Any]) -> dict[object, str]:
        """Return value -> the key that it looks like. (Moments are numbers here, and look like none.)"""
        like = () if pa.types.is_temporal(self.kind) else wanted
        guesses = dict.fromkeys(key for value in like for key in self._s.codec.keys_in(value))
        keys, own = self.of(list(guesses)) if guesses else ([], pa.array([]))
        self._last, self._kind_of_last = dict(zip(keys, python_values(own), strict=True)), own.type
        return {value: key for key, value in self._last.items() if value in wanted}

    def _mapped(self, raw: bytes) -> tuple[list[str], pa.Array]:
        batch = self._s.batch_of(self._owners.entity, raw)
        keys, values = list[str](), list[pa.Array]()
        for part in self._carrier.map(batch).tables:
            keys += [str(batch.keys[row]) for row in part.roots.to_pylist()]
            values += part.rows.column(self._column).chunks
        kind = values[0].type if values else pa.null()
        return keys, pa.concat_arrays(values) if values else pa.array([], kind)


def _carrier(s: Session, feed: Feed, branch: Branch, owners: Owners) -> Transformer:
    assert owners.narrow is not None
    one = replace(
        branch,
        sql=owners.narrow.sql(*owners.narrow.outputs),
        outputs=tuple(owners.narrow.outputs),
        narrow=owners.narrow,
        lookups=(),
        straight={},
        computed=None,
        one_row=True,
    )
    return Transformer(
        Feed(feed.entity, feed.columns, (one,)), s.work.tables, s.engine, s.transformer(feed.entity).lookups
    )


T = TypeVar("T")


def pieces(keys: Iterable[T], size: int = KEYS_AT_ONCE) -> Iterator[list[T]]:
    """Yield the keys, `size` at a time."""
    piece: list[T] = []
    for key in keys:
        piece.append(key)
        if len(piece) == size:
            yield piece
            piece = []
    if piece:
        yield piece
