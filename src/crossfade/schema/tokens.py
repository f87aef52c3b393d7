"""Splits SQL text into tokens with positions, for PostgreSQL and SQLite.

A lexer of our own: sqlglot's fails on the data of COPY blocks in pg_dump files, and pglast would be one more binary
dependency. It never fails: an unterminated token (a quote without its end) extends to the end of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_STRING = r"'(?:[^']|'')*(?:'|\Z)"
_ESCAPED = r"[eE]'(?:[^'\\]|''|\\.)*(?:'|\Z)"

_PATTERN = re.compile(
    rf"""
      (?P<space>   \s+ )
    | (?P<comment> --[^\n]* )
    | (?P<block>   /\* )
    | (?P<string>  {_ESCAPED} | [uU]&{_STRING} | [bBxXnN]?{_STRING} )
    | (?P<quoted>  (?:[uU]&)?"(?:[^"]|"")*(?:"|\Z) | `[^`]*(?:`|\Z) )
    | (?P<dollar>  \$(?P<tag>[^\W\d]\w*)?\$ )
    | (?P<number>  \d+(?:\.\d+)?(?:[eE][+-]?\d+)? | \.\d+ )
    | (?P<name>    [^\W\d][\w$]* )
    | (?P<mark>    \$\d+ | :: | [-+*/<>=~!@\#%^&|?]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """`kind`: name, quoted, string, dollar, number, mark, space, comment. `start` and `end` are offsets in the text."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """Return an unquoted name in upper case, as a keyword; a mark as it is; "" for all else."""
        if self.kind == "name":
            return self.text.upper()
        return self.text if self.kind == "mark" else ""

    @property
    def name(self) -> str:
        """Return the name that this token denotes (folded as PostgreSQL folds it), or ""."""
        if self.kind == "name":
            return self.text.lower()
        if self.kind == "quoted":
            return self.text[1:-1].replace('""', '"')
        return ""


def tokens(text: str, start: int = 0) -> Iterator[Token]:
    """Yield every token of `text` from `start` on, including spaces and comments; together they are the text."""
    at = start
    while at < len(text):
        match = _PATTERN.match(text, at)
        assert match is not None  # the last alternative matches any character
        kind, end = match.lastgroup or "mark", match.end()
        if match["block"]:
            kind, end = "comment", _end_of_comment(text, at)
        elif match["dollar"]:
            kind, end = "dollar", _end_of_dollar(text, match.end(), match["dollar"])
        elif kind == "mark":
            end = _end_of_mark(text, at, end)
        yield Token(kind, text[at:end], at, end)
        at = end


def meaningful(text: str) -> list[Token]:
    """Return the tokens without spaces and comments."""
    return [t for t in tokens(text) if t.kind not in ("space", "comment")]


def place(text: str, offset: int) -> tuple[int, int]:
    """Return line and column of an offset, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _end_of_comment(text: str, at: int) -> int:
    depth = 0
    for match in re.compile(r"/\*|\*/").finditer(text, at):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return match.end()
    return len(text)


def _end_of_dollar(text: str, after: int, quote: str) -> int:
    end = text.find(quote, after)
    return len(text) if end < 0 else end + len(quote)


def _end_of_mark(text: str, start: int, end: int) -> int:
    """End an operator where a comment begins, as in `a+/* b */c`."""
    inside = [i for i in (text.find("--", start + 1, end), text.find("/*", start + 1, end)) if i > 0]
    return min([end, *inside])


def unquoted(text: str) -> str:
    """Return the value of a plain string token."""
    return text[1:-1].replace("''", "'")
