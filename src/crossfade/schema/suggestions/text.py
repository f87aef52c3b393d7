"""Edits the text of statements in place, so that a corrected statement keeps its author's layout and comments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from crossfade.schema.tokens import Token, meaningful

Edit = tuple[int, int, str]
"""Start, end, and the replacement text."""


def edited(text: str, edits: Iterable[Edit]) -> str:
    """Return `text` with every edit applied; they must not overlap."""
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


@dataclass(frozen=True)
class Item:
    """One column or constraint of a CREATE TABLE."""

    tokens: tuple[Token, ...]
    comma: Token | None
    """The comma after it."""

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def end(self) -> int:
        return self.tokens[-1].end

    def words(self) -> list[str]:
        return [t.word for t in self.tokens]


@dataclass(frozen=True)
class TableText:
    """A CREATE TABLE statement: its name as written, the items between its parentheses, and their positions."""

    text: str
    name: str
    items: tuple[Item, ...]
    open: int
    close: int

    @property
    def plain_name(self) -> str:
        """Return the name without its schema, folded."""
        return meaningful(self.name)[-1].name

    def without(self, gone: Iterable[Item]) -> str:
        """Return the statement without these items and their commas."""
        left_out = set(map(id, gone))
        left = [item for item in self.items if id(item) not in left_out]
        edits: list[Edit] = []
        for item in self.items:
            is_last = bool(left) and item is left[-1]
            if item.comma and (id(item) in left_out or is_last):
                edits.append((item.comma.start, item.comma.end, ""))
            if id(item) in left_out:
                before = self.text[: item.start]
                edits.append(
                    (len(before.rstrip()) if "--" not in before.splitlines()[-1:] else item.start, item.end, "")
                )
        return edited(self.text, _merged(edits))


def _merged(edits: list[Edit]) -> list[Edit]:
    """Merge deletions that touch or overlap."""
    merged: list[Edit] = []
    for start, end, new in sorted(edits):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]), "")
        else:
            merged.append((start, end, new))
    return merged


def table_text(text: str) -> TableText | None:
    """Return the statement's parts, or None if it is not a CREATE TABLE with a list of columns."""
    found = meaningful(text)
    words = [t.word for t in found]
    if words[:1] != ["CREATE"] or "TABLE" not in words[:4]:
        return None
    opening = next((i for i, t in enumerate(found) if t.word == "("), None)
    if opening is None:
        return None
    name_from = words.index("TABLE") + 1
    if words[name_from : name_from + 3] == ["IF", "NOT", "EXISTS"]:
        name_from += 3
    items, close = _items(found, opening)
    if name_from >= opening or not items:
        return None
    name = text[found[name_from].start : found[opening - 1].end]
    return TableText(text, name, tuple(items), found[opening].start, close)


def _items(found: list[Token], opening: int) -> tuple[list[Item], int]:
    items: list[Item] = []
    current: list[Token] = []
    depth = 0
    for token in found[opening + 1 :]:
        if token.word == ")" and depth == 0:
            if current:
                items.append(Item(tuple(current), None))
            return items, token.start
        depth += {"(": 1, ")": -1}.get(token.word, 0)
        if token.word == "," and depth == 0:
            if current:
                items.append(Item(tuple(current), token))
            current = []
        else:
            current.append(token)
    if current:
        items.append(Item(tuple(current), None))
    return items, found[-1].end


def closing(found: list[Token] | tuple[Token, ...], opening: int) -> int:
    """Return the index of the parenthesis that closes the one at `opening`; the last index if none does."""
    depth = 0
    for i in range(opening, len(found)):
        depth += {"(": 1, ")": -1}.get(found[i].word, 0)
        if depth == 0:
            return i
    return len(found) - 1
