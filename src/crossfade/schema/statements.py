"""Splits SQL text into its statements, each with the place where it begins.

Understands what psql understands: dollar quotes, nested comments, function bodies in plain SQL (BEGIN ATOMIC ... END)
and triggers (BEGIN ... END) with semicolons inside, the data of COPY ... FROM stdin, and meta commands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from crossfade.model.counts import counted
from crossfade.schema.tokens import Token, place, tokens


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, without its final semicolon and leading comments; `line` and `column` are its first word's."""

    text: str
    line: int
    column: int
    words: tuple[str, ...]
    """The first keywords and names in upper case: CREATE, TABLE, ..."""

    def starts(self, *words: str) -> bool:
        return self.words[: len(words)] == words

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column in the file of an offset in `text`."""
        line, column = place(self.text, offset)
        return self.line + line - 1, column + (self.column - 1 if line == 1 else 0)


@dataclass(frozen=True, slots=True)
class Script:
    """A file's statements, and notes about what was skipped."""

    statements: tuple[Statement, ...]
    notes: tuple[str, ...]


def split(text: str) -> Script:
    """Return the statements of `text`. Never fails: what is not SQL becomes a statement that the database rejects."""
    reader = _Reader(text)
    return Script(tuple(reader.statements()), tuple(reader.notes))


@dataclass
class _Open:
    """The statement being read: its tokens so far, and its depth in parentheses and BEGIN ... END blocks."""

    tokens: list[Token] = field(default_factory=list)
    parentheses: int = 0
    blocks: int = 0
    is_routine: bool = False

    def take(self, token: Token) -> None:
        if token.kind in ("space", "comment") and not self.tokens:
            return
        self.tokens.append(token)
        word = token.word
        if word in ("(", ")"):
            self.parentheses = max(0, self.parentheses + (1 if word == "(" else -1))
        elif word in ("TRIGGER", "FUNCTION", "PROCEDURE"):
            self.is_routine = self.is_routine or self.words(1) == ("CREATE",)
        elif self.is_routine and ((word == "BEGIN" and not self.parentheses) or (word == "CASE" and self.blocks)):
            self.blocks += 1
        elif word == "END" and self.blocks:
            self.blocks -= 1

    def words(self, number: int) -> tuple[str, ...]:
        found = (t.word or t.name.upper() for t in self.tokens if t.kind in ("name", "quoted"))
        return tuple(word for word, _ in zip(found, range(number), strict=False))

    def ends_at(self, token: Token) -> bool:
        return token.text == ";" and token.kind == "mark" and not self.parentheses and not self.blocks


_CHANGE_NOTHING = ("\\restrict", "\\unrestrict", "\\echo", "\\q")


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.notes: list[str] = []

    def statements(self) -> Iterator[Statement]:
        at, current = 0, _Open()
        while at < len(self.text):
            for token in tokens(self.text, at):
                at = token.end
                if token.text == "\\" and not current.tokens:
                    at = self._meta_command(token.start)
                    break
                if current.ends_at(token):
                    finished, current = current, _Open()
                    yield from self._statement(finished)
                    if _copies_from_stdin(finished):
                        at = self._data(finished, at)
                        break
                    continue
                current.take(token)
        yield from self._statement(current)

    def _statement(self, found: _Open) -> Iterator[Statement]:
        tokens = found.tokens
        while tokens and tokens[-1].kind in ("space", "comment"):
            tokens = tokens[:-1]
        if not tokens or _copies_from_stdin(found):
            return
        start, end = tokens[0].start, tokens[-1].end
        yield Statement(self.text[start:end], *place(self.text, start), found.words(12))

    def _meta_command(self, start: int) -> int:
        end = self.text.find("\n", start)
        end = len(self.text) if end < 0 else end
        if self.text[start:end].split()[0] in _CHANGE_NOTHING:
            return end
        line = self.text.count("\n", 0, start) + 1
        self.notes.append(f"line {line}: the psql command {self.text[start:end].strip()[:60]!r} is skipped")
        return end

    def _data(self, copy: _Open, at: int) -> int:
        """Return the end of the data that follows COPY ... FROM stdin: a line of backslash and dot."""
        begin = self.text.find("\n", at) + 1 or len(self.text)
        if self.text.startswith("\\.", begin):
            end = begin
        else:
            found = self.text.find("\n\\.", begin)
            end = len(self.text) if found < 0 else found + 1
        lines = self.text.count("\n", begin, end)
        line = self.text.count("\n", 0, copy.tokens[0].start) + 1
        table = "".join(t.text for t in copy.tokens[1:] if t.kind != "comment").strip().split("(")[0].split()[0]
        self.notes.append(
            f"line {line}: the data of COPY {table} ({counted(lines, 'row')}) is skipped: a schema contains no rows"
        )
        after = self.text.find("\n", end)
        return len(self.text) if after < 0 else after


def _copies_from_stdin(found: _Open) -> bool:
    words = [t.word for t in found.tokens if t.kind == "name"]
    return words[:1] == ["COPY"] and ("FROM", "STDIN") in pairwise(words)
