"""The tables of a test's SQL as collections of MongoDB, whose schemas are commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from crossfade.model.target import ColumnType, TargetColumn, TargetSchema
from crossfade.schema.documents.collections import Collection, schema_of
from crossfade.schema.statements import split
from crossfade.stores.memory.statements import AddForeignKey, CreateIndex, CreateTable, read

KINDS = {
    "int2": ("int4", "int"), "int4": ("int4", "int"), "int8": ("int8", "long"), "float8": ("float8", "double"),
    "numeric": ("decimal128", "decimal"), "bool": ("bool", "bool"), "text": ("string", "string"),
    "uuid": ("uuid", "uuid"), "timestamp": ("timestamptz", "date"), "bytea": ("bytea", "binData"),
}  # fmt: skip


def schema_in_documents(script: str) -> TargetSchema:
    """Return the schema that the SQL text describes, as far as MongoDB has it."""
    found: dict[str, Collection] = {}
    for statement in split(script).statements:
        for change in read(statement.text):
            match change:
                case CreateTable(table, columns, key):
                    ordered = [*(c for c in columns if c.name in key), *(c for c in columns if c.name not in key)]
                    found[table] = Collection(table, tuple(map(_column, ordered)), primary=key)
                case CreateIndex(name, table, columns, unique):
                    index = {"key": dict.fromkeys(_fields(found[table], columns), 1), "name": name, "unique": unique}
                    found[table] = replace(found[table], indexes=(*found[table].indexes, index))
                case AddForeignKey(table, key):
                    own = found[table]
                    stored = tuple(_fields(found[key.parent], key.parent_columns))
                    found[table] = replace(own, references=(*own.references, replace(key, stored=stored)))
    return schema_of([replace(one, options=_validator(one)) for one in found.values()])


def _validator(of: Collection) -> dict[str, Any]:
    """Return the options of a collection whose fields without NULL are required."""
    required = [c for c in of.columns if not c.nullable and c.name not in of.primary]
    if not required:
        return {}
    fields = {c.name: {"bsonType": c.type.sql} for c in required}
    return {"validator": {"$jsonSchema": {"bsonType": "object", "required": list(fields), "properties": fields}}}


def _column(column: TargetColumn) -> TargetColumn:
    kind, name = KINDS[column.type.kind]
    precision = 3 if name == "date" else None
    return TargetColumn(column.name, ColumnType(kind, name, precision=precision), nullable=column.nullable)


def _fields(of: Collection, columns: Sequence[str]) -> list[str]:
    return ["_id" if of.primary == (name,) else name for name in columns]
