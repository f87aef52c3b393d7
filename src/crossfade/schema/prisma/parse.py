"""Parses a .prisma file into blocks, with a fault for every statement that does not parse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedToken

from crossfade.schema.prisma.faults import Faults
from crossfade.schema.prisma.grow import Grow
from crossfade.schema.prisma.statements import DEEPEST, BlockStatement, Closed, Opened, Piece, cut, depth
from crossfade.schema.prisma.syntax import Attribute, Block, Field, FilePlace, Label, Setting

KINDS = ("datasource", "enum", "generator", "model", "type", "view")
_STARTS = ["header", "field", "block_attribute", "label", "setting", "stray"]
_MEMBERS = {"enum": "label", "datasource": "setting", "generator": "setting"}

# How each statement is written, for the hint of a fault.
_FORMS = {
    "header": "a block is opened by its kind and name: model User {",
    "field": "a field is written: name Type @attribute",
    "block_attribute": "an attribute of a block is written: @@name([field, field])",
    "label": "a value of an enum is a name; @map keeps what the database stores",
    "setting": "a setting is written: key = value",
}

# The name of a terminal of the grammar in a message.
_WORDS = {
    "$END": "the end of the line",
    "NAME": "a name",
    "STRING": "a string in double quotes",
    "NUMBER": "a number",
    "MANY": "'[]'",
    "OPTIONAL": "'?'",
}


@cache
def _lark() -> Lark:
    grammar = files("crossfade.schema.prisma").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="basic", start=_STARTS, propagate_positions=True)


@cache
def _sign(terminal: str) -> str:
    pattern = next((t.pattern.value for t in _lark().terminals if t.name == terminal), terminal)
    return _WORDS.get(terminal, f"'{pattern}'")


def parse(file: str, text: str, faults: Faults) -> list[Block]:
    """Return the blocks of one file, in order. What does not parse is left out and recorded in `faults`."""
    # Lark counts lines by "\n" alone, so the lines shown with a fault are split there too.
    faults.open(file, text.split("\n"))
    return _File(file, faults).blocks(list(_lark().lex(text)))


class _File:
    """One file being read: keeps the position, and passes statements to lark."""

    def __init__(self, file: str, faults: Faults) -> None:
        self.file = file
        self.faults = faults
        self.grow = Grow(file, faults)

    def blocks(self, tokens: Sequence[Token]) -> list[Block]:
        """Assemble the pieces of the file into blocks."""
        found: list[Block] = []
        pieces = cut(tokens)
        for piece in pieces:
            if isinstance(piece, Opened):
                block = self._block(piece, pieces)
                found += [block] if block else []
            elif isinstance(piece, BlockStatement):
                self._outside_blocks(piece.tokens[0])
            else:
                self.faults.add(self._place(piece.token), "'}' closes no block")
        return found

    def _block(self, opened: Opened, pieces: Iterator[Piece]) -> Block | None:
        block = self._header(opened)
        kind = block.kind if block else ""
        members: list[Any] = []
        for piece in pieces:
            if isinstance(piece, Closed):
                if piece.token is None:
                    reason = f"{' '.join(map(str, opened.tokens[:2]))} is not closed"
                    self.faults.add(self._place(opened.tokens[0]), reason, hint="add '}' on a line of its own")
                break
            if kind and isinstance(piece, BlockStatement):
                members += self._members(kind, piece)
        return _filled(block, members) if block else None

    def _header(self, opened: Opened) -> Block | None:
        made = self._parse("header", opened.tokens)
        if not isinstance(made, Block):
            return None
        if made.kind not in KINDS:
            self.faults.unknown(made.place, "block", made.kind, KINDS)
            return replace(made, kind="")
        return replace(made, doc=opened.doc)

    def _members(self, kind: str, statement: BlockStatement) -> list[Any]:
        """Return what a statement says, or its first word if it does not parse.

        A statement of several lines that fails is parsed line by line, so that a missing bracket costs one line.
        """
        lines = statement.lines()
        if len(lines) == 1 or self._parses(kind, statement.tokens):
            lines = [statement.flat()]
        made = [self._parse(_rule(kind, line), line) or str(line[0]) for line in lines]
        return [replace(m, doc=statement.doc) if isinstance(m, Field | Label | Setting) else m for m in made]

    def _parses(self, kind: str, tokens: Sequence[Token]) -> bool:
        flat = [t for t in tokens if t.type != "NEWLINE"]
        return isinstance(_tree(_rule(kind, flat), flat), Tree)

    def _parse(self, rule: str, tokens: Sequence[Token]) -> Any:
        if depth(tokens) > DEEPEST:
            self.faults.add(self._place(tokens[0]), f"brackets are nested more than {DEEPEST} deep")
            return None
        tree = _tree(rule, tokens)
        if isinstance(tree, Tree):
            return self.grow.transform(tree)
        self._unexpected(rule, tree, tokens)
        return None

    def _unexpected(self, rule: str, error: UnexpectedToken, tokens: Sequence[Token]) -> None:
        token = error.token
        expected = sorted(_sign(t) for t in error.accepts or error.expected)
        hint = _FORMS[rule]
        if token.type == "$END":
            last = tokens[-1]
            place = FilePlace(self.file, last.end_line or last.line or 0, last.end_column or last.column or 0)
            self.faults.add(place, f"the line ends too early; expected {', '.join(expected)}", hint=hint)
            return
        if str(token) == '"':
            hint = 'close the string with " on the same line'
        reason = f"unexpected {str(token)!r}; expected {', '.join(expected)}"
        self.faults.add(self._place(token), reason, hint=hint)

    def _outside_blocks(self, token: Token) -> None:
        listed = ", ".join(KINDS)
        reason = f"{str(token)!r} is outside any block; expected {listed}"
        self.faults.add(self._place(token), reason, hint="open a block: model Name {")

    def _place(self, token: Token | None) -> FilePlace:
        return FilePlace(self.file, (token and token.line) or 0, (token and token.column) or 0)


def _rule(kind: str, tokens: Sequence[Token]) -> str:
    if tokens and str(tokens[0]) == "@@":
        return "block_attribute"
    return _MEMBERS.get(kind, "field")


def _tree(rule: str, tokens: Sequence[Token]) -> Any:
    """Return the tree of a statement, or the UnexpectedToken that says why there is none."""
    parser = _lark().parse_interactive("", start=rule)
    try:
        for token in tokens:
            parser.feed_token(token)
        return parser.feed_eof(tokens[-1] if tokens else None)  # type: ignore[no-untyped-call] # lark says nothing
    except UnexpectedToken as error:
        return error


def _filled(block: Block, members: Sequence[object]) -> Block:
    return replace(
        block,
        fields=tuple(m for m in members if isinstance(m, Field)),
        labels=tuple(m for m in members if isinstance(m, Label)),
        settings=tuple(m for m in members if isinstance(m, Setting)),
        attributes=tuple(m for m in members if isinstance(m, Attribute)),
        lost=frozenset(m for m in members if isinstance(m, str)),
    )
