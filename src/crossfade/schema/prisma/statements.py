"""Splits the tokens of a file into block headers, statements and block ends.

A statement ends with its line, unless a bracket is open. A bracket that is never closed must not swallow the
rest of the file: a line that starts with `@@`, a `}` that closes the block, and the header of a new block end
the statement too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lark import Token

_OPEN = {"(": ")", "[": "]", "{": "}"}
_CLOSE = set(_OPEN.values())

# Deeper nesting than any schema has; beyond it the brackets are taken for a typing error.
DEEPEST = 24


@dataclass(frozen=True)
class Opened:
    """The start of a block: the tokens of its header, up to and including `{`."""

    tokens: list[Token]
    doc: str | None


@dataclass(frozen=True)
class Closed:
    """The end of a block; `token` is None if the closing brace is missing."""

    token: Token | None


@dataclass
class BlockStatement:
    """One statement inside a block, or a line outside any block."""

    tokens: list[Token] = field(default_factory=list)
    doc: str | None = None

    def flat(self) -> list[Token]:
        """Return the tokens without line ends."""
        return [t for t in self.tokens if t.type != "NEWLINE"]

    def lines(self) -> list[list[Token]]:
        """Return the tokens line by line, without empty lines."""
        lines: list[list[Token]] = [[]]
        for token in self.tokens:
            if token.type == "NEWLINE":
                lines.append([])
            else:
                lines[-1].append(token)
        return [line for line in lines if line]


Piece = Opened | Closed | BlockStatement


def depth(tokens: Sequence[Token]) -> int:
    """Return how deep the brackets are nested, closed or not."""
    deepest = now = 0
    for token in tokens:
        now += (str(token) in _OPEN) - (str(token) in _CLOSE)
        deepest = max(deepest, now)
    return deepest


def cut(tokens: Sequence[Token]) -> Iterator[Piece]:
    """Yield the pieces of a file in order; every Opened is followed by its statements and its Closed."""
    return _Cutter([t for t in tokens if t.type != "COMMENT"]).pieces()


class _Cutter:
    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.docs: list[str] = []

    def pieces(self) -> Iterator[Piece]:
        inside = False
        while self._skip():
            if self._is_header() or (not inside and self._has_brace()):
                if inside:
                    yield Closed(None)
                yield Opened(self._header(), self._doc())
                inside = True
            elif self.tokens[self.at] == "}":
                yield Closed(self.tokens[self.at])
                self.at += 1
                self.docs.clear()
                inside = False
            else:
                yield self._statement()
        if inside:
            yield Closed(None)

    def _skip(self) -> bool:
        """Skip line ends and collect documentation. Return False at the end of the file."""
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.type == "DOC":
                self.docs.append(str(token)[3:].strip())
            elif token.type != "NEWLINE":
                return True
            self.at += 1
        return False

    def _doc(self) -> str | None:
        text = "\n".join(self.docs).strip()
        self.docs.clear()
        return text or None

    def _is_header(self) -> bool:
        here = self.tokens[self.at : self.at + 3]
        return [t.type for t in here[:2]] == ["NAME", "NAME"] and here[2:] == ["{"]

    def _has_brace(self) -> bool:
        for token in self.tokens[self.at :]:
            if token.type == "NEWLINE" or token == "}":
                return False
            if token == "{":
                return True
        return False

    def _header(self) -> list[Token]:
        start = self.at
        while self.tokens[self.at] != "{":
            self.at += 1
        self.at += 1
        return list(self.tokens[start : self.at])

    def _statement(self) -> BlockStatement:
        start, stack = self.at, list[str]()
        while self.at < len(self.tokens) and not self._ends(start, stack):
            token = str(self.tokens[self.at])
            if token in _OPEN:
                stack.append(_OPEN[token])
            elif stack and token == stack[-1]:
                stack.pop()
            self.at += 1
        tokens = self.tokens[start : self.at]
        self._trailing(tokens)
        return BlockStatement([t for t in tokens if t.type != "DOC"], self._doc())

    def _trailing(self, tokens: Sequence[Token]) -> None:
        self.docs += [str(t)[3:].strip() for t in tokens if t.type == "DOC"]
        if self.at < len(self.tokens) and self.tokens[self.at].type == "DOC":
            self.docs.append(str(self.tokens[self.at])[3:].strip())
            self.at += 1

    def _ends(self, start: int, stack: list[str]) -> bool:
        token = self.tokens[self.at]
        if token == "}" and (not stack or stack[-1] != "}"):
            return True
        if token.type == "NEWLINE":
            return not stack or len(stack) > DEEPEST
        fresh = self.at > start and self.tokens[self.at - 1].type == "NEWLINE"
        if token.type == "DOC":
            return not stack
        return fresh and (token == "@@" or self._is_header())
