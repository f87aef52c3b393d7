"""The types of BSON, and what a place that holds some of them arrives as.

Names are those of MongoDB's $type operator. Binary data names its subtype, because a UUID and a blob are different
things: "binData:4", "binData:0". "missing" is not a type: it is counted apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from crossfade.model.type_stats import TypeStats, both
from crossfade.model.vocabulary import Vocabulary

TYPES = tuple(
    "double string object array undefined objectId bool date null regex dbPointer javascript symbol "
    "javascriptWithScope int timestamp long decimal minKey maxKey".split()
)

# PostgreSQL's timestamptz and Arrow's microseconds both hold these milliseconds since 1970 (years -4712 to 294246).
DATE_LEAST_MS = -210_866_803_200_000
DATE_GREATEST_MS = 9_223_371_331_199_999

_ARRIVES_AS_IT_IS = frozenset({"double", "string", "object", "array", "objectId", "bool", "decimal"})


def kind_of(types: Mapping[str, TypeStats], declared: str = "") -> str:
    """Return the kind of a place: of one type, that type; of int and long, long (no value changes). Any other mixture,
    and a type for which Arrow has none that is exact, is "mixed" and arrives as canonical Extended JSON.
    """
    names = types.keys() - {"null"}
    if not names:
        return "null"
    if names <= {"int", "long"}:
        return "long" if "long" in names else "int"
    if len(names) > 1:
        return "mixed"
    (only,) = names
    if only == "date":
        return "date" if dates_fit(types["date"]) else "mixed"
    if only in _ARRIVES_AS_IT_IS:
        return only
    if only == "binData:0":
        return "binary"
    return "uuid" if only == "binData:4" and types[only].min_length == types[only].max_length == 16 else "mixed"


def dates_fit(stats: TypeStats | None) -> bool:
    """Return whether the survey's dates all fit, so that the place arrives as a timestamp."""
    bounds = (None, None) if stats is None else (date_ms(stats.least), date_ms(stats.greatest))
    return all(ms is not None and DATE_LEAST_MS <= ms <= DATE_GREATEST_MS for ms in bounds)


def date_ms(text: str | None) -> int | None:
    """Return the milliseconds in `{"$date":{"$numberLong":"..."}}`, or None."""
    prefix, suffix = '{"$date":{"$numberLong":"', '"}}'
    if text is None or not (text.startswith(prefix) and text.endswith(suffix)):
        return None
    return int(text[len(prefix) : -len(suffix)])


def _both(one: TypeStats, other: TypeStats) -> TypeStats:
    """Combine what decides the kind of two places: the range of dates, the lengths of binary data."""
    dates = [(date_ms(text), text) for text in (one.least, one.greatest, other.least, other.greatest)]
    known = sorted((ms, text) for ms, text in dates if ms is not None)
    least, greatest = (known[0][1], known[-1][1]) if len(known) == 4 else (None, None)
    return replace(both(one, other), least=least, greatest=greatest)


def _knows(name: str) -> bool:
    return name in TYPES or name.startswith("binData:")


WORDS = Vocabulary("bson", kind_of, TYPES, _knows, _both, key=(("_id",),), uuids_are_bytes=True, record="document")
