"""The syntax of a Prisma schema as values: blocks, their members, and the values of attributes. Nothing is checked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A position in a file; line and column count from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Text:
    """A string literal, already unescaped."""

    value: str
    place: FilePlace


@dataclass(frozen=True, slots=True)
class NumberLiteral:
    """A number, as it was written."""

    text: str
    place: FilePlace


@dataclass(frozen=True, slots=True)
class Name:
    """A bare word: a field, an enum label, `true`, `Cascade`."""

    path: str
    place: FilePlace


@dataclass(frozen=True, slots=True)
class Call:
    """A function: `now()`, `raw("...")`, `title(sort: Desc)`."""

    name: str
    arguments: tuple[Argument, ...]
    place: FilePlace


@dataclass(frozen=True, slots=True)
class Items:
    """A list: `[a, b]`."""

    values: tuple[Value, ...]
    place: FilePlace


@dataclass(frozen=True, slots=True)
class Pairs:
    """An object: `{ active: true }`."""

    pairs: tuple[tuple[str, Value], ...]
    place: FilePlace


Value = Text | NumberLiteral | Name | Call | Items | Pairs


@dataclass(frozen=True, slots=True)
class Argument:
    name: str | None
    value: Value
    place: FilePlace


@dataclass(frozen=True, slots=True)
class Attribute:
    """`@name(...)` of a field or label, `@@name(...)` of a block."""

    name: str
    arguments: tuple[Argument, ...]
    place: FilePlace


@dataclass(frozen=True, slots=True)
class FieldType:
    """`String`, `String?`, `String[]`, or Unsupported("...") with its text in `unsupported`."""

    name: str
    many: bool
    optional: bool
    place: FilePlace
    unsupported: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: FieldType
    attributes: tuple[Attribute, ...]
    place: FilePlace
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """One value of an enum."""

    name: str
    attributes: tuple[Attribute, ...]
    place: FilePlace
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """`key = value` of a datasource or generator."""

    name: str
    value: Value
    place: FilePlace
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """model, view, type, enum, datasource or generator; `kind` is empty if it is none of them.

    `lost` has the first words of the statements that did not parse, so that they are not also reported as missing.
    """

    kind: str
    name: str
    place: FilePlace
    doc: str | None
    fields: tuple[Field, ...] = ()
    labels: tuple[Label, ...] = ()
    settings: tuple[Setting, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    lost: frozenset[str] = frozenset()
