"""Find the implicit conversions that DuckDB adds to a mapping, in its bound plan.

Where values of two types are combined (a comparison, arithmetic, coalesce, the arguments of a function), DuckDB
converts one of them: a 64-bit integer to a double, text to a date, a timestamp without a zone to one with a zone.
`check` refuses conversions that may change the value or that guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from crossfade.model.sql_constants import fits_decimal, is_double, is_written_in_full
from crossfade.transform.engine import PAD

Type = Mapping[str, Any]

_BITS = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64, "HUGEINT": 128, "BIGNUM": 999,
         "UTINYINT": 8, "USMALLINT": 16, "UINTEGER": 32, "UBIGINT": 64, "UHUGEINT": 128}  # fmt: skip
_EXACT_BITS = {"DOUBLE": 32, "FLOAT": 16}
"""The widest integers, in bits, of which the type can represent all."""
_PRINTED = {*_BITS, "BOOLEAN", "DECIMAL", "DOUBLE", "FLOAT", "UUID", "DATE", "TIME", "TIMESTAMP", "TIMESTAMP_S",
            "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE", "INTERVAL", "ENUM", "VARCHAR",
            "BIT"}  # fmt: skip
"""The types whose text represents the value completely."""
_ZONED = "TIMESTAMP WITH TIME ZONE"
_LATER = {
    "DATE": {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", _ZONED},
    "TIMESTAMP_S": {"TIMESTAMP", "TIMESTAMP_MS", "TIMESTAMP_NS"},
    "TIMESTAMP_MS": {"TIMESTAMP", "TIMESTAMP_NS"},
    "TIMESTAMP": {"TIMESTAMP_NS"},
}
"""Types of time that can be converted to finer ones. DuckDB itself refuses values out of range."""
_TO_JSON = frozenset(
    "to_json json_object json_array json_quote array_to_json row_to_json json_group_array json_group_object".split()
)
_NO_JSON = {"BLOB", "BIT", "GEOMETRY"}


@dataclass(frozen=True, slots=True)
class Conversion:
    """`text` (a piece of the SQL) is converted from one type to the other; `hint` says what to write instead."""

    text: str
    source: str
    to: str
    hint: str

    def __str__(self) -> str:
        return f"DuckDB would convert {self.text} from {self.source} to {self.to}, which can change the value"


def conversions(plan: Any, sql: str) -> Iterator[Conversion]:
    """Yield the implicit conversions in a bound plan of `sql` (Engine.plan) that can change a value."""
    if isinstance(plan, dict):
        place = _place(plan)
        if place is not None:
            if plan.get("type") == "OPERATOR_CAST":
                yield from _of_cast(plan, place, sql)
            elif plan.get("expression_class") == "BOUND_FUNCTION":
                yield from _of_function(plan, place, sql)
        for value in plan.values():
            yield from conversions(value, sql)
    elif isinstance(plan, list):
        for value in plan:
            yield from conversions(value, sql)


def _place(node: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the position in the SQL, or None for an expression inside a macro, which has another text."""
    start = node.get("query_location")
    if not isinstance(start, int) or not PAD <= start < 2**40:
        return None
    return start - PAD, start - PAD + int(node["query_location_length"])


def _of_cast(node: Mapping[str, Any], place: tuple[int, int], sql: str) -> Iterator[Conversion]:
    (child,) = node["children"]
    text = sql[slice(*place)]
    if text.upper().startswith(("CAST(", "TRY_CAST(")) and _place(child) != place:
        return  # an explicit cast; casts.py has checked it
    if text.upper().startswith("CF_UUID_OF_BYTES("):
        return  # the macro's own cast of hexadecimal digits: a UUID of the source
    source, to = _type_of(child), node["return_type"]
    if child.get("value", {}).get("is_null"):
        return  # NULL does not change
    is_constant = child.get("type") == "VALUE_CONSTANT" and _place(child) is not None
    if not (_constant_fits(text, source, to) if is_constant else _keeps(source, to)):
        yield Conversion(_readable(text), _name(source), _name(to), _hint(source, to))


def _of_function(node: Mapping[str, Any], place: tuple[int, int], sql: str) -> Iterator[Conversion]:
    """Yield the conversions inside functions that accept any type."""
    name = str(node.get("qname", {}).get("path", [""])[-1])
    if name not in _TO_JSON:
        return
    for child in node.get("children", []):
        if _holds(_type_of(child), _NO_JSON):
            hint = "oid_text(...) of an ObjectId, hex(...) or base64(...) of other bytes"
            yield Conversion(_readable(sql[slice(*place)]), _name(_type_of(child)), "JSON", hint)


def _type_of(node: Mapping[str, Any]) -> Type:
    found: Type = node.get("return_type") or node["value"]["type"]
    return found


