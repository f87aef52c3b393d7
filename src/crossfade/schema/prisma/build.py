"""Builds SQLAlchemy MetaData from a resolved shape. Everything is checked before any table is created."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from crossfade.model.quoting import qualified
from crossfade.schema.prisma import names
from crossfade.schema.prisma.defaults import Default, Defaults, labels_check, raw_sql
from crossfade.schema.prisma.distinct_names import check_names, cut_names
from crossfade.schema.prisma.faults import Faults
from crossfade.schema.prisma.keys import Keys, NamedKey, make_index
from crossfade.schema.prisma.names import Dialect
from crossfade.schema.prisma.notes import Notes
from crossfade.schema.prisma.relations import ManyToMany, ModelRelation, RelationFinder
from crossfade.schema.prisma.shape import FieldShape, ModelShape, SchemaShape
from crossfade.schema.prisma.types import Types

_POSTGRESQL = ("postgresql", "postgres", "prisma+postgres", "cockroachdb")
_SPELL: dict[Dialect, sa.Dialect] = {
    # with any other style percent signs of names are doubled
    "postgresql": PGDialect(paramstyle="named"),  # type: ignore[no-untyped-call] # SQLAlchemy left it untyped
    "sqlite": SQLiteDialect(),
}


@dataclass(frozen=True)
class PrismaView:
    """A view in the schema. A Prisma schema has its columns, not its query: it must be created elsewhere."""

    name: str
    schema: str | None
    prisma_name: str
    columns: tuple[sa.Column[Any], ...]
    comment: str | None


class Builder:
    """Builds the metadata of one shape for one dialect."""

    def __init__(self, shape: SchemaShape, dialect: Dialect, faults: Faults, *, comments: bool = False) -> None:
        self.shape = shape
        self.dialect = dialect
        self.comments = comments
        self.metadata = sa.MetaData()
        self.notes = Notes()
        cut_names(shape, dialect, self.notes)
        self.types = Types(dialect, shape, self.metadata, faults, self.notes)
        self.faults = faults
        foreign = shape.source.provider is not None and (dialect == "sqlite") != (shape.source.provider == "sqlite")
        foreign = foreign or (dialect == "postgresql" and shape.source.provider not in (None, *_POSTGRESQL))
        self.defaults = Defaults(dialect, foreign, faults, self.notes)
        self.views: list[PrismaView] = []
        self._general_notes(foreign)

    def _general_notes(self, foreign: bool) -> None:
        source = self.shape.source
        if foreign:
            self.notes.add(f"the schema was written for {source.provider}; it is read for {self.dialect}")
        if source.schemas and self.dialect == "sqlite":
            self.notes.add("SQLite has no schemas; all tables are in one")
        if source.relation_mode == "prisma":
            self.notes.add('relationMode is "prisma": there are no foreign keys in the database')

    def build(self) -> None:
        """Check everything, then fill `metadata` and `views`.

        :raises SchemaFault: with all that is wrong, those found earlier included.
        """
        reader = Keys(self.dialect, self.faults, self.notes)
        keys = {m.name: reader.of(m) for m in self.shape.models.values()}
        columns = {m.name: self._columns(m, keys[m.name]) for m in self.shape.models.values()}
        for name, found in keys.items():
            self.types.note_operators(found, name)
        relations = RelationFinder(self.shape, keys, self.types, self.faults).all()
        check_names(self.shape, keys, relations, self.dialect, self.faults)
        self.faults.raise_any()
        for model in self.shape.models.values():
            if model.view:
                self._view(model, columns[model.name])
            else:
                self._table(model, columns[model.name], keys[model.name])
        for relation in relations:
            if isinstance(relation, ModelRelation):
                self._foreign_key(relation, keys)
            else:
                self._join_table(relation, keys)

    def schema_of(self, schema: str | None) -> str | None:
        """Return a schema's name if the dialect has schemas."""
        return schema if self.dialect == "postgresql" else None

    def _columns(self, model: ModelShape, keys: list[NamedKey]) -> list[sa.Column[Any]]:
        ids = {f for k in keys if k.kind == "id" for f in k.fields}
        return [self._column(model, f, f.name in ids) for f in model.fields.values() if f.stored]

    def _column(self, model: ModelShape, field: FieldShape, in_id: bool) -> sa.Column[Any]:
        where = f"{model.name}.{field.name}"
        kind = self.types.of(field, where)
        default = self.defaults.of(field, kind.compile(_SPELL[self.dialect]), where)
        if default.serial and isinstance(kind, pg.OID):
            self.notes.add(
                "Prisma creates no default for an autoincrement() of type Oid; a mapping must fill it", where
            )
            default = Default(function=default.function)
        server: Any = default.server
        sequence = self._sequence(model, field, default, kind, in_id)
        if sequence is not None:
            server = sequence.next_value()
        return sa.Column(
            field.column,
            kind,
            nullable=not field.required,
            server_default=server,
            comment=field.doc if self.comments else None,
            autoincrement=default.serial and in_id and sequence is None,
            info=_info(field, default)
            | ({"owned_sequence": sequence} if sequence is not None and default.serial else {}),
        )

    def _sequence(
        self, model: ModelShape, field: FieldShape, default: Default, kind: Any, in_id: bool
    ) -> sa.Sequence | None:
        """Return the sequence of sequence(), and of an autoincrement() that is not the id: SQLAlchemy creates none."""
        if default.sequence is None and (not default.serial or in_id):
            return None
        if self.dialect == "sqlite":
            self.notes.add(
                "SQLite generates numbers only for the id; a mapping must fill this column",
                f"{model.name}.{field.name}",
            )
            return None
        schema = self.schema_of(model.schema)
        if default.sequence is not None:
            name = names.cut(f"prisma_sequence_{model.table}_{field.column}", names.LIMIT[self.dialect])
            options: dict[str, Any] = dict(default.sequence)
            return sa.Sequence(name, schema=schema, metadata=self.metadata, **options)
        name = names.join_part(f"{model.table}_{field.column}", "_seq", self.dialect)
        return sa.Sequence(name, schema=schema, metadata=self.metadata, data_type=kind)

    def _view(self, model: ModelShape, columns: list[sa.Column[Any]]) -> None:
        schema = self.schema_of(model.schema)
        self.views.append(PrismaView(model.table, schema, model.name, tuple(columns), model.doc))
        self.notes.add("a view has no query in a Prisma schema; it is not created", model.table)

    def _table(self, model: ModelShape, columns: list[sa.Column[Any]], keys: list[NamedKey]) -> None:
        table = sa.Table(
            model.table,
            self.metadata,
            *columns,
            *self._primary_key(keys),
            *self._enum_checks(model),
            schema=self.schema_of(model.schema),
            comment=model.doc if self.comments else None,
            info={"prisma_name": model.name, "prisma_ignored": model.ignored},
            sqlite_autoincrement=self._counts_up(model, keys),
        )
        for column in table.columns:
            if "owned_sequence" in column.info:
                sa.event.listen(table, "after_create", _owned_by(column.info.pop("owned_sequence"), column))
        for key in keys:
            if key.kind != "id":
                make_index(key, table, self.dialect)

    def _counts_up(self, model: ModelShape, keys: list[NamedKey]) -> bool:
        ids = [k for k in keys if k.kind == "id"]
        if self.dialect != "sqlite" or not ids or len(ids[0].parts) != 1:
            return False
        return bool(model.fields[ids[0].fields[0]].attributes.get("default")) and _serial(ids[0].parts[0].field)

    def _primary_key(self, keys: list[NamedKey]) -> list[sa.PrimaryKeyConstraint]:
        """Return the primary key, named as in PostgreSQL; in SQLite, Prisma gives it no name."""
        ids = [k for k in keys if k.kind == "id"]
        if not ids:
            return []
        columns = [p.field.column for p in ids[0].parts]
        name = ids[0].name if self.dialect == "postgresql" else None
        return [sa.PrimaryKeyConstraint(*columns, name=name)]

    def _enum_checks(self, model: ModelShape) -> list[sa.CheckConstraint]:
        if self.dialect == "postgresql":
            return []
        checks: list[sa.CheckConstraint] = []
        for field in model.fields.values():
            if field.enum is not None and not field.many:
                condition = labels_check(field.column, list(field.enum.labels.values()))
                name = names.join_part(f"{model.table}_{field.column}", "_check", self.dialect)
                checks.append(sa.CheckConstraint(raw_sql(condition), name=name))
        return checks

    def _foreign_key(self, relation: ModelRelation, keys: dict[str, list[NamedKey]]) -> None:
        if self.shape.source.relation_mode == "prisma":
            return
        child, parent = self._made(relation.child), self._made(relation.parent)
        columns = [f.column for f in relation.fields]
        ids = [set(k.fields) for k in keys[relation.parent.name] if k.kind == "id"]
        on_itself = child is parent and {f.name for f in relation.references} not in ids
        child.append_constraint(
            sa.ForeignKeyConstraint(
                columns,
                [parent.c[f.column] for f in relation.references],
                name=relation.name or names.foreign_key(relation.child.table, columns, self.dialect),
                ondelete=relation.on_delete,
                onupdate=relation.on_update,
                # The unique index that it needs is created after the table.
                use_alter=on_itself,
                info={"prisma_name": relation.relation} if relation.relation else None,
            )
        )

    def _join_table(self, relation: ManyToMany, keys: dict[str, list[NamedKey]]) -> None:
        name = names.join_table(relation.name, self.dialect)
        sides = [("A", relation.a), ("B", relation.b)]
        ids = {side: self._made(model).c[_id_column(keys[model.name])] for side, model in sides}
        columns = [sa.Column(side, target.type, nullable=False, autoincrement=False) for side, target in ids.items()]
        table = sa.Table(name, self.metadata, *columns, schema=self.schema_of(relation.a.schema))
        table.info["prisma_relation"] = relation.name
        if self.dialect == "postgresql":
            called = names.join_part(name, "_AB_pkey", self.dialect)
            table.append_constraint(sa.PrimaryKeyConstraint("A", "B", name=called))
        else:
            sa.Index(names.join_part(name, "_AB_unique", self.dialect), table.c.A, table.c.B, unique=True)
        sa.Index(names.join_part(name, "_B_index", self.dialect), table.c.B)
        if self.shape.source.relation_mode == "prisma":
            return
        for side, target in ids.items():
            called = names.join_part(name, f"_{side}_fkey", self.dialect)
            table.append_constraint(
                sa.ForeignKeyConstraint([side], [target], name=called, ondelete="CASCADE", onupdate="CASCADE")
            )

    def _made(self, model: ModelShape) -> sa.Table:
        schema = self.schema_of(model.schema)
        return self.metadata.tables[f"{schema}.{model.table}" if schema else model.table]


def _owned_by(sequence: sa.Sequence, column: sa.Column[Any]) -> sa.DDL:
    """Do what SERIAL does: the sequence is dropped with its column, and pg_get_serial_sequence finds it."""
    owner = qualified(column.table.schema, column.table.name, column.name)
    statement = f"ALTER SEQUENCE {qualified(sequence.schema, sequence.name)} OWNED BY {owner}"
    return sa.DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call] # SQLAlchemy left it untyped


def _id_column(keys: list[NamedKey]) -> str:
    return next(k for k in keys if k.kind == "id").parts[0].field.column


def _serial(field: FieldShape) -> bool:
    value = field.attributes["default"].values.get("value")
    return getattr(value, "name", None) == "autoincrement"


def _info(field: FieldShape, default: Default) -> dict[str, Any]:
    info: dict[str, Any] = {"prisma_name": field.name}
    if default.function:
        info["prisma_default"] = default.function
    if "updatedAt" in field.attributes:
        info["prisma_updated_at"] = True
    if "ignore" in field.attributes:
        info["prisma_ignored"] = True
    return info
