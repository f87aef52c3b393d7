"""The text of a mapping file: the position and the wording of each SELECT and of each output.

The parsed SQL contains neither comments nor the author's spelling, and positions of names only; the tokens contain all
of this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from sqlglot import TokenType, exp, tokenize
from sqlglot.errors import SqlglotError

from crossfade.model.program import Excerpt

if TYPE_CHECKING:
    from sqlglot.tokenizer_core import Token

_OPEN = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE}
_CLOSE = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}
_ENDS_OUTPUTS = {
    TokenType.FROM,
    TokenType.WHERE,
    TokenType.GROUP_BY,
    TokenType.HAVING,
    TokenType.UNION,
    TokenType.ORDER_BY,
    TokenType.LIMIT,
    TokenType.QUALIFY,
    TokenType.WINDOW,
    TokenType.SEMICOLON,
}

_PIECE = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|\$\$.*?\$\$|(?!/\*|\$\$)[^'"]""", re.DOTALL)

_SAYS_NOTHING = re.compile(r"^\s*[+@]")
"""What an interval may begin with without being another."""


@dataclass(frozen=True)
class SelectExcerpt:
    """A SELECT of the file: where it begins, and its outputs in order, without aliases."""

    start: int
    place: Excerpt
    outputs: tuple[Excerpt, ...]


class MappingText:
    """The text of one mapping file."""

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self.tokens: Sequence[Token] = tokenize(text, read="duckdb")
        except SqlglotError:
            self.tokens = ()

    def line_and_column(self, offset: int) -> tuple[int, int]:
        return self.text.count("\n", 0, offset) + 1, offset - self.text.rfind("\n", 0, offset)

    def place_of(self, node: exp.Expr, keyword: str | None = None, after: int = 0) -> tuple[int, int]:
        """Return the line and column where a node begins. If the node has no position, use that of `keyword`, or else
        the offset `after`.
        """
        found = [t.start for t in self.tokens if t.text.upper() == keyword] if keyword else []
        if found:
            return self.line_and_column(min(found, key=lambda start: (start < after, start)))
        starts = [n.meta["start"] for n in node.walk() if "start" in n.meta]
        return self.line_and_column(min(starts) if starts else after)

    def shortened_intervals(self) -> Iterator[tuple[int, str]]:
        """Yield the offset and the text of each INTERVAL of which the parser keeps only a number and its unit: of
        '3 days 02:00:00' the days, of '3 days ago' not the direction.
        """
        for word, token in pairwise(self.tokens):
            if word.token_type == TokenType.INTERVAL and token.token_type == TokenType.STRING:
                kept = exp.INTERVAL_STRING_RE.findall(token.text)
                if len(kept) == 1 and not exp.INTERVAL_STRING_RE.fullmatch(_SAYS_NOTHING.sub("", token.text)):
                    yield word.start, token.text

    def unclosed(self) -> tuple[int, int]:
        """Return where a quote, comment or $$ begins that is never closed, or the beginning of the file if none is."""
        position = 0
        while position < len(self.text):
            piece = _PIECE.match(self.text, position)
            if piece is None:
                return self.line_and_column(position)
            position = piece.end()
        return 1, 0

    def selects(self) -> list[SelectExcerpt]:
        """Return the top-level SELECTs of the file (not those inside expressions), in order."""
        found = []
        for i in self._select_positions():
            token = self.tokens[i]
            place = Excerpt(*self.line_and_column(token.start), token.text)
            found.append(SelectExcerpt(token.start, place, tuple(self._outputs(i + 1))))
        return found

    def _select_positions(self) -> Iterator[int]:
        """Yield where a SELECT can be a part of a UNION ALL: at the top level, or in parentheses that open a part."""
        depth, parts, before = 0, 0, None
        for i, token in enumerate(self.tokens):
            opens_part = depth == parts and (before in (None, TokenType.ALL, TokenType.L_PAREN, TokenType.SEMICOLON))
            if token.token_type in _OPEN:
                depth += 1
                if opens_part and token.token_type == TokenType.L_PAREN:
                    parts += 1
            elif token.token_type in _CLOSE:
                depth -= 1
                parts = min(parts, depth)
            elif token.token_type == TokenType.SELECT and depth == parts:
                yield i
            before = token.token_type

    def _outputs(self, i: int) -> Iterator[Excerpt]:
        """Yield the outputs of the SELECT whose first token after the keyword is `i`."""
        depth = 0
        piece: list[Token] = []
        for position in range(i, len(self.tokens)):
            token = self.tokens[position]
            ends = token.token_type in _ENDS_OUTPUTS and not _is_distinct_from(self.tokens, position)
            if depth == 0 and (ends or token.token_type in _CLOSE):
                break
            if depth == 0 and token.token_type == TokenType.COMMA:
                yield self._output(piece)
                piece = []
                continue
            depth += (token.token_type in _OPEN) - (token.token_type in _CLOSE)
            piece.append(token)
        if piece:
            yield self._output(piece)

    def _output(self, piece: list[Token]) -> Excerpt:
        if not piece:
            return Excerpt(0, 0, "")
        tokens = _without_alias(piece)
        start, end = tokens[0].start, tokens[-1].end + 1
        return Excerpt(*self.line_and_column(start), self.text[start:end])


def _is_distinct_from(tokens: Sequence[Token], i: int) -> bool:
    return tokens[i].token_type == TokenType.FROM and tokens[i - 1].token_type == TokenType.DISTINCT


def _without_alias(piece: list[Token]) -> list[Token]:
    """Remove the alias from `x AS y` and `x y`, where y is a name after a complete expression."""
    if len(piece) > 2 and piece[-2].token_type == TokenType.ALIAS:
        return piece[:-2]
    whole = (*_CLOSE, TokenType.VAR, TokenType.IDENTIFIER, TokenType.STRING, TokenType.NUMBER, TokenType.END)
    if (
        len(piece) > 1
        and piece[-1].token_type in (TokenType.VAR, TokenType.IDENTIFIER)
        and piece[-2].token_type in whole
    ):
        return piece[:-1]
    return piece


__all__ = ["Excerpt", "MappingText", "SelectExcerpt"]
