"""Suggestions for statements that use what the file creates further down."""

from __future__ import annotations

import re

from crossfade.schema.leave_out import takes_away
from crossfade.schema.suggestions.kinds import Knowledge, Refusal, Suggestion
from crossfade.schema.suggestions.text import Edit, Item, TableText, closing, edited, table_text
from crossfade.schema.tokens import Token

_ABSENT = re.compile(
    r'(relation|type|function|schema|table|trigger|event trigger|rule) "?([^"(]+?)(?:\[\])*"?(?:\(.*\))?'
    r'(?: for (?:table|relation) ".*")? does not exist'
)
_CODES = ("42P01", "42704", "42883", "3F000")


def absent(refusal: Refusal) -> tuple[str, str] | None:
    """Return what a statement needs and does not exist: its kind, and its name without the schema."""
    found = _ABSENT.match(refusal.message) if refusal.code in _CODES else None
    if found is None:
        return None
    return {"relation": "table"}.get(found[1], found[1]), found[2].rpartition(".")[2]


def needed_later(refusal: Refusal, known: Knowledge) -> tuple[str, int] | None:
    """Return the name of what a statement needs, and the line further down in which the file creates it."""
    what, name = absent(refusal) or ("", "")
    line = (known.later_parts if what in _PARTS else known.later).get(name.lower())
    return None if line is None else (name.lower(), line)


_PARTS = ("trigger", "event trigger", "rule")


def made_later(statement: str, refusal: Refusal, known: Knowledge) -> Suggestion | None:
    """Add a foreign key after its parent exists; move any other statement down as a whole, unless it also takes
    something away: further down that may be what the file has made meanwhile.
    """
    needed = needed_later(refusal, known)
    if needed is None:
        return None
    name, line = needed
    reason = f"{name} is created further down, in line {line}"
    if takes_away(statement) is not None:
        return Suggestion(reason, hint=f"put what it adds below line {line}, and leave out the rest")
    table = table_text(statement)
    if table is None:
        return Suggestion(reason, "", "move the statement to the end of the file", (statement,))
    edits, later = _foreign_keys_out(statement, table, set(known.later))
    if not later:
        return Suggestion(reason, "", f"move the statement below the one that creates {name}", (statement,))
    return Suggestion(reason, edits, "add the foreign key after both tables exist", tuple(later))


def _foreign_keys_out(statement: str, table: TableText, names: set[str]) -> tuple[str, list[str]]:
    """Return the table without its references to `names`, and the ALTER TABLE for each."""
    later: list[str] = []
    gone: list[Item] = []
    edits: list[Edit] = []
    for item in table.items:
        at = _reference(item, names)
        if at is None:
            continue
        words = item.words()
        if words[0] in ("FOREIGN", "CONSTRAINT"):
            gone.append(item)
            later.append(f"ALTER TABLE {table.name} ADD {statement[item.start : item.end]}")
            continue
        first, end = _with_its_name(words, at), _end_of_reference(item.tokens, at)
        start = item.tokens[first - 1].end
        named = statement[item.tokens[first].start : item.tokens[at].start]
        rest = statement[item.tokens[at].start : item.tokens[end - 1].end]
        later.append(f"ALTER TABLE {table.name} ADD {named}FOREIGN KEY ({item.tokens[0].text}) {rest}")
        edits.append((start, item.tokens[end - 1].end, ""))
    if not gone:
        return edited(statement, edits), later
    rest_of = table_text(edited(statement, edits)) if edits else table
    assert rest_of is not None  # an edit removes no item
    removed = [new for new, old in zip(rest_of.items, table.items, strict=True) if old in gone]
    return rest_of.without(removed), later


def _reference(item: Item, names: set[str]) -> int | None:
    for i, word in enumerate(item.words()):
        if word == "REFERENCES":
            parent = item.tokens[i + 1 : i + 4]
            end = next(
                (k for k, t in enumerate(parent) if k and t.word != "." and parent[k - 1].word != "."), len(parent)
            )
            return i if parent[:end][-1].name in names else None
    return None


def _with_its_name(words: list[str], at: int) -> int:
    return at - 2 if at >= 3 and words[at - 2] == "CONSTRAINT" else at


def _end_of_reference(tokens: tuple[Token, ...], at: int) -> int:
    """Return the index after the last token of REFERENCES parent (columns) ON DELETE ... DEFERRABLE ... ."""
    i = at + 2
    while i < len(tokens) and (tokens[i].word == "." or tokens[i - 1].word == "."):
        i += 1
    if i < len(tokens) and tokens[i].word == "(":
        i = closing(tokens, i) + 1
    while i < len(tokens):
        word = tokens[i].word
        if word == "ON":
            i += 4 if tokens[i + 2].word in ("SET", "NO") else 3
        elif word == "MATCH" or (word == "NOT" and tokens[i + 1].word == "DEFERRABLE") or word == "INITIALLY":
            i += 2
        elif word == "DEFERRABLE":
            i += 1
        else:
            break
    return i
