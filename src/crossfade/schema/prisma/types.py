"""The SQL type of a field, for one dialect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.types import TypeEngine

from crossfade.schema.prisma.faults import Faults
from crossfade.schema.prisma.keys import NamedKey
from crossfade.schema.prisma.names import Dialect
from crossfade.schema.prisma.native import DEFAULT, NATIVE, Native, Verbatim, sqlite_type
from crossfade.schema.prisma.notes import Notes
from crossfade.schema.prisma.shape import EnumShape, FieldShape, SchemaShape
from crossfade.schema.prisma.syntax import Attribute, NumberLiteral
from crossfade.schema.suggestions.extensions import EXTENSION_OF

# btree_gin adds operator classes of these names for GIN; those of the other methods are built in.
_BUILT_IN_OPERATORS = {(method, name) for method in (None, "hash", "brin", "gist") for name in ("int4_ops", "text_ops")}


class Types:
    """Chooses types; keeps one type object for each enum, and notes about the choices."""

    def __init__(
        self, dialect: Dialect, shape: SchemaShape, metadata: sa.MetaData, faults: Faults, notes: Notes
    ) -> None:
        self.dialect = dialect
        self.extensions = shape.source.extensions
        self.faults = faults
        self.notes = notes
        self._enums = {e.name: _enum(e, metadata) for e in shape.enums.values()} if dialect == "postgresql" else {}

    def of(self, field: FieldShape, where: str) -> TypeEngine[Any]:
        """Return the type of a stored field.

        :param where: `Model.field`, for the notes.
        """
        if self.dialect == "sqlite":
            return self._sqlite(field, where)
        item = self._item(field, where)
        return pg.ARRAY(item) if field.many else item

    def _item(self, field: FieldShape, where: str) -> TypeEngine[Any]:
        if field.unsupported is not None:
            self._needs(field.unsupported, where)
            return Verbatim(field.unsupported)
        if field.enum is not None:
            self._no_native(field)
            return self._enums[field.enum.name]
        name, numbers = self.native(field)
        if name == "Timestamp":
            self.notes.add(f"TIMESTAMP{_digits(numbers)} has no time zone; by convention it holds UTC", where)
        if name == "Citext":
            self._needs("citext", where)
        return NATIVE[name].make(*numbers)

    def _needs(self, name: str, where: str) -> None:
        """Note the extension that provides a type or operator class, if the datasource does not list it."""
        extension = EXTENSION_OF.get(name.partition("(")[0].strip().lower())
        if extension and extension not in self.extensions:
            text = (
                f"{name} needs the extension {extension}: list it in the datasource, or create it in the target first"
            )
            self.notes.add(text, where)

    def note_operators(self, keys: Sequence[NamedKey], model: str) -> None:
        """Note the extensions that provide operator classes of indexes."""
        for key in keys:
            for part in key.parts:
                if part.operators and (key.method, part.operators) not in _BUILT_IN_OPERATORS:
                    self._needs(part.operators, f"{model}.{part.field.name}")

    def _sqlite(self, field: FieldShape, where: str) -> TypeEngine[Any]:
        if field.unsupported is not None:
            self.notes.add(f"SQLite has no type {field.unsupported}; TEXT is used", where)
            return sa.Text()
        name, numbers = self.native(field) if field.scalar else ("", ())
        if field.many:
            self.notes.add("SQLite has no lists; JSON is used", where)
            return sa.JSON()
        if field.enum is not None:
            return sa.Text()
        if field.scalar == "Decimal":
            self.notes.add("SQLite preserves 15 digits of a Decimal; a record with more is quarantined", where)
        return sqlite_type(field.scalar or "String", name, numbers)

    def _no_native(self, field: FieldShape) -> None:
        if field.native is not None:
            hint = f"remove @{field.native.name}"
            self.faults.add(field.native.place, "an enum cannot have a native type", hint=hint)

    def native(self, field: FieldShape) -> tuple[str, tuple[int, ...]]:
        """Return the native type of a field and its numbers; Prisma's default if none or an invalid one is given."""
        scalar = field.scalar or "String"
        fallback = DEFAULT[scalar]
        if field.native is None:
            return fallback
        name = field.native.name.partition(".")[2]
        if name not in NATIVE:
            fitting = [n for n, native in NATIVE.items() if native.scalar == scalar]
            self.faults.unknown(field.native.place, "native type", name, NATIVE, f"for {scalar}: {', '.join(fitting)}")
            return fallback
        if NATIVE[name].scalar != scalar:
            reason = f"@{field.native.name} is a type for {NATIVE[name].scalar} fields; {field.name} is {scalar}"
            fitting = [n for n, native in NATIVE.items() if native.scalar == scalar]
            self.faults.add(field.native.place, reason, hint=f"for {scalar}: {', '.join(fitting)}")
            return fallback
        numbers = self._numbers(field.native, NATIVE[name])
        return fallback if numbers is None else (name, numbers)

    def family(self, field: FieldShape) -> str:
        """Return the family of a type: a foreign key can join fields of one family."""
        if field.enum is not None:
            return f"enum {field.enum.name}"
        if field.unsupported is not None:
            return field.unsupported
        if self.dialect == "sqlite":
            return field.scalar or ""
        native = NATIVE.get(field.native.name.partition(".")[2]) if field.native else None
        native = native or NATIVE[DEFAULT[field.scalar or "String"][0]]
        return native.family or native.scalar

    def _numbers(self, attribute: Attribute, native: Native) -> tuple[int, ...] | None:
        given = [a.value for a in attribute.arguments]
        sign = f"@{attribute.name}"
        if not native.least <= len(given) <= native.most:
            takes = "takes no arguments" if not native.most else f"takes at most {native.most} numbers"
            self.faults.add(attribute.place, f"{sign} {takes}; {len(given)} given", hint=f"write {sign}")
            return None
        low, high = native.limits
        numbers: list[int] = []
        for value in given:
            if not isinstance(value, NumberLiteral) or not value.text.isdigit() or not low <= _int(value.text) <= high:
                self.faults.add(value.place, f"{sign} takes integers from {low} to {high}")
                return None
            numbers.append(int(value.text))
        if native.most == 2 and numbers and (numbers[0] == 0 or (len(numbers) == 2 and numbers[1] > numbers[0])):
            self.faults.add(
                attribute.place,
                f"{sign}: the scale must not exceed the precision, and the precision must be at least 1",
            )
            return None
        return tuple(numbers)


def _digits(numbers: tuple[int, ...]) -> str:
    return f"({numbers[0]})" if numbers else ""


def _int(text: str) -> int:
    """Read a number of any length; Python refuses thousands of digits."""
    return int(text[:20])


def _enum(shape: EnumShape, metadata: sa.MetaData) -> pg.ENUM:
    labels = list(shape.labels.values())
    return pg.ENUM(*labels, name=shape.stored, schema=shape.schema, metadata=metadata)
