"""The input and output of a reader: columns, and Arrow batches of documents checked strictly against a shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crossfade.model.rejection import Rejection
from crossfade.model.shape import Path

# The forms in which a mapping can read a place:
#   native   its single type in Arrow; canonical Extended JSON text if the node's kind is "mixed"
#   ejson    canonical Extended JSON text, for any value
#   json     plain JSON text, as an application would print it (docs/reference/mapping.md)
#   type     the BSON type's name as text ("int", "binData:4"); NULL if the field is missing
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
    """Documents of an entity. Row i of `table` is the document `raws[i]`. Rejected documents are in `rejected`, each
    with its position among all that were read, its key and its bytes.

    `table` is a pyarrow.Table with the requested columns in order, preceded by a column `#row` (int64: 0, 1, 2, ...).
    """

    table: Any
    raws: Sequence[bytes]
    rejected: tuple[Rejection, ...] = ()


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
