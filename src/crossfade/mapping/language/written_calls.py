"""Calls of functions as they are written, beside what the parser makes of them: it drops an argument that it does not
know (a third one of date_trunc), and puts some in another order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import TokenType, exp
from sqlglot.errors import SqlglotError

if TYPE_CHECKING:
    from sqlglot.tokenizer_core import Token

_OPEN = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE}
_CLOSE = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}
_OF_ITS_OWN = {
    *(TokenType.ALIAS, TokenType.ARROW, TokenType.COLON_EQ, TokenType.DISTINCT, TokenType.FROM, TokenType.IN),
    *(TokenType.FOR, TokenType.ORDER_BY, TokenType.STAR, TokenType.USING, TokenType.SELECT),
}
"""What makes an argument more than an expression: it cannot be parsed alone."""


_ORDER_IN_ITS_NAME = "ARRAY_REVERSE_SORT("
"""What list_sort(x, 'DESC') is compiled to."""


@dataclass(frozen=True)
class ChangedCall:
    """`argument` is not where it was in `made`, which is compiled instead of `text`."""

    start: int
    text: str
    made: str
    argument: str


def changed_calls(text: str, tokens: Sequence[Token]) -> Iterator[ChangedCall]:
    """Yield the calls of which an argument would be lost, or come after one that it precedes."""
    for at, token in enumerate(tokens[:-1]):
        if tokens[at + 1].token_type == TokenType.L_PAREN and token.text.isidentifier():
            end, arguments = _arguments(text, tokens, at + 1)
            made = _made(text[token.start : end]) if end else None
            lost = None if made is None else next(_lost(arguments, made), None)
            if made is not None and lost is not None:
                yield ChangedCall(token.start, text[token.start : end], made, lost)


def _arguments(text: str, tokens: Sequence[Token], opening: int) -> tuple[int, list[str]]:
    """Return where a call ends (0: it does not) and its arguments, without those that are no expressions."""
    found: list[str] = []
    depth, first, plain, in_parameters = 0, tokens[opening].end + 1, True, False
    for token in tokens[opening:]:
        depth += (token.token_type in _OPEN) - (token.token_type in _CLOSE)
        if depth == 1:
            in_parameters = token.token_type != TokenType.COLON and (in_parameters or token.text.lower() == "lambda")
            plain = plain and not in_parameters and token.token_type not in _OF_ITS_OWN
        if depth == 0 or (depth == 1 and token.token_type == TokenType.COMMA and not in_parameters):
            found += [text[first : token.start]] if plain else []
            first, plain = token.end + 1, True
        if depth == 0:
            return token.end + 1, found
    return 0, []


def _made(call: str) -> str | None:
    """Return what is compiled instead of a call; None if it is compiled as it is written, or is no call."""
    try:
        node = sqlglot.parse_one(call, read="duckdb")
    except (SqlglotError, RecursionError):
        return None
    if not isinstance(node, exp.Func) or isinstance(node, exp.Anonymous):
        return None
    made = node.sql("duckdb")
    return None if made.startswith(_ORDER_IN_ITS_NAME) else made


def _lost(arguments: Sequence[str], made: str) -> Iterator[str]:
    rest = _words(made)
    for argument in arguments:
        try:
            own = _words(sqlglot.parse_one(argument, read="duckdb").sql("duckdb"))
        except (SqlglotError, RecursionError):
            continue
        at = next((i for i in range(len(rest)) if rest[i : i + len(own)] == own), None)
        if at is None:
            yield argument.strip()
        else:
            rest = rest[at + len(own) :]


def _words(sql: str) -> list[str]:
    return [token.text.casefold() for token in sqlglot.tokenize(sql, read="duckdb")]