def _info(kind: Type) -> Mapping[str, Any]:
    return kind.get("type_info") or {}


def _inside(kind: Type) -> list[Type]:
    info = _info(kind)
    if "child_type" in info:
        return [info["child_type"]]
    return [one["second"] for one in info.get("child_types", [])]


def _holds(kind: Type, names: set[str]) -> bool:
    return kind["id"] in names or any(_holds(one, names) for one in _inside(kind))


def _keeps(source: Type, to: Type) -> bool:
    """Return whether the conversion keeps the value, or DuckDB refuses it."""
    one, other = source["id"], to["id"]
    if _inside(source) or _inside(to):
        parts = list(zip(_inside(source), _inside(to), strict=False))
        return len(_inside(source)) == len(_inside(to)) and all(_keeps(*pair) for pair in parts)
    if one in ("NULL", "SQLNULL"):
        return True
    if one == other == "DECIMAL":
        return int(_info(to)["scale"]) >= int(_info(source)["scale"])
    if one == other or (one in _BITS and (other in _BITS or other == "DECIMAL")):
        return True
    if one in _BITS and other in _EXACT_BITS:
        return _BITS[one] <= _EXACT_BITS[other]
    if one == "DECIMAL" and other == "DOUBLE":
        return int(_info(source)["width"]) <= 15
    if other == "VARCHAR":
        return one in _PRINTED
    return (
        (one, other) in (("FLOAT", "DOUBLE"), ("VARCHAR", "ENUM"))
        or (one == "BOOLEAN" and other in _BITS)
        or other in _LATER.get(one, ())
    )


def _constant_fits(text: str, source: Type, to: Type) -> bool:
    """Return whether a constant of the mapping has the notation of the type to which it is converted."""
    kind = to["id"]
    if source["id"] != "VARCHAR":
        return _number_fits(text, to) if kind in (*_EXACT_BITS, *_BITS) else _keeps(source, to)
    value = text[1:-1].replace("''", "'") if text.startswith("'") else text
    if kind in ("VARCHAR", "ENUM"):
        return True
    if kind in _BITS or kind in ("DECIMAL", *_EXACT_BITS):
        return re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value) is not None and _number_fits(value, to)
    if kind == "BLOB":
        return value.isascii() and "\\" not in value
    return is_written_in_full(value, kind)


def _number_fits(text: str, to: Type) -> bool:
    try:
        number = Decimal(text)
    except ArithmeticError:
        return False
    if to["id"] in _EXACT_BITS:
        return is_double(number)
    return fits_decimal(number, int(_info(to)["scale"]) if to["id"] == "DECIMAL" else 0)


def _name(kind: Type) -> str:
    info = _info(kind)
    if kind["id"] == "DECIMAL":
        return f"DECIMAL({info['width']}, {info['scale']})"
    if kind["id"] == "LIST":
        return f"{_name(info['child_type'])}[]"
    return {_ZONED: "TIMESTAMPTZ"}.get(kind["id"], str(kind["id"]))


_ELEMENT = re.compile(r"STRUCT_EXTRACT\(([\w.\"]+), '([^']*)'\)")
_LIST = re.compile(r"""LIST_TRANSFORM\(([\w.]+)\."([^"]+) \(list\)", LAMBDA cf_e : .*\)""")


def _readable(text: str) -> str:
    """Return a piece of generated SQL in the notation of the mapping."""
    text = _LIST.sub(r"\1.\2", text)
    while (shorter := _ELEMENT.sub(r"\1.\2", text)) != text:
        text = shorter
    text = re.sub(r'"([A-Za-z_][\w.]*)"', r"\1", text).rstrip(".")
    return "a value" if "LIST_TRANSFORM(" in text or "CF_" in text.upper() else text[:80]


def _hint(source: Type, to: Type) -> str:
    while _inside(source) and _inside(to):
        source, to = _inside(source)[0], _inside(to)[0]
    one, other = source["id"], to["id"]
    if other in _EXACT_BITS:
        return "CAST(... AS DOUBLE): a value that is not exactly a double is quarantined"
    if "BLOB" in (one, other):
        return "oid_text(...) of an ObjectId, hex(...) or base64(...) of other bytes"
    if other == _ZONED and one != "VARCHAR":
        return "timezone('UTC', ...), or another time zone"
    if other == "BOOLEAN":
        return "a comparison: ... <> 0"
    if other == _ZONED:
        return "parse_date(...), CAST(... AS TIMESTAMPTZ) of text with a zone, TIMESTAMPTZ '2024-01-26 10:30:00Z'"
    return f"CAST(... AS {_name(to)}), or one type on both sides"


__all__ = ["Conversion", "conversions"]
