"""Decides which objects are maps: those whose keys are data (a user's id, a month, a slug) and not field names.

The decision depends only on the counts of all documents, so that it does not depend on how the work was divided.
An object is a map

1. if crossfade.toml says so, and never if it says the opposite; else
2. if it has more than `MOST_FIELDS` different keys, whatever they hold: so many paths cannot be reviewed. This cannot
   become false later, so it is applied while counting, which bounds the memory;
3. if at least nine in ten of its keys look like data: ids, dates, numbers (`looks_like_data`);
4. if it has `MANY_NAMES` different keys or more, which vary between objects (the largest object has at most half of
   them, and an average object at most a quarter), and whose values are all alike.

The document itself is never a map: it has an `_id`. docs/decisions/0016 gives the reasons for these rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from crossfade.records.bson.counted import PlaceStats

MOST_FIELDS = 1000
MANY_NAMES = 50

_NUMBERS = frozenset({"int", "long", "double", "decimal"})

_DATA = re.compile(
    r"""
      [0-9a-f]{24} | [0-9A-F]{24}                                     # an ObjectId
    | [0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}            # a UUID
    | (?=[a-f]*[0-9])[0-9a-f]{16,}                                    # a digest
    | [0-9]{5,}                                                       # a number: an id, a day as 20240131, an epoch
    | (?:19|20)[0-9]{2}                                               # a year
    | (?:[0-9]{4}[-/_.][0-9]{1,2}(?:[-/_.][0-9]{1,2})?
      | [0-9]{1,2}[-/_.][0-9]{1,2}[-/_.][0-9]{4}
      | [0-9]{4}-?W[0-9]{2} | [0-9]{4}-?Q[1-4])                       # a month, a day, a week, a quarter
      (?:[T ][0-9]{2}(?::?[0-9]{2}){0,2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?
    | [^@\s]+@[^@\s]+\.[^@\s]+                                        # an e-mail address
    | (?=[^0-9]*[0-9])(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])[-_0-9A-Za-z]{20,}  # a random id of 20 characters or more
    """,
    re.VERBOSE,
)


def looks_like_data(name: str) -> bool:
    """Return whether a key looks like an id, a date or a number, and not like the name of a field.

    >>> [looks_like_data(name) for name in ("2024-01", "507f1f77bcf86cd799439011", "street", "address2")]
    [True, True, False, False]
    """
    return _DATA.fullmatch(name) is not None


Absorb = Callable[[Iterable[PlaceStats]], PlaceStats]
"""Return one place with the counts of several."""


def is_map(place: PlaceStats, absorb: Absorb) -> bool:
    """Return whether the fields of a place are the keys of a map, by their names and values (3 and 4 above)."""
    count = len(place.fields)
    if not count:
        return False
    unlike = 0
    for name in place.fields:
        unlike += not looks_like_data(name)
        if 10 * unlike > count:
            break
    else:
        return True
    return count >= MANY_NAMES and _names_change(place) and _values_are_alike(absorb(place.fields.values()), absorb)


def _names_change(place: PlaceStats) -> bool:
    objects = place.types["object"]
    entries = sum(child.total for child in place.fields.values())
    count = len(place.fields)
    return 2 * (objects.max_length or 0) <= count and 4 * entries <= count * objects.count


def _values_are_alike(values: PlaceStats, absorb: Absorb) -> bool:
    """Return whether all values have one type (all numbers count as one), mostly the same fields, or are maps."""
    kinds = {"number" if kind in _NUMBERS else kind for kind in values.types} - {"null"}
    if len(kinds) != 1:
        return not kinds
    if "object" not in kinds or not values.fields:
        return True
    entries = sum(child.total for child in values.fields.values())
    return 2 * entries >= len(values.fields) * values.count_of("object") or is_map(values, absorb)
