"""The types of SQL databases, in their own words, and what a column of one arrives as.

`array` and `object` mean what they mean in documents. An array that is not plain (of several dimensions, or that does
not begin at 1) is of the type `matrix`: where there is one, the column arrives as the text that the server prints. So
do columns with infinite or very late dates, and all types that SQL engines do not share (intervals, ranges, enums).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import combinations

from crossfade.model.type_stats import TypeStats
from crossfade.model.vocabulary import Vocabulary
from crossfade.records.rows.json_values import WHOLE
from crossfade.schema.column_types import postgresql_type

MATRIX = "matrix"
JSON_NULL = "json null"
"""JSON's null as the whole value of a column, which is not NULL."""

KIND_OF_COLUMN: Mapping[str, str] = {
    "int2": "int",
    "int4": "int",
    "int8": "long",
    "float4": "float",
    "float8": "double",
    "numeric": "decimal",
    "bool": "bool",
    "text": "string",
    "char": "string",
    "uuid": "uuid",
    "timestamptz": "date",
    "timestamp": "timestamp",
    "date": "day",
    "time": "time",
    "json": "json",
    "jsonb": "json",
    "bytea": "binary",
}
"""Kind of a column type (model/target.CANONICAL) -> the kind of its values. Any other arrives as text."""

_JSON_TYPES = {
    "object": "object",
    "array": "array",
    "string": "string",
    WHOLE: "long",
    "number": "decimal",
    "boolean": "bool",
    JSON_NULL: "json",
}
"""The types of JSON values, and the kind of each."""

_CALENDAR = frozenset({"date", "timestamp", "day"})
_LAST_YEAR = 294_246  # the last whole year of microseconds in 64 bits


def is_json(declared: str) -> bool:
    """Return whether a column is declared as JSON, whatever the types of its values."""
    return declared in ("json", "jsonb")


def kind_of(types: Mapping[str, TypeStats], declared: str = "") -> str:
    """Return how a node arrives: a JSON column as its text, a place below it as what is there."""
    if is_json(declared):
        return "json"
    names = types.keys() - {"null"}
    if not names:
        return "null"
    if names <= _JSON_TYPES.keys():
        kinds = {_JSON_TYPES[name] for name in names}
        return "decimal" if kinds == {"long", "decimal"} else kinds.pop() if len(kinds) == 1 else "json"
    if len(names) > 1:
        return "string"
    (only,) = names
    if only in ("array", "object"):
        return only
    kind = KIND_OF_COLUMN.get(postgresql_type(only).kind, "string")
    return kind if kind not in _CALENDAR or _is_in_calendar(types[only], kind) else "string"


def _is_in_calendar(stats: TypeStats, kind: str) -> bool:
    texts = [text for text in (stats.least, stats.greatest) if text is not None]
    return all(is_finite(text) and (kind == "day" or _year(text) <= _LAST_YEAR) for text in texts)


def is_finite(text: str) -> bool:
    """Return whether a date or time, as PostgreSQL prints it, is not infinite."""
    return text not in ("infinity", "-infinity")


def _year(text: str) -> int:
    found = re.match(r"[0-9]+", text)
    return int(found[0]) if found else 0


def in_text(types: Mapping[str, TypeStats]) -> str | None:
    """Return which values make a column arrive as the text that the server prints."""
    if MATRIX in types:
        return "arrays that have several dimensions, or do not begin at 1"
    for name, stats in types.items():
        kind = KIND_OF_COLUMN.get(postgresql_type(name).kind, "")
        if kind in _CALENDAR and not _is_in_calendar(stats, kind):
            return "infinite dates, or dates that are too late for 64 bits"
    return None


def printed(types: Mapping[str, TypeStats]) -> str | None:
    """Return the type of dates whose text a place holds, if it arrives as text because of some of them."""
    names = types.keys() - {"null"}
    kind = postgresql_type(next(iter(names))).kind if len(names) == 1 else ""
    return kind if KIND_OF_COLUMN.get(kind) in _CALENDAR and kind_of(types) == "string" else None


_TYPES = (
    "smallint", "integer", "bigint", "real", "double precision", "numeric", "boolean", "text", "character varying",
    "character", "uuid", "timestamp with time zone", "timestamp without time zone", "date", "time without time zone",
    "json", "jsonb", "bytea", "array", MATRIX, "null", "object", "string", WHOLE, "number", JSON_NULL,
)  # fmt: skip

_FIELDS = "year month day hour minute second".split()
_EQUATES = frozenset(
    {"citext", "interval", "numrange", "nummultirange", "box", "circle", "path"}
    | {f"interval {field}" for field in _FIELDS}
    | {f"interval {first} to {last}" for first, last in combinations(_FIELDS, 2)}
)

POSTGRESQL = Vocabulary(
    "postgresql",
    kind_of,
    _TYPES,
    record="row",
    in_text=in_text,
    printed=printed,
    equates=_EQUATES,
    parsed_json=frozenset({"jsonb"}),
)
