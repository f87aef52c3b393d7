"""The names that a source has for its types, and the kind in which a place with such types arrives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from crossfade.model.type_stats import Path, TypeStats, both

# How a value arrives, for the mapping language and as a type of the engine. A codec gives each place one of these.
#   null       nothing was ever seen there
#   bool       BOOLEAN
#   int, long  whole numbers of up to 32 and 64 bits: SMALLINT or INTEGER, BIGINT
#   float      FLOAT, 32 bits
#   double     DOUBLE
#   decimal    an exact number as text
#   string     VARCHAR
#   binary     BLOB
#   uuid       UUID
#   date       a moment: TIMESTAMPTZ
#   timestamp  a day and a time without a zone: TIMESTAMP
#   day        DATE
#   time       a time of day: TIME
#   json       JSON text
#   objectId   12 bytes
#   object     named places below it, no value of its own
#   array      elements, which are a place of their own
#   mixed      several types, or one that SQL does not have: the codec's own text for a value of any type
KINDS = tuple(
    "null bool int long float double decimal string binary uuid date timestamp day time json objectId object array"
    " mixed".split()
)


def _anything(name: str) -> bool:
    return True


def _nothing(types: Mapping[str, TypeStats]) -> None:
    return None


@dataclass(frozen=True)
class Vocabulary:
    """The types of one kind of source. `object`, `array` and `null` mean the same in all.

    `name` is its name in source.lock.json. `kind_of` returns the kind (of KINDS) of a place with these types and this
    declaration ("" if there is none). `types` are the fixed names of types; `knows` also accepts names that have parts,
    such as a subtype. `both` combines what decides the kind of two places. `key` is where a record holds its key, if
    that is the same in every entity. `uuids_are_bytes`: a UUID comes as 16 bytes, which the mapping turns into one.
    `record` is what a record is called. `in_text` says which values make a place of these types arrive as text, if its
    type alone would not; `printed` is the type of column (model/target.CANONICAL) whose text they are then. `equates`
    are types of which the source may treat different texts as equal. `parsed_json`: declared types of JSON that the
    source has parsed; other JSON is text as it was written.
    """

    name: str
    kind_of: Callable[[Mapping[str, TypeStats], str], str]
    types: tuple[str, ...] = ()
    knows: Callable[[str], bool] = _anything
    both: Callable[[TypeStats, TypeStats], TypeStats] = both
    key: tuple[Path, ...] = ()
    uuids_are_bytes: bool = False
    record: str = "record"
    in_text: Callable[[Mapping[str, TypeStats]], str | None] = _nothing
    printed: Callable[[Mapping[str, TypeStats]], str | None] = _nothing
    equates: frozenset[str] = frozenset()
    parsed_json: frozenset[str] = frozenset()


def _structure(types: Mapping[str, TypeStats], declared: str) -> str:
    only = set(types) - {"null"}
    if not only:
        return "null"
    return only.pop() if only in ({"object"}, {"array"}) else "mixed"


NO_VOCABULARY = Vocabulary("", _structure)
"""The vocabulary of a place where nothing was ever seen."""
