"""A place in records, and what was seen there of one type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Path = tuple[str, ...]
"""Steps from the root: field names as they are in the source; "[]" steps into the elements of an array, "{}" into the
values of a map.

A field that is itself named "[]" is stepped into as "\\[]", one named "{}" as "\\{}".
"""


DISTINCT = 1000
LISTED = 32
SHORT = 64
"""Characters of the longest value of a place whose values are told apart."""


@dataclass(frozen=True, slots=True)
class TypeStats:
    """What was seen of one type at one place. A count of 0: it was declared, and no value was seen.

    `least` and `greatest` are values (in the form of a key; long ones cut after 64 characters and ended with an
    ellipsis); `min_length` and `max_length` are characters of text, bytes of binary data, elements of an array,
    fields of an object; `keys` are up to three keys of records that hold it, kept where
    the type is a minority at its place.

    `distinct` is the number of different values, if it was counted and is at most DISTINCT; `values` are all of them,
    sorted, if they are at most LISTED.
    """

    count: int
    least: str | None = None
    greatest: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    keys: tuple[str, ...] = ()
    distinct: int | None = None
    values: tuple[str, ...] = ()


def both(one: TypeStats, other: TypeStats) -> TypeStats:
    """Return what was seen at two places, as far as that is known without their values."""
    return TypeStats(
        one.count + other.count,
        min_length=_either(min, one.min_length, other.min_length),
        max_length=_either(max, one.max_length, other.max_length),
    )


def _either(choose: Callable[[int, int], int], one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else choose(one, other)
