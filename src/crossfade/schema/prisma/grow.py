"""Converts lark's tree of one statement into the values of syntax.py."""

from __future__ import annotations

import json
from typing import Any

from lark import Token, Transformer, v_args
from lark.tree import Meta

from crossfade.schema.prisma.faults import Faults
from crossfade.schema.prisma.syntax import (
    Argument,
    Attribute,
    Block,
    Call,
    Field,
    FieldType,
    FilePlace,
    Items,
    Label,
    Name,
    NumberLiteral,
    Pairs,
    Setting,
    Text,
    Value,
)


@v_args(meta=True)
class Grow(Transformer[Token, Any]):
    """Converts trees into values. `file` is part of every place; invalid strings are recorded in `faults`."""

    def __init__(self, file: str, faults: Faults) -> None:
        super().__init__()
        self._file = file
        self._faults = faults

    def _place(self, at: Meta | Token) -> FilePlace:
        return FilePlace(self._file, getattr(at, "line", 0) or 0, getattr(at, "column", 0) or 0)

    def header(self, meta: Meta, children: list[Token]) -> Block:
        self._named(children[1])
        return Block(str(children[0]), str(children[1]), self._place(meta), None)

    def field(self, meta: Meta, children: list[Any]) -> Field:
        self._named(children[0])
        kind = next(c for c in children if isinstance(c, FieldType))
        attributes = tuple(c for c in children if isinstance(c, Attribute))
        return Field(str(children[0]), kind, attributes, self._place(meta))

    def label(self, meta: Meta, children: list[Any]) -> Label:
        self._named(children[0])
        return Label(str(children[0]), tuple(children[1:]), self._place(meta))

    def setting(self, meta: Meta, children: list[Any]) -> Setting:
        return Setting(str(children[0]), children[1], self._place(meta))

    def field_type(self, meta: Meta, children: list[Any]) -> FieldType:
        (name, unsupported), *marks = children
        signs = {mark.type for mark in marks if mark is not None}
        return FieldType(name, "MANY" in signs, "OPTIONAL" in signs, self._place(meta), unsupported)

    def named_type(self, _: Meta, children: list[Token]) -> tuple[str, None]:
        return str(children[0]), None

    def unsupported_type(self, _: Meta, children: list[Token]) -> tuple[str, str]:
        if children[0] != "Unsupported":
            self._faults.unknown(self._place(children[0]), "type", str(children[0]), ["Unsupported"])
        return "Unsupported", self._unquoted(children[1])

    def attribute(self, meta: Meta, children: list[Any]) -> Attribute:
        return Attribute(children[0].path, children[1] or (), self._place(meta))

    block_attribute = attribute

    def path(self, meta: Meta, children: list[Token]) -> Name:
        return Name(".".join(children), self._place(meta))

    def arguments(self, _: Meta, children: list[Any]) -> tuple[Argument, ...]:
        return tuple(c for c in children if c is not None)

    def named_argument(self, meta: Meta, children: list[Any]) -> Argument:
        return Argument(str(children[0]), children[1], self._place(meta))

    def plain_argument(self, meta: Meta, children: list[Value]) -> Argument:
        return Argument(None, children[0], self._place(meta))

    def text(self, meta: Meta, children: list[Token]) -> Text:
        return Text(self._unquoted(children[0]), self._place(meta))

    def number(self, meta: Meta, children: list[Token]) -> NumberLiteral:
        return NumberLiteral(str(children[0]), self._place(meta))

    def name(self, _: Meta, children: list[Name]) -> Name:
        return children[0]

    def call(self, meta: Meta, children: list[Any]) -> Call:
        return Call(children[0].path, children[1], self._place(meta))

    def items(self, meta: Meta, children: list[Value | None]) -> Items:
        return Items(tuple(c for c in children if c is not None), self._place(meta))

    def empty_items(self, meta: Meta, _: list[Token]) -> Items:
        return Items((), self._place(meta))

    def object(self, meta: Meta, children: list[Any]) -> Pairs:
        return Pairs(tuple(c for c in children if c is not None), self._place(meta))

    def pair(self, _: Meta, children: list[Any]) -> tuple[str, Value]:
        return str(children[0]), children[1]

    def _named(self, token: Token) -> None:
        if token.startswith("_"):
            plain = token.lstrip("_") or "name"
            hint = f'name it {plain!r} and keep the stored name: @map("{token}") (a block: @@map)'
            self._faults.add(
                self._place(token), f"{str(token)!r} is not a valid name: a name starts with a letter", hint=hint
            )

    def _unquoted(self, token: Token) -> str:
        try:
            value = str(json.loads(str(token)))
            value.encode("utf-8")
        except ValueError:
            self._faults.add(self._place(token), f"{token} has an escape that JSON does not have")
            return ""
        if "\0" in value:
            self._faults.add(
                self._place(token), "a string contains the NUL character, which databases do not accept in text"
            )
            return ""
        return value
