"""JSON schemas (as $jsonSchema takes them) and the types of fields that they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from crossfade.model.target import ColumnType, TargetColumn

_KINDS = {
    "objectId": "objectid",
    "string": "string",
    "int": "int4",
    "long": "int8",
    "double": "float8",
    "number": "float8",
    "decimal": "decimal128",
    "bool": "bool",
    "date": "timestamptz",
    "binData": "bytea",
    "uuid": "uuid",  # of the `types` of a collection: a JSON schema does not know subtypes
}
ANY = ColumnType("ejson", "any")
_GENERIC = {"boolean": "bool", "object": "object", "array": "array", "string": "string", "number": "number"}
"""Words of JSON Schema (`type`) for which `bsonType` has others."""


class UnknownType(ValueError):
    """A type that no field can be declared with; the message names it."""


def plain(name: str) -> ColumnType:
    """Return a type by its BSON name: `long`, `date`, `binData:5`. Raises UnknownType."""
    base, _, subtype = name.partition(":")
    if base == "any":
        return ANY
    if base not in _KINDS or (subtype and (base != "binData" or not subtype.isdigit())):
        raise UnknownType(name)
    kind = ColumnType(_KINDS[base], name, precision=3 if base == "date" else None)
    return replace(kind, subtype=int(subtype)) if subtype else kind


def columns_of(schema: Mapping[str, Any], given: Mapping[str, str], path: str = "") -> tuple[TargetColumn, ...]:
    """Return the fields of an object. `given` are types by path that a JSON schema cannot say. Raises UnknownType."""
    required = set(schema.get("required", ()))
    return tuple(
        _column(name, inner, name in required, given, f"{path}{name}")
        for name, inner in schema.get("properties", {}).items()
    )


def _column(name: str, schema: Mapping[str, Any], required: bool, given: Mapping[str, str], path: str) -> TargetColumn:
    """Return a field. For NULL of a mapping it is missing if it is not required, else null."""
    types = _types(schema)
    takes_null = "null" in types or (not types and "enum" not in schema)
    kind = plain(given[path]) if path in given else type_of(schema, given, path)
    return TargetColumn(name, kind, nullable=takes_null or not required, absent=not required)


def type_of(schema: Mapping[str, Any], given: Mapping[str, str], path: str) -> ColumnType:
    """Return the type that a JSON schema says. Of several, the first counts. Raises UnknownType."""
    types = [name for name in _types(schema) if name != "null"]
    labels = schema.get("enum")
    if labels and all(isinstance(label, str) or label is None for label in labels):
        texts = tuple(label for label in labels if label is not None)
        return ColumnType("enum", f"one of {', '.join(texts)}", labels=texts)
    if not types:
        return ANY
    if types[0] == "object":
        return _struct(schema, given, path)
    if types[0] == "array":
        items = schema.get("items")
        of = type_of(items, given, f"{path}.[]") if isinstance(items, Mapping) else ANY
        of = plain(given[f"{path}.[]"]) if f"{path}.[]" in given else of
        return ColumnType("array", f"array of {of.sql}", of=of)
    return plain(types[0])


def _struct(schema: Mapping[str, Any], given: Mapping[str, str], path: str) -> ColumnType:
    """Return the type of an object with the named fields; without any, of any object."""
    if "properties" not in schema:
        return ColumnType("ejson", "object")
    return ColumnType("struct", "object", fields=columns_of(schema, given, f"{path}."), is_open=is_open(schema))


def is_open(schema: Mapping[str, Any]) -> bool:
    """Return whether documents may have other fields than those named."""
    return schema.get("additionalProperties", True) is not False


def _types(schema: Mapping[str, Any]) -> list[str]:
    found: Any = schema.get("bsonType", schema.get("type", ()))
    names: Sequence[str] = [found] if isinstance(found, str) else found
    return [str(_GENERIC.get(name, name)) if "bsonType" not in schema else name for name in names]


# -- the other way: validators for a schema that comes without them

_BSON = {
    "objectid": ["objectId"],
    "string": ["string"],
    "enum": ["string"],
    "int4": ["int"],
    "int8": ["long", "int"],  # drivers write small numbers as int
    "float8": ["double", "int", "long"],
    "decimal128": ["decimal"],
    "bool": ["bool"],
    "timestamptz": ["date"],
    "bytea": ["binData"],
    "uuid": ["binData"],
    "struct": ["object"],
    "array": ["array"],
}


def validator_of(columns: Sequence[TargetColumn]) -> dict[str, Any]:
    """Return the JSON schema of an object with these fields; others are allowed."""
    found: dict[str, Any] = {"bsonType": "object"}
    if required := [c.name for c in columns if not c.absent]:
        found["required"] = required
    found["properties"] = {c.name: _schema_of(c.type, nullable=c.nullable) for c in columns}
    return found


def _schema_of(kind: ColumnType, *, nullable: bool) -> dict[str, Any]:
    if kind.kind == "ejson":
        return {}
    types = [*_BSON[kind.kind], *(["null"] if nullable else [])]
    found: dict[str, Any] = {"bsonType": types[0] if len(types) == 1 else types}
    if kind.kind == "enum":
        found["enum"] = [*kind.labels, *([None] if nullable else [])]
    if kind.kind == "struct":
        found |= {name: value for name, value in validator_of(kind.fields).items() if name != "bsonType"}
    if kind.kind == "array" and kind.of is not None:
        found["items"] = _schema_of(kind.of, nullable=False)
    return found
