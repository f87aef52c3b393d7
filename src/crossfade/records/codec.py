"""The contract of a codec: the part of a store that knows the form of its raw records.

A raw batch is a sequence of records, as the source's reader returns them. A key is text: the canonical form of the
source's key of a record, the same in every run and different for different keys. Everything above `records/` and
`stores/` handles raw records and keys through these methods, and never looks into them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, Self

from crossfade.model.batch import Batch, Column
from crossfade.model.map_rules import MapRules
from crossfade.model.shape import Path, Shape
from crossfade.records.edit import Editor


class ColumnReader(Protocol):
    """A reader for a shape and its columns, made once and used for every batch."""

    def read(self, raw_batch: bytes) -> Batch:
        """Return the batch as Arrow. Records that cannot be read or do not fit the shape are rejected in it. It never
        raises because of the contents of a record.
        """
        ...


Raw = bytes
"""Records in the form of their store."""


class Problem(Protocol):
    """Records that cannot be read for the same reason; `keys` are examples."""

    @property
    def count(self) -> int: ...
    @property
    def keys(self) -> Sequence[str]: ...


class Counter(Protocol):
    """Counts the records of an entity for the survey. It can be pickled."""

    @property
    def count(self) -> int:
        """The number of records, including those that cannot be read."""
        ...

    @property
    def bytes(self) -> int: ...

    @property
    def problems(self) -> Mapping[str, Problem]:
        """The problems, by reason."""
        ...

    def add(self, batch: Raw) -> None:
        """Count the records of a batch. Raises Refused if there are too many paths to be reviewed."""
        ...

    def merge(self, other: Self) -> None:
        """Add the counts of another counter of the same entity."""
        ...

    def to_shape(self, entity: str, *, entity_class: str = ..., plan: str = ...) -> Shape:
        """Return the shape of the counted records. Raises Refused if there are too many paths to be reviewed."""
        ...


class Codec(Protocol):
    """Reads the raw records of one kind of store. It has no state, and can be pickled."""

    @property
    def key_path(self) -> Path:
        """The path of a record's key."""
        ...

    # -- one record

    def split(self, batch: bytes) -> list[bytes]:
        """Split a batch into records. If the end of a record cannot be found, the rest of the batch is one piece."""
        ...

    def key(self, raw: bytes) -> str | None:
        """Return the record's key, even if the rest is broken; None if it cannot be read."""
        ...

    def of_key(self, key: str) -> bytes:
        """Return a record that holds only this key."""
        ...

    def value_at(self, raw: bytes, path: Path) -> str | None:
        """Return the value at a path without arrays, in the form of a key; None if it cannot be read."""
        ...

    # -- many records

    def reader(self, shape: Shape, columns: Sequence[Column]) -> ColumnReader:
        """Return a reader for these columns of records with this shape. Raises ValueError for an invalid column."""
        ...

    def editor(self, shape: Shape) -> Editor | None:
        """Return an editor for records with this shape; None if records of this kind cannot be changed."""
        ...

    def counter(self, rules: MapRules | None = None) -> Counter:
        """Return an empty counter for an entity."""
        ...

    def digests(self, batch: bytes, *, ordered: bool = True) -> Sequence[bytes | None]:
        """Return the digest of each record in order, None for one that cannot be read. `ordered`: whether the order of
        fields is significant.
        """
        ...

    # -- keys

    def key_text(self, value: Any, kind: str) -> str:
        """Return the key for a value of the engine, which has this kind of a shape's node."""
        ...

    def compared(self, key: str) -> object:
        """Return a value that is equal for two keys that the source treats as equal."""
        ...

    def keys_in(self, value: Any) -> Iterator[str]:
        """Yield the keys that a value of a target's primary key may have come from."""
        ...

    def key_in_uuid(self, value: bytes) -> str | None:
        """Return the key of which the mapping language makes this UUID (or other value), if it holds the key itself."""
        ...

    def uuids_of(self, keys: Sequence[str]) -> list[bytes] | None:
        """Return the UUIDs of which `key_in_uuid` makes these keys; None if one of them has none."""
        ...

    def keys_meant(self, text: str) -> Sequence[Sequence[str]]:
        """Return the keys that a person may mean by a text, the likeliest first; the keys of a group are searched
        together. Raises ValueError if the text cannot be a key.
        """
        ...

    # -- for people

    def readable(self, key: str | None) -> str:
        """Format a key, or a value in the form of a key, for people. A truncated one is returned unchanged."""
        ...

    def json(self, raw: bytes) -> Any:
        """Return the record as JSON values, from which it can be restored. Raises Rejected."""
        ...

    def line(self, raw: bytes) -> str:
        """Format the record for people, on one line. Raises Rejected."""
        ...

    def lines(self, raw: bytes) -> str:
        """Format the record for people, with every field on its own line. Raises Rejected."""
        ...


__all__ = ["Codec", "ColumnReader", "Counter", "Problem"]
