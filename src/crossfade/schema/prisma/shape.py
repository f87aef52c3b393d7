"""A Prisma schema after its names are resolved: models, fields and enums that know each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossfade.schema.prisma.attributes import Bound
from crossfade.schema.prisma.syntax import Attribute, Block, Field, FilePlace

SCALARS = ("String", "Boolean", "Int", "BigInt", "Float", "Decimal", "DateTime", "Json", "Bytes")


@dataclass
class EnumShape:
    """An enum: its labels by Prisma's name, each with the text that the database stores."""

    name: str
    stored: str
    schema: str | None
    labels: dict[str, str]
    place: FilePlace
    doc: str | None
    lost: frozenset[str] = frozenset()


@dataclass
class FieldShape:
    """A field whose type is known: exactly one of `scalar`, `enum`, `model`, `composite`, `unsupported` is set, or none
    if the type is faulty."""

    name: str
    column: str
    many: bool
    optional: bool
    place: FilePlace
    doc: str | None
    source: Field
    attributes: dict[str, Bound]
    native: Attribute | None = None
    scalar: str | None = None
    enum: EnumShape | None = None
    model: ModelShape | None = None
    unsupported: str | None = None
    composite: ModelShape | None = None
    """A `type` of MongoDB, stored within the document."""

    @property
    def stored(self) -> bool:
        """Return whether the field is a column of its own table."""
        return bool(self.scalar or self.enum or self.composite or self.unsupported is not None)

    @property
    def required(self) -> bool:
        return not self.optional and not self.many


@dataclass
class ModelShape:
    """A model or view."""

    name: str
    table: str
    schema: str | None
    view: bool
    ignored: bool
    place: FilePlace
    doc: str | None
    fields: dict[str, FieldShape]
    attributes: list[Bound]
    lost: frozenset[str] = frozenset()

    def has(self, name: str) -> bool:
        """Return whether there is a field of this name, or one that did not parse."""
        return name in self.fields or name in self.lost

    def of(self, name: str) -> list[Bound]:
        """Return the block's attributes of one name."""
        return [a for a in self.attributes if a.name == name]


@dataclass
class Source:
    """The datasource block, or the defaults if there is none."""

    name: str = "db"
    provider: str | None = None
    schemas: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    relation_mode: str = "foreignKeys"
    place: FilePlace | None = None


@dataclass
class SchemaShape:
    """A whole schema."""

    source: Source
    models: dict[str, ModelShape] = field(default_factory=dict)
    enums: dict[str, EnumShape] = field(default_factory=dict)
    composites: dict[str, ModelShape] = field(default_factory=dict)
    untyped: Mapping[str, Block] = field(default_factory=dict)
    """Blocks that have no type in SQL and were reported as such."""
