"""How a store's raw records are read: the part of a store that knows the form in which it keeps them.

A raw batch is records one after another, as the source's reader gives them. A key is text: the canonical form of what
the source knows a record by, the same in every run, in which two different keys never look alike. Everything above
`records/` and `stores/` handles raw records and keys through these methods, and never looks into one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, Self

from crossfade.model.batch import Batch, Column
from crossfade.model.map_rules import MapRules
from crossfade.model.shape import Path, Shape


class Unreadable(Exception):
    """Why a record cannot be read: `reason` is duplicate_key, invalid_utf8 or broken; `path` is where."""

    def __init__(self, reason: str, detail: str, path: Path = ()) -> None:
        self.reason, self.detail, self.path = reason, detail, path
        super().__init__(detail)


class ColumnReader(Protocol):
    """Made once for a shape and the columns asked for, then used for every batch."""

    def read(self, raw_batch: bytes) -> Batch:
        """The batch as Arrow. What cannot be read, or does not fit the shape, is set aside in it; never raises for what
        a record holds."""
        ...


Raw = bytes
"""Records as their store keeps them."""


class Problem(Protocol):
    """Records that cannot be read, for one reason; `keys` are examples."""

    @property
    def count(self) -> int: ...
    @property
    def keys(self) -> Sequence[str]: ...


class Counter(Protocol):
    """Counts the records of one entity for the survey. Can be pickled."""

    @property
    def count(self) -> int:
        """All records, with those that cannot be read."""
        ...

    @property
    def bytes(self) -> int: ...

    @property
    def problems(self) -> Mapping[str, Problem]:
        """By the reason."""
        ...

    def add(self, batch: Raw) -> None:
        """Count the records of one batch. Raises Refused where there are too many paths to be reviewed."""
        ...

    def merge(self, other: Self) -> None:
        """Take in what another one counted of the same entity."""
        ...

    def to_shape(self, entity: str, *, entity_class: str = ..., plan: str = ...) -> Shape:
        """The shape of what was counted. Raises Refused where there are too many paths to be reviewed."""
        ...


class Codec(Protocol):
    """Reads the raw records of one kind of store. Holds nothing, and can be pickled."""

    @property
    def key_path(self) -> Path:
        """Where a record holds its key."""
        ...

    # -- one record

    def split(self, batch: bytes) -> list[bytes]:
        """The records one by one. Where one's end cannot be found, the rest of the batch is one piece."""
        ...

    def key(self, raw: bytes) -> str | None:
        """The record's key, even where the rest of it is broken; None where it cannot be read."""
        ...

    def of_key(self, key: str) -> bytes:
        """A record that holds this key alone."""
        ...

    def value_at(self, raw: bytes, path: Path) -> str | None:
        """The value at a path without arrays, in a key's form; None where the record cannot be read so far."""
        ...

    # -- many records

    def reader(self, shape: Shape, columns: Sequence[Column]) -> ColumnReader:
        """A reader of these columns of records in this shape. Raises ValueError for what is no column."""
        ...

    def counter(self, rules: MapRules | None = None) -> Counter:
        """An empty counter of one entity."""
        ...

    def digests(self, batch: bytes, *, ordered: bool = True) -> Sequence[bytes | None]:
        """The digest of each record, in order; None for one that cannot be read. `ordered`: whether records differ that
        differ in the order of their fields alone."""
        ...

    # -- keys

    def key_text(self, value: Any, kind: str) -> str:
        """The key that a value of the engine, of this kind of a shape's node, stands for."""
        ...

    def compared(self, key: str) -> object:
        """What the source compares a key by: of two keys that it takes for equal, the same."""
        ...

    def keys_in(self, value: Any) -> Iterator[str]:
        """The keys that a value of a target's primary key may have come from."""
        ...

    def key_in_uuid(self, value: bytes) -> str | None:
        """The key of which the mapping language makes this UUID, where the UUID holds the key itself."""
        ...

    def keys_meant(self, text: str) -> Sequence[Sequence[str]]:
        """The keys that a person may mean by a text, the likeliest first: those of one group are looked for together.
        Raises ValueError where it cannot be a key."""
        ...

    # -- for people

    def readable(self, key: str | None) -> str:
        """A key, or a value in a key's form, for people; one that was cut as it is."""
        ...

    def json(self, raw: bytes) -> Any:
        """The record as JSON values, from which it can be made again. Raises Unreadable."""
        ...

    def line(self, raw: bytes) -> str:
        """The record for people, on one line. Raises Unreadable."""
        ...

    def lines(self, raw: bytes) -> str:
        """The record for people, every field on a line of its own. Raises Unreadable."""
        ...


__all__ = ["Codec", "ColumnReader", "Counter", "Problem", "Unreadable"]
