"""A schema as a JSON file: collections with their validators, indexes and references.

{"collections": {"users": {"validator": {"$jsonSchema": {...}},
                           "indexes": [{"key": {"email": 1}, "unique": true}],
                           "references": [{"fields": ["team"], "collection": "teams", "to": ["_id"]}],
                           "types": {"token": "uuid", "photo": "binData:5"},
                           "options": {"collation": {"locale": "en"}}}}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from crossfade.errors import Fault, SchemaFault
from crossfade.model.names import nearest
from crossfade.model.target import ForeignKey, TargetColumn, TargetSchema
from crossfade.schema.documents.collections import Collection, index_name, schema_of
from crossfade.schema.documents.commands import KEY
from crossfade.schema.documents.validators import ANY, UnknownType, columns_of, is_open

_KEYS = ("validator", "indexes", "references", "types", "options")


def read_json(text: str, file: str) -> TargetSchema:
    """Return the schema that the file describes. Raises SchemaFault with every fault found."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise SchemaFault([Fault(file, error.lineno, error.colno, f"not JSON: {error.msg}")]) from None
    faults: list[Fault] = []
    listed = found.get("collections") if isinstance(found, dict) else None
    if not isinstance(listed, dict):
        raise SchemaFault([Fault(file, 0, 0, "it has no object `collections`", hint='{"collections": {...}}')])
    collections = []
    for name, said in listed.items():
        try:
            collections.append(collection_of(name, _checked(name, said)))
        except ValueError as error:
            faults.append(Fault(file, 0, 0, f"{name}: {error}"))
    known = {c.name: {column.name for column in c.columns} for c in collections}
    for one in collections:
        for key in one.references:
            missing = [name for name in key.parent_columns if name not in known.get(key.parent, ())]
            if missing:
                faults.append(
                    Fault(file, 0, 0, f"{one.name}: a reference to {key.parent}.{missing[0]}, which does not exist")
                )
    if faults:
        raise SchemaFault(faults)
    return schema_of(collections)


def _checked(name: str, said: Any) -> Mapping[str, Any]:
    if not isinstance(said, dict):
        raise ValueError("a collection is an object")
    for key in said:
        if key not in _KEYS:
            raise ValueError(f"{key!r} is not known; did you mean {nearest(key, _KEYS) or ', '.join(_KEYS)}?")
    return said


def collection_of(name: str, said: Mapping[str, Any]) -> Collection:
    """Return one collection. Raises ValueError if it is invalid."""
    validator = said.get("validator", {})
    schema = validator.get("$jsonSchema", {}) if isinstance(validator, dict) else {}
    try:
        columns = columns_of(schema, said.get("types", {}))
    except UnknownType as error:
        raise ValueError(f"{error} is not a type of a field") from None
    if not any(column.name == KEY for column in columns):
        columns = (TargetColumn(KEY, ANY, nullable=False), *columns)
    columns = tuple(TargetColumn(c.name, c.type, nullable=False) if c.name == KEY else c for c in columns)
    ordered = sorted(columns, key=lambda column: column.name != KEY)  # MongoDB stores the key first
    options = dict(said.get("options", {}))
    if validator:
        options["validator"] = validator
    return Collection(
        name, tuple(ordered), tuple(_index(one) for one in said.get("indexes", ())),
        tuple(_reference(name, one) for one in said.get("references", ())), options, is_open(schema),
    )  # fmt: skip


def _index(said: Any) -> Mapping[str, Any]:
    if not isinstance(said, dict) or not isinstance(said.get("key"), dict) or not said["key"]:
        raise ValueError('an index has a key: {"key": {"email": 1}}')
    return {
        "key": said["key"],
        "name": said.get("name") or index_name(said["key"]),
        **{k: v for k, v in said.items() if k not in ("key", "name")},
    }


def _reference(name: str, said: Any) -> ForeignKey:
    if not isinstance(said, dict) or not said.get("fields") or not said.get("collection"):
        raise ValueError('a reference has fields and a collection: {"fields": ["team"], "collection": "teams"}')
    fields, to = tuple(said["fields"]), tuple(said.get("to", [KEY]))
    if nested := [field for field in fields if "." in field]:
        raise ValueError(f"{nested[0]!r} is within another field; a reference is of the document's own fields")
    return ForeignKey(said.get("name") or f"{name}_{'_'.join(fields)}_fkey", fields, str(said["collection"]), to)
