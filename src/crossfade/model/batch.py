"""The input and output of a reader: columns, and Arrow batches of documents checked strictly against a shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, overload, runtime_checkable

from crossfade.model.rejection import Rejection
from crossfade.model.shape import Path

# The forms in which a mapping can read a place:
#   native   a value of its kind in Arrow; the codec's text for a value of any type if the node's kind is "mixed"
#   ejson    the codec's text for a value of any type
#   json     plain JSON text, as an application would print it (docs/reference/mapping.md)
#   type     the type's name as text, as the source calls it; NULL if the field is missing
#   present  true if the field exists (even if it is null), false if it is missing
#   oid_uuid an ObjectId as the UUID that uuid_of() makes of it, in Arrow's type for UUIDs
#   oid_text an ObjectId as its 24 hex digits
#   list     the elements: a list of structs, one field per column in `elements`; NULL if it is not an array
#   listed   like list, but a single value that is not null becomes a list of one
#   entries  the fields of an object: a list of structs, like list; the column `key` in it is a field's name
#   key      only in the elements of entries
#   rest     plain JSON of the document without the paths in `without`; NULL if nothing is left
FORMS = (
    "native",
    "ejson",
    "json",
    "type",
    "present",
    "oid_uuid",
    "oid_text",
    "list",
    "listed",
    "entries",
    "key",
    "rest",
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the batch: the value at `path` (which goes through objects only, from the batch's row or the list's
    element).

    The empty path is the document itself, or, inside `elements`, the element itself.
    """

    name: str
    path: Path
    form: str = "native"
    elements: tuple[Column, ...] = ()
    without: frozenset[Path] = frozenset()


@dataclass(frozen=True)
class Batch:
    """Records of an entity. Row i of `table` is the record `raws[i]`, which has the key `keys[i]`. Rejected records are
    in `rejected`, each with its position among all that were read, its key and its bytes. A source may make raw records
    and keys only when they are asked for: most never are.

    `table` is a pyarrow.Table with the requested columns in order, preceded by a column `#row` (int64: 0, 1, 2, ...).
    """

    table: Any
    raws: Sequence[bytes]
    rejected: tuple[Rejection, ...] = ()
    keys: Sequence[str | None] = field(default=(), compare=False)

    def records(self, rows: Sequence[int]) -> Sequence[bytes]:
        """Return the raw records of these rows, all with one call if the source makes them on request."""
        return self.raws.of(rows) if isinstance(self.raws, MadeLater) else [bytes(self.raws[row]) for row in rows]


@runtime_checkable
class MadeLater(Protocol):
    """Raw records that a source makes for the rows that are asked for."""

    def of(self, rows: Sequence[int]) -> Sequence[bytes]: ...


class KeysOf(Sequence[str | None]):
    """The keys of raw records, each read on access."""

    def __init__(self, raws: Sequence[bytes], key: Callable[[bytes], str | None]) -> None:
        self._raws, self._key = raws, key

    def __len__(self) -> int:
        return len(self._raws)

    def __iter__(self) -> Iterator[str | None]:
        return map(self._key, self._raws)

    @overload
    def __getitem__(self, at: int) -> str | None: ...
    @overload
    def __getitem__(self, at: slice) -> list[str | None]: ...
    def __getitem__(self, at: int | slice) -> str | list[str | None] | None:
        return [self._key(raw) for raw in self._raws[at]] if isinstance(at, slice) else self._key(self._raws[at])


@dataclass(frozen=True, slots=True)
class Chunk:
    """A range of an entity's keys in the source's own order: from `lower` (inclusive) to `upper` (exclusive).

    Bounds are keys for a server, positions for a dump (the store that made a chunk reads
    it); None is open. `count` is what the key scan saw in it.
    """

    entity: str
    number: int
    lower: str | None
    upper: str | None
    count: int
