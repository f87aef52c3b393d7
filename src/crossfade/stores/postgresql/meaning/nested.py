"""Parse literals of arrays, records, ranges and multiranges into the texts of their parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from crossfade.stores.postgresql.meaning.reading import Unread

Parts = list["str | Parts | None"]  # the elements of an array of any depth

_BLANKS = " \t\n\r\v\f"
"""The blanks that PostgreSQL skips between the parts of a value; other blanks of Unicode are ordinary characters."""
_LOWER = re.compile(rf"(?:\[[+-]?[0-9]+(?::[+-]?[0-9]+)?\])+[{_BLANKS}]*=")


def array(text: str, delimiter: str) -> tuple[str, Parts]:
    """Return the explicit bounds, if any, and the elements; None is NULL."""
    text = text.strip(_BLANKS)
    bounds = _LOWER.match(text)
    said = re.sub(f"[{_BLANKS}]", "", bounds[0]) if bounds else ""
    reader = _Letters(text[bounds.end() :].lstrip(_BLANKS) if bounds else text)
    found = _array(reader, delimiter)
    if reader.rest.strip(_BLANKS):
        raise Unread
    return said, found


def _array(reader: _Letters, delimiter: str) -> Parts:
    reader.expect("{")
    found: Parts = []
    if reader.skip_blanks() == "}":
        reader.take()
        return found
    while True:
        if reader.skip_blanks() == "{":
            found.append(_array(reader, delimiter))
        else:
            text, quoted = reader.word(f"{delimiter}}}", inner_quotes=False)
            found.append(None if not quoted and text.upper() == "NULL" else text)
        sign = reader.skip_blanks() and reader.take()
        if sign == "}":
            return found
        if sign != delimiter:
            raise Unread


def record(text: str) -> list[str | None]:
    """Return the fields. Nothing between two commas is NULL."""
    reader = _Letters(text.strip(_BLANKS))
    reader.expect("(")
    found: list[str | None] = []
    while True:
        value, quoted = reader.word(",)", inner_quotes=True, keep_blanks=True)
        found.append(value if value or quoted else None)
        sign = reader.take()
        if sign == ")":
            break
        if sign != ",":
            raise Unread
    if reader.rest.strip(_BLANKS):
        raise Unread
    return found


@dataclass(frozen=True)
class Range:
    """A range. A bound of None is unbounded."""

    lower: str | None
    upper: str | None
    with_lower: bool
    with_upper: bool


def range_(text: str) -> Range | None:
    """Parse a range. None is the empty range."""
    if text.strip(_BLANKS).lower() == "empty":
        return None
    reader = _Letters(text.strip(_BLANKS))
    found = _range(reader)
    if reader.rest.strip(_BLANKS):
        raise Unread
    return found


def _range(reader: _Letters) -> Range:
    start = reader.take()
    if start not in "[(":
        raise Unread
    lower = reader.word(",", inner_quotes=True, keep_blanks=True)
    reader.expect(",")
    upper = reader.word(")]", inner_quotes=True, keep_blanks=True)
    end = reader.take()
    bounds = [text if text or quoted else None for text, quoted in (lower, upper)]
    return Range(bounds[0], bounds[1], start == "[" and bounds[0] is not None, end == "]" and bounds[1] is not None)


def multirange(text: str) -> Iterator[Range | None]:
    reader = _Letters(text.strip(_BLANKS))
    reader.expect("{")
    while (sign := reader.skip_blanks()) != "}":
        if sign == ",":
            reader.take()
        elif reader.rest[:5].lower() == "empty":
            for _ in range(5):
                reader.take()
            yield None
        else:
            yield _range(reader)
    reader.take()
    if reader.rest.strip(_BLANKS):
        raise Unread


class _Letters:
    """A text that is read from left to right."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    @property
    def rest(self) -> str:
        return self._text[self._at :]

    def take(self) -> str:
        if self._at >= len(self._text):
            raise Unread
        self._at += 1
        return self._text[self._at - 1]

    def expect(self, sign: str) -> None:
        if self.skip_blanks() != sign:
            raise Unread
        self.take()

    def skip_blanks(self) -> str:
        """Skip blanks and return the next character without consuming it."""
        while self._text[self._at : self._at + 1] in (*_BLANKS,):
            self._at += 1
        return self._text[self._at : self._at + 1]

    def word(self, ends: str, *, inner_quotes: bool, keep_blanks: bool = False) -> tuple[str, bool]:
        """Return the text before one of the characters `ends`, unquoted, and whether it was quoted."""
        said: list[str] = []
        quoted = in_quotes = False
        kept = 0  # blanks before this position were quoted or escaped
        while True:
            letter = self.take()
            if letter == "\\":
                said.append(self.take())
                kept = len(said)
            elif letter == '"':
                if in_quotes and inner_quotes and self.rest[:1] == '"':
                    said.append(self.take())
                else:
                    in_quotes, quoted = not in_quotes, True
                kept = len(said)
            elif not in_quotes and letter in ends:
                self._at -= 1
                break
            else:
                said.append(letter)
        text = "".join(said)
        return (text if keep_blanks else text[:kept] + text[kept:].rstrip(_BLANKS)), quoted
