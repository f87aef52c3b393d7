"""Values of decoded documents as canonical values; `OtherValue` for those that the schema does not allow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from bson import Binary, Decimal128, Int64, ObjectId
from bson.datetime_ms import DatetimeMS

from crossfade.model.canonical import element_of
from crossfade.model.target import ColumnType, TargetColumn
from crossfade.records.bson.ejson import canonical, date_to_ms

_SHOWN = 80
_MISSING = object()


class OtherValue(Exception):
    """A value that the schema does not allow: `said` ends the sentence "the column holds ..."."""

    def __init__(self, said: str) -> None:
        self.said = said
        super().__init__(said)


def field_of(doc: dict[str, Any], column: TargetColumn) -> Any:
    value = doc.get(column.name, _MISSING)
    if value is _MISSING:
        if column.absent or column.has_default:
            return None
        raise OtherValue("nothing: the field is missing")
    if value is None:
        if column.absent and column.nullable:
            if column.type.kind == "ejson":
                return canonical(None)  # the null of JSON; NULL is a missing field
            raise OtherValue("null, and the field is to be missing")
        return None
    return value_as(value, column.type)


def value_as(value: Any, kind: ColumnType) -> Any:
    """Return the canonical form of a document's value. Raises OtherValue for one of another type."""
    if kind.kind == "struct":
        return _struct(value, kind)
    if kind.kind == "array":
        if type(value) is not list:
            raise _other(value, kind)
        of = element_of(kind)
        return [None if v is None else value_as(v, of) for v in value]
    read: Callable[[Any, ColumnType], Any] = _READERS.get(kind.kind, _text)
    found = read(value, kind)
    if found is None:
        raise _other(value, kind)
    return found


def _struct(value: Any, kind: ColumnType) -> dict[str, Any]:
    if type(value) is not dict:
        raise _other(value, kind)
    known = {field.name for field in kind.fields}
    for name in value:
        if name not in known and not kind.is_open:
            raise OtherValue(f"the field {name!r}: {shown(value[name])}, which the schema does not have")
    found = dict[str, Any]()
    for field in kind.fields:
        try:
            found[field.name] = field_of(value, field)
        except OtherValue as unreadable:
            raise OtherValue(f"in {field.name} {unreadable.said}") from None
    return found


def _other(value: Any, kind: ColumnType) -> OtherValue:
    return OtherValue(f"{shown(value)}, which is not a valid {kind.sql}")


def shown(value: Any) -> str:
    text = canonical(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _text(value: Any, kind: ColumnType) -> str | None:
    return value if type(value) is str else None


def _of_class(*classes: type) -> Callable[[Any, ColumnType], Any]:
    return lambda value, kind: value if type(value) in classes else None


def _moment(value: Any, kind: ColumnType) -> int | None:
    return date_to_ms(value) * 1000 if type(value) in (datetime, DatetimeMS) else None


def _binary(value: Any, kind: ColumnType) -> bytes | None:
    subtype = value.subtype if type(value) is Binary else 0 if type(value) is bytes else None
    wanted = 4 if kind.kind == "uuid" else kind.subtype or 0
    if subtype != wanted or (kind.kind == "uuid" and len(value) != 16):
        return None
    return bytes(value)


_READERS: dict[str, Callable[[Any, ColumnType], Any]] = {
    "int4": _of_class(int),
    "int8": lambda value, kind: int(value) if type(value) is Int64 else None,
    "float8": _of_class(float),
    "bool": _of_class(bool),
    "timestamptz": _moment,
    "objectid": lambda value, kind: value.binary if type(value) is ObjectId else None,
    "decimal128": lambda value, kind: str(value) if type(value) is Decimal128 else None,
    "uuid": _binary,
    "bytea": _binary,
    "ejson": lambda value, kind: canonical(value),
}
