"""Checks that no two things have the same name in the database, and that no name is too long for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crossfade.schema.prisma import names
from crossfade.schema.prisma.faults import Faults
from crossfade.schema.prisma.keys import NamedKey
from crossfade.schema.prisma.names import Dialect
from crossfade.schema.prisma.notes import Notes
from crossfade.schema.prisma.relations import ManyToMany, ModelRelation
from crossfade.schema.prisma.shape import EnumShape, ModelShape, SchemaShape
from crossfade.schema.prisma.syntax import FilePlace


def cut_names(shape: SchemaShape, dialect: Dialect, notes: Notes) -> None:
    """Truncate the names of tables, columns and enums as the database does: Prisma writes them in full."""
    limit = names.LIMIT[dialect]

    def truncated(name: str) -> str:
        short = names.cut(name, limit)
        if short != name:
            notes.add(f"PostgreSQL truncates names to {limit} bytes: {name} becomes {short}")
        return short

    for model in shape.models.values():
        model.table = truncated(model.table)
        for field in model.fields.values():
            field.column = truncated(field.column) if field.stored else field.column
    for enum in shape.enums.values():
        enum.stored = truncated(enum.stored)


def check_names(
    shape: SchemaShape,
    keys: Mapping[str, Sequence[NamedKey]],
    relations: Sequence[ModelRelation | ManyToMany],
    dialect: Dialect,
    faults: Faults,
) -> None:
    """Record a fault for every name that is too long or used twice."""
    check = _Check(dialect, faults)
    for model in shape.models.values():
        schema = (model.schema or "") if dialect == "postgresql" else ""
        check.table(schema, model.table, model.place, f"the table of {model.name}", "@@map")
        check.columns(model)
        for key in keys[model.name]:
            if key.kind != "id" or dialect == "postgresql":
                check.relation(schema, key.name, key.place, f"an index of {model.name}", "map:")
    for relation in relations:
        if isinstance(relation, ManyToMany):
            check.join(relation)
        else:
            check.foreign_key(relation)
    for enum in shape.enums.values():
        if dialect == "postgresql":
            check.enum(enum)


class _Check:
    def __init__(self, dialect: Dialect, faults: Faults) -> None:
        self.dialect = dialect
        self.faults = faults
        self.first_uses: dict[tuple[str, str], str] = {}

    def table(self, schema: str, name: str, place: FilePlace, what: str, by: str) -> None:
        """Record a table: it shares names with the relations of its schema and (in PostgreSQL) with its types."""
        self.relation(schema, name, place, what, by)
        if self.dialect == "postgresql":
            self._claim((f"\2{schema}", name), name, place, what, f"give one of them another name with {by}")

    def enum(self, enum: EnumShape) -> None:
        what = f"the type of enum {enum.name}"
        self._short(enum.stored, enum.place, what, "@@map")
        self._claim((f"\2{enum.schema or ''}", enum.stored), enum.stored, enum.place, what, "rename one with @@map")
        for label, stored in enum.labels.items():
            self._short(stored, enum.place, f"the value {enum.name}.{label}", "@map")

    def relation(self, schema: str, name: str, place: FilePlace, what: str, by: str) -> None:
        """Record an index: tables and indexes share one set of names in a schema (in SQLite, case-insensitive)."""
        self._short(name, place, what, by)
        self._claim((schema, name), name, place, what, f"give one of them another name with {by}")

    def columns(self, model: ModelShape) -> None:
        for field in model.fields.values():
            if field.stored:
                what = f"the column of {model.name}.{field.name}"
                self._short(field.column, field.place, what, "@map")
                key = (f"\0{model.name}", field.column)
                self._claim(key, field.column, field.place, what, "give one of them another name with @map")

    def foreign_key(self, relation: ModelRelation) -> None:
        place = relation.fields[0].place
        columns = [f.column for f in relation.fields]
        name = relation.name or names.foreign_key(relation.child.table, columns, self.dialect)
        what = f"a foreign key of {relation.child.name}"
        self._short(name, place, what, "map:")
        if self.dialect == "postgresql":
            key = (f"\1{relation.child.schema}.{relation.child.table}", name)
            self._claim(key, name, place, what, "give one relation another name with map:")

    def join(self, relation: ManyToMany) -> None:
        name = names.join_table(relation.name, self.dialect)
        schema = (relation.a.schema or "") if self.dialect == "postgresql" else ""
        self.table(schema, name, relation.a.place, f"the join table of {relation.name}", "@relation")

    def _claim(self, key: tuple[str, str], name: str, place: FilePlace, what: str, hint: str) -> None:
        folded = (key[0], name.lower()) if self.dialect == "sqlite" else key
        first = self.first_uses.setdefault(folded, what)
        if first is not what:
            self.faults.add(place, f"{what} and {first} are both called {name!r} in the database", hint=hint)

    def _short(self, name: str, place: FilePlace, what: str, by: str) -> None:
        limit, size = names.LIMIT[self.dialect], len(name.encode("utf-8"))
        if size > limit:
            reason = f"{what} is called {name!r}: {size} bytes, and the database allows {limit}"
            self.faults.add(place, reason, hint=f"give it a shorter name with {by}")
