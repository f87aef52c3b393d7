"""A Prisma schema as collections: of the provider "mongodb", or one that was written for SQL.

What Prisma itself refuses for MongoDB is read in the one way that keeps its meaning, and each such deviation is a note:
an id without `@map("_id")`, native types of SQL, an implicit many-to-many relation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from crossfade.model.target import ColumnType, ForeignKey, TargetColumn, TargetSchema
from crossfade.schema.documents.collections import Collection, schema_of
from crossfade.schema.documents.commands import KEY
from crossfade.schema.documents.validators import ANY, plain, validator_of
from crossfade.schema.prisma import blocks_of
from crossfade.schema.prisma.faults import Faults
from crossfade.schema.prisma.keys import Keys, NamedKey
from crossfade.schema.prisma.notes import Notes
from crossfade.schema.prisma.relations import ModelRelation, RelationFinder
from crossfade.schema.prisma.resolve import resolve
from crossfade.schema.prisma.shape import FieldShape, ModelShape, SchemaShape
from crossfade.schema.prisma.types import Types

_SCALARS = {
    "String": "string", "Boolean": "bool", "Int": "int", "BigInt": "long", "Float": "double", "Decimal": "decimal",
    "DateTime": "date", "Json": "any", "Bytes": "binData",
}  # fmt: skip
_NATIVE = {
    "ObjectId": "objectId", "String": "string", "Bool": "bool", "Int": "int", "Long": "long", "Double": "double",
    "Date": "date", "Timestamp": "date", "Json": "any", "BinData": "binData", "Uuid": "uuid",
}  # fmt: skip
_OF_MONGODB = _NATIVE.keys() - {"Uuid"}


def read_prisma(paths: Sequence[Path]) -> TargetSchema:
    """Return the collections of .prisma files, or folders of them. Raises SchemaFault with every fault."""
    faults = Faults()
    shape = resolve(blocks_of(paths, faults), faults, has_composites=True)
    builder = _Builder(shape, faults)
    collections = builder.build()
    faults.raise_any()
    return schema_of(collections, builder.notes.lines())


class _Builder:
    def __init__(self, shape: SchemaShape, faults: Faults) -> None:
        self.shape, self.faults = shape, faults
        self.notes = Notes()
        if shape.source.provider not in (None, "mongodb"):
            self.notes.add(f"the schema was written for {shape.source.provider}; it is read for MongoDB")

    def build(self) -> list[Collection]:
        reader = Keys("postgresql", self.faults, self.notes)
        models = [m for m in self.shape.models.values() if not m.view]
        keys = {m.name: reader.of(m) for m in self.shape.models.values()}
        types = Types("sqlite", self.shape, sa.MetaData(), self.faults, Notes())
        relations = RelationFinder(self.shape, keys, types, self.faults, has_lists=True).all()
        found = {m.name: self._collection(m, keys[m.name]) for m in models}
        for relation in relations:
            if isinstance(relation, ModelRelation):
                child = found[relation.child.name]
                found[relation.child.name] = replace(
                    child, references=(*child.references, self._reference(relation, keys))
                )
            else:
                where = f"{relation.a.name} and {relation.b.name}"
                self.notes.add(
                    f"the many-to-many relation {relation.name} has no field in MongoDB; it is not stored", where
                )
        return list(found.values())

    def _collection(self, model: ModelShape, keys: Sequence[NamedKey]) -> Collection:
        ids = next((k.fields for k in keys if k.kind == "id"), ())
        if not ids:
            self.faults.add(model.place, f"{model.name} has no @id: MongoDB needs one", hint="add @id to a field")
        columns = tuple(self._columns(model.fields.values(), model.name, ids))
        primary = tuple(model.fields[name].column for name in ids)
        self._note_key(model, primary)
        indexes = tuple(self._indexes(model, keys, columns, primary))
        validator = {"$jsonSchema": validator_of(_as_stored(columns, primary))}
        return Collection(
            model.table, _key_first(columns, primary), indexes, (), {"validator": validator}, False, primary
        )

    def _note_key(self, model: ModelShape, primary: Sequence[str]) -> None:
        if len(primary) > 1:
            self.notes.add(f"the compound id is stored as _id: {{{', '.join(primary)}}}, beside its fields", model.name)
        elif primary and primary[0] != KEY:
            said = 'it is stored as _id, as MongoDB requires; Prisma needs @map("_id") for that'
            self.notes.add(said, f"{model.name}.{primary[0]}")

    def _columns(self, fields: Any, where: str, ids: Sequence[str] = ()) -> Iterator[TargetColumn]:
        for field in fields:
            if field.stored:
                required = field.required or field.many or field.name in ids
                kind = self._type(field, f"{where}.{field.name}")
                yield TargetColumn(field.column, kind, nullable=not required, absent=not required)

    def _type(self, field: FieldShape, where: str) -> ColumnType:
        of = self._item(field, where)
        return ColumnType("array", f"array of {of.sql}", of=of) if field.many else of

    def _item(self, field: FieldShape, where: str) -> ColumnType:
        if field.composite is not None:
            columns = tuple(self._columns(field.composite.fields.values(), field.composite.name))
            return ColumnType("struct", f"type {field.composite.name}", fields=columns)
        if field.enum is not None:
            labels = tuple(field.enum.labels.values())
            return ColumnType("enum", f"enum {field.enum.name}", labels=labels)
        if field.unsupported is not None:
            return ANY
        name = field.native.name.partition(".")[2] if field.native else ""
        if name and name not in _OF_MONGODB:
            kind = plain(_NATIVE.get(name, _SCALARS[field.scalar or "String"]))
            self.notes.add(f"MongoDB has no type @db.{name}; it is stored as {kind.sql}", where)
            return kind
        return plain(_NATIVE.get(name) or _SCALARS[field.scalar or "String"])

    def _indexes(
        self, model: ModelShape, keys: Sequence[NamedKey], columns: Sequence[TargetColumn], primary: Sequence[str]
    ) -> Iterator[dict[str, Any]]:
        absent = {c.name for c in columns if c.absent}
        for key in keys:
            if key.kind == "id":
                continue
            names = [KEY if primary == (part.field.column,) else part.field.column for part in key.parts]
            order = {n: -1 if part.descending else 1 for n, part in zip(names, key.parts, strict=True)}
            index: dict[str, Any] = {"key": order, "name": key.name}
            if key.kind == "unique":
                index["unique"] = True
            if key.kind == "unique" and (optional := [name for name in names if name in absent]):
                index["partialFilterExpression"] = {name: {"$exists": True} for name in optional}
                said = f"{key.name} is unique among the documents that have {' and '.join(optional)}"
                self.notes.add(f"{said}; Prisma's index would allow one document without", model.name)
            if key.where:
                self.notes.add(
                    f"{key.name}: a condition in SQL is not for MongoDB; the index is on all documents", model.name
                )
            yield index

    def _reference(self, relation: ModelRelation, keys: dict[str, list[NamedKey]]) -> ForeignKey:
        columns = tuple(f.column for f in relation.fields)
        parents = tuple(f.column for f in relation.references)
        ids = next((k.fields for k in keys[relation.parent.name] if k.kind == "id"), ())
        stored = (KEY,) if len(ids) == 1 and ids == tuple(f.name for f in relation.references) else parents
        name = relation.name or f"{relation.child.table}_{'_'.join(columns)}_fkey"
        return ForeignKey(name, columns, relation.parent.table, parents, stored)


def _as_stored(columns: Sequence[TargetColumn], primary: Sequence[str]) -> list[TargetColumn]:
    """Return the fields as the documents have them: a key of one field is `_id`."""
    one = primary[0] if len(primary) == 1 else None
    return [replace(c, name=KEY) if c.name == one else c for c in columns]


def _key_first(columns: Sequence[TargetColumn], primary: Sequence[str]) -> tuple[TargetColumn, ...]:
    return tuple(sorted(columns, key=lambda c: c.name not in primary))


__all__ = ["read_prisma"]
