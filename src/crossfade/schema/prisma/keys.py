"""Ids, uniques and indexes: what a model declares, checked against its fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from crossfade.model.quoting import identifier
from crossfade.schema.prisma import names
from crossfade.schema.prisma.attributes import Bound, FieldListItem, field_refs
from crossfade.schema.prisma.defaults import quoted, raw_sql
from crossfade.schema.prisma.faults import Faults
from crossfade.schema.prisma.names import Dialect
from crossfade.schema.prisma.notes import Notes
from crossfade.schema.prisma.opclasses import OPERATOR_CLASSES
from crossfade.schema.prisma.shape import FieldShape, ModelShape
from crossfade.schema.prisma.syntax import Call, FilePlace, Name, NumberLiteral, Pairs, Text, Value

_METHODS = {"BTree": "btree", "Hash": "hash", "Gist": "gist", "Gin": "gin", "SpGist": "spgist", "Brin": "brin"}


@dataclass(frozen=True)
class KeyPart:
    """One column of a key or index."""

    field: FieldShape
    descending: bool = False
    operators: str | None = None


@dataclass(frozen=True)
class NamedKey:
    """A primary key, unique index or index, with its name."""

    kind: str  # id, unique, index
    name: str
    parts: tuple[KeyPart, ...]
    place: FilePlace
    method: str | None = None
    where: str | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(p.field.name for p in self.parts)


class Keys:
    """Reads the keys of models."""

    def __init__(self, dialect: Dialect, faults: Faults, notes: Notes) -> None:
        self.dialect = dialect
        self.faults = faults
        self.notes = notes

    def of(self, model: ModelShape) -> list[NamedKey]:
        """Return all keys of a model, in the order of the file; record a fault if nothing identifies a row."""
        keys: list[NamedKey] = []
        for field in model.fields.values():
            for kind in ("id", "unique"):
                if kind in field.attributes:
                    keys += self._single(model, field, field.attributes[kind])
        for bound in model.attributes:
            if bound.name in ("id", "unique", "index"):
                keys += self._compound(model, bound)
            elif bound.name == "fulltext":
                self.notes.add("@@fulltext exists only in MySQL and is ignored", model.name)
        self._identified(model, keys)
        return keys

    def _identified(self, model: ModelShape, keys: list[NamedKey]) -> None:
        ids = [k for k in keys if k.kind == "id"]
        for extra in ids[1:]:
            hint = f"one @@id([{', '.join(f for k in ids for f in k.fields)}]) on the model makes a compound id"
            self.faults.add(extra.place, f"{model.name} has a second id", hint=hint)
        telling = [k for k in keys if k.kind != "index" and not k.where and all(p.field.required for p in k.parts)]
        names = {a.name for a in model.attributes} | {n for f in model.fields.values() for n in f.attributes}
        at_fault = model.lost or (names & {"id", "unique"} and not keys)
        if telling or model.view or model.ignored or at_fault:
            return
        reason = f"{model.name} has no @id, @@id, @unique or @@unique of required fields: nothing identifies its rows"
        self.faults.add(model.place, reason, hint="add a field: id String @id @default(cuid())")

    def _single(self, model: ModelShape, field: FieldShape, bound: Bound) -> list[NamedKey]:
        ref = FieldListItem(field.name, bound.place, {k: v for k, v in bound.values.items() if k in ("sort", "length")})
        part = self._part(model, ref, f"@{bound.name}")
        return [self._key(model, bound, (part,))] if part else []

    def _compound(self, model: ModelShape, bound: Bound) -> list[NamedKey]:
        what = f"@@{bound.name}"
        refs = field_refs(bound.values.get("fields"), self.faults, bound.place, what)
        parts = [self._part(model, ref, what, bound.values.get("ops")) for ref in refs]
        for position, ref in enumerate(refs):
            if ref.name in [r.name for r in refs[:position]]:
                self.faults.add(ref.place, f"{what} names {ref.name} twice")
        found = tuple(p for p in parts if p is not None)
        return [self._key(model, bound, found)] if found and len(found) == len(parts) else []

    def _part(self, model: ModelShape, ref: FieldListItem, what: str, operators: Value | None = None) -> KeyPart | None:
        field = model.fields.get(ref.name)
        if field is None:
            if not model.has(ref.name):
                self.faults.unknown(ref.place, f"field of {model.name} in {what}", ref.name, model.fields)
            return None
        if field.model is not None:
            relation = field.attributes.get("relation")
            own = relation.values.get("fields") if relation else None
            listed = ", ".join(i.path for i in getattr(own, "values", ()) if isinstance(i, Name))
            hint = f"use its columns: {listed}" if listed else "use the field that holds the id"
            self.faults.add(ref.place, f"{field.name} is a relation, not a column; {what} cannot use it", hint=hint)
            return None
        if not field.stored:
            return None
        if what.endswith("id") and not field.required:
            reason = f"{field.name} is {'a list' if field.many else 'optional'}; the fields of an id must be required"
            self.faults.add(ref.place, reason, suggestion=self.faults.replaced(field.source.type.place, "?", ""))
        if "length" in ref.options:
            self.notes.add(
                "index lengths exist only in MySQL; the whole value is indexed", f"{model.name}.{field.name}"
            )
        return KeyPart(field, self._descending(ref), self._operators(ref.options.get("ops") or operators))

    def _descending(self, ref: FieldListItem) -> bool:
        sort = ref.options.get("sort")
        if sort is not None and not (isinstance(sort, Name) and sort.path in ("Asc", "Desc")):
            self.faults.add(sort.place, "sort must be Asc or Desc")
        return isinstance(sort, Name) and sort.path == "Desc"

    def _operators(self, value: Value | None) -> str | None:
        if value is None or self.dialect == "sqlite":
            return None
        if isinstance(value, Name):
            if value.path in OPERATOR_CLASSES:
                return OPERATOR_CLASSES[value.path]
            hint = f'an operator class of PostgreSQL: raw("{value.path}")'
            self.faults.unknown(value.place, "operator class", value.path, OPERATOR_CLASSES, hint)
        elif raw := _raw(value):
            return raw
        else:
            self.faults.add(value.place, "ops must be an operator class", hint='write ops: raw("gin_trgm_ops")')
        return None

    def _key(self, model: ModelShape, bound: Bound, parts: tuple[KeyPart, ...]) -> NamedKey:
        columns = [p.field.column for p in parts]
        given = bound.text("map") or (bound.text("name") if bound.name == "index" else None)
        usual = {
            "id": lambda: names.primary_key(model.table, self.dialect),
            "unique": lambda: names.unique(model.table, columns, self.dialect),
            "index": lambda: names.index(model.table, columns, self.dialect),
        }
        where = self._where(model, bound.values.get("where"))
        name = given or usual[bound.name]()
        return NamedKey(bound.name, name, parts, bound.place, self._method(model, bound.values.get("type")), where)

    def _method(self, model: ModelShape, value: Value | None) -> str | None:
        if value is None:
            return None
        method = value.path if isinstance(value, Name) else ""
        if method not in _METHODS:
            self.faults.unknown(value.place, "type of index", method or "?", _METHODS)
            return None
        if self.dialect == "sqlite":
            self.notes.add(f"SQLite has no {method} index; an ordinary index is used", model.name)
            return None
        return _METHODS[method] if method != "BTree" else None

    def _where(self, model: ModelShape, value: Value | None) -> str | None:
        if value is None:
            return None
        if raw := _raw(value):
            return raw
        if not isinstance(value, Pairs) or not value.pairs:
            hint = "write where: raw(\"status = 'active'\") or where: { active: true }"
            self.faults.add(value.place, "where must be a condition", hint=hint)
            return None
        terms = [self._term(model, name, condition) for name, condition in value.pairs]
        return " AND ".join(t for t in terms if t is not None) or None

    def _term(self, model: ModelShape, name: str, value: Value) -> str | None:
        field = model.fields.get(name)
        if field is None:
            self.faults.unknown(value.place, f"field of {model.name} in where", name, model.fields)
            return None
        negated = isinstance(value, Pairs) and len(value.pairs) == 1 and value.pairs[0][0] == "not"
        inner = value.pairs[0][1] if negated and isinstance(value, Pairs) else value
        literal = _literal(inner, field)
        if not field.stored or literal is None:
            hint = 'use raw("...") for anything but equality'
            self.faults.add(value.place, f"{name} cannot be compared with this value", hint=hint)
            return None
        column = identifier(field.column)
        if literal == "NULL":
            return f"{column} IS NOT NULL" if negated else f"{column} IS NULL"
        return f"{column} {'<>' if negated else '='} {literal}"


def _raw(value: Value) -> str | None:
    """Return the text of raw("..."), or None."""
    if isinstance(value, Call) and value.name == "raw" and len(value.arguments) == 1:
        inner = value.arguments[0].value
        return (inner.value.strip() or None) if isinstance(inner, Text) else None
    return None


def _literal(value: Value, field: FieldShape) -> str | None:
    """Return a value of where as SQL, or None if it does not fit the field."""
    if isinstance(value, Name) and value.path == "null":
        return "NULL"
    if isinstance(value, Name) and value.path in ("true", "false") and field.scalar == "Boolean":
        return value.path
    if isinstance(value, NumberLiteral) and field.scalar in ("Int", "BigInt", "Float", "Decimal"):
        return value.text
    if isinstance(value, Text) and field.enum is not None:
        return quoted(field.enum.labels.get(value.value, value.value))
    if isinstance(value, Text) and field.scalar in ("String", "DateTime"):
        return quoted(value.value)
    return None


def make_index(key: NamedKey, table: sa.Table, dialect: Dialect) -> sa.Index:
    """Create the index of a unique or index key, attached to its table."""
    options: dict[str, Any] = {}
    if key.method:
        options["postgresql_using"] = key.method
    if key.where:
        options[f"{dialect}_where"] = raw_sql(key.where)
    expressions = [_expression(p, table) for p in key.parts]
    operators = {p.field.column: p.operators for p in key.parts if p.operators and not p.descending}
    if operators:
        options["postgresql_ops"] = operators
    index = sa.Index(key.name, *expressions, unique=key.kind == "unique", **options)
    if index.table is None:
        table.append_constraint(index)
    return index


def _expression(part: KeyPart, table: sa.Table) -> Any:
    column = table.c[part.field.column]
    if not part.descending:
        return column
    if part.operators is None:
        return column.desc()
    # The operator class comes between column and order, where SQLAlchemy cannot put it.
    quotes = identifier(column.name)
    return raw_sql(f"{quotes} {part.operators} DESC")
