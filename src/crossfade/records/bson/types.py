"""The BSON type of a decoded value, in the names of vocabulary.TYPES (binary data with its subtype)."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from types import NoneType
from typing import Any

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS
from bson.regex import Regex

from crossfade.records.bson.values import DBPointer, RawRegex, Symbol, Undefined

# Every class in a decoded document has one type, except the two below.
TYPE_OF_CLASS: Mapping[type[Any], str] = {
    float: "double",
    str: "string",
    dict: "object",
    list: "array",
    bytes: "binData:0",
    Undefined: "undefined",
    ObjectId: "objectId",
    bool: "bool",
    datetime.datetime: "date",
    DatetimeMS: "date",
    NoneType: "null",
    Regex: "regex",
    RawRegex: "regex",
    DBPointer: "dbPointer",
    Symbol: "symbol",
    int: "int",
    Int64: "long",
    Timestamp: "timestamp",
    Decimal128: "decimal",
    MinKey: "minKey",
    MaxKey: "maxKey",
}


def binary_type(value: Binary) -> str:
    return f"binData:{value.subtype}"


def code_type(value: Code) -> str:
    return "javascript" if value.scope is None else "javascriptWithScope"


def type_name(value: Any) -> str:
    """Return the name of the type. Raises TypeError for a value that no decoded document contains."""
    name = TYPE_OF_CLASS.get(type(value))
    if name is not None:
        return name
    if isinstance(value, Binary):
        return binary_type(value)
    if isinstance(value, Code):
        return code_type(value)
    raise TypeError(f"not a BSON value: {type(value).__name__}")


def classes_of(types: frozenset[str]) -> frozenset[type[Any]]:
    """Return the classes of values of these types (for Binary and Code, `type_name` returns the exact type)."""
    found = {cls for cls, name in TYPE_OF_CLASS.items() if name in types}
    if any(name.startswith("binData:") and name != "binData:0" for name in types):
        found.add(Binary)
    if types & {"javascript", "javascriptWithScope"}:
        found.add(Code)
    return frozenset(found)
