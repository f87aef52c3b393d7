"""The target for the pipeline: tables, columns and their types. Values only.

schema/ makes these from Prisma, SQL, a live database or SQLAlchemy metadata.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from crossfade.model.described import Described
from crossfade.model.quoting import spellings

# Kinds of column types. `ColumnType.kind` is one of these; each is listed with the canonical Arrow type of its values.
# Source rows (after transform/fit/) and rows read back from a target both come in this one form, so that comparing is
# comparing Arrow values.
CANONICAL = {
    "int2": "int16",
    "int4": "int32",
    "int8": "int64",
    "float4": "float32",
    "float8": "float64",
    "numeric": "string",  # plain decimal digits with its own or the declared scale; NaN, Infinity, -Infinity
    "bool": "bool",
    "text": "string",  # also varchar(n) with `length`, citext with `name`
    "char": "string",  # blank-padded: trailing spaces are not significant
    "uuid": "binary16",
    # microseconds since 1970 UTC, no zone in the Arrow type; infinity is not a value of ours
    "timestamptz": "timestamp[us]",
    "timestamp": "timestamp[us]",
    "date": "date32",
    "time": "time64[us]",
    "json": "string",
    "jsonb": "string",
    "bytea": "binary",
    "enum": "string",
    "array": "list",
    "struct": "struct",  # an object whose fields are named: `ColumnType.fields`
    "objectid": "binary12",
    "string": "string",  # any text, the character NUL included
    "decimal128": "string",  # as the store prints it: 1.10 is not 1.1
    "ejson": "string",  # a value of any type, as canonical Extended JSON
    "other": "string",  # any other type, in the text form that PostgreSQL prints
}


@dataclass(frozen=True)
class ColumnType:
    """A column's type. `sql` is the target's notation (for messages and casts)."""

    kind: str
    sql: str
    length: int | None = None  # characters of varchar(n), char(n)
    precision: int | None = None  # numeric(p, s); digits of a second for timestamps (0 to 6)
    scale: int | None = None
    labels: tuple[str, ...] = ()  # enum
    of: ColumnType | None = None  # element type of an array
    # The following is in the steps that create a table, too, and so in a schema's digest.
    fields: tuple[TargetColumn, ...] = field(default=(), repr=False)  # of a struct
    is_open: bool = field(default=False, repr=False)  # may a struct have further fields, which are not the move's?
    subtype: int | None = field(default=None, repr=False)  # of binary data


@dataclass(frozen=True)
class TargetColumn:
    name: str
    type: ColumnType
    nullable: bool = True
    has_default: bool = False
    """A server default or identity: a mapping may leave the column out."""
    generated: bool = False
    """GENERATED ALWAYS: a mapping must leave the column out, and verification does not compare it."""
    absent: bool = field(default=False, repr=False)
    """Of a document: NULL is a missing field."""


@dataclass(frozen=True)
class Unique:
    """A unique constraint or unique index, as a query can test it: expressions over the row, and a predicate."""

    name: str
    expressions: tuple[str, ...]  # SQL; the name of a column is quoted, or as PostgreSQL prints it
    predicate: str | None = None
    nulls_distinct: bool = True

    def names(self, column: str) -> bool:
        """Return whether the column itself is one of the expressions."""
        return not spellings(column).isdisjoint(self.expressions)


@dataclass(frozen=True)
class ForeignKey:
    name: str
    columns: tuple[str, ...]
    parent: str  # TargetTable.name
    parent_columns: tuple[str, ...]
    stored: tuple[str, ...] = field(
        default=(), repr=False
    )  # the parent's columns, where they are stored by other names
    match_full: bool = field(default=False, repr=False, compare=False)
    """Whether either all of the columns are NULL or none (MATCH FULL); an older journal does not know it."""
    predicate: str | None = field(default=None, repr=False, compare=False)
    """The rows that it is for, as SQL, if it is the key of a partition."""
    parent_part: str | None = field(default=None, repr=False, compare=False)
    """The partition of `parent` that it refers to, if it does not refer to the whole table."""


@dataclass(frozen=True)
class TargetTable:
    """`name` is the name of its mapping file: the table's name, or schema.table outside the default schema."""

    name: str
    schema: str | None
    table: str
    columns: tuple[TargetColumn, ...]
    primary_key: tuple[str, ...]
    uniques: tuple[Unique, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    is_open: bool = field(default=False, repr=False)
    """Of a collection: documents may have further fields, which are not the move's."""
    excludes: bool = field(default=False, repr=False)
    """Does an exclusion constraint compare its rows with each other?"""
    keys_of_parts: tuple[ForeignKey, ...] = field(default=(), repr=False, compare=False)
    """The foreign keys that only a partition has. They are enforced by the database alone, but for the copy."""

    def column(self, name: str) -> TargetColumn | None:
        return next((c for c in self.columns if c.name == name), None)


@dataclass(frozen=True)
class Step:
    """A DDL statement. `id` is stable and unique in its schema ("index users_email_key"). Each id is executed once."""

    id: str
    sql: str

    @property
    def fills(self) -> bool:
        """Whether it only computes something from rows that are there, so that the data may let it fail, but no other
        step needs it: the data of a materialized view.
        """
        return self.id.startswith("data of ")


@dataclass(frozen=True)
class TargetSchema:
    """The schema that the target should have.

    `pre` prepares an empty target for the copy (schemas, types, functions, tables with primary keys, checks and
    defaults); `post` follows the copy (unique constraints, secondary indexes, foreign keys: NOT VALID, then VALIDATE;
    triggers, views, comments). `metadata_of` reads the sqlalchemy.MetaData; `digest` changes with the schema.
    """

    dialect: str
    tables: tuple[TargetTable, ...]
    pre: tuple[Step, ...]
    post: tuple[Step, ...]
    metadata_of: Callable[[], Any] | None
    digest: str
    notes: tuple[str, ...] = field(default=())
    described: Described | None = field(default=None, compare=False, repr=False)
    """The description of the catalog after the steps were executed, if known."""

    @cached_property
    def metadata(self) -> Any:
        """The schema as sqlalchemy.MetaData, read on first use; None if the schema was read from the journal."""
        return None if self.metadata_of is None else self.metadata_of()

    def table(self, name: str) -> TargetTable | None:
        return next((t for t in self.tables if t.name == name), None)
