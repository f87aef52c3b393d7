"""The object that a step of a schema creates or drops, read from its statement: its kind and names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crossfade.model.quoting import qualified
from crossfade.model.target import Step
from crossfade.schema.tokens import Token, meaningful

_NAMED = ("TABLE", "VIEW", "SEQUENCE", "INDEX", "TYPE", "DOMAIN", "SCHEMA", "EXTENSION", "TRIGGER")
_BEFORE_KIND = ("OR", "REPLACE", "UNIQUE", "MATERIALIZED", "UNLOGGED", "FOREIGN", "VIRTUAL", "CONSTRAINT", "RECURSIVE")
_BEFORE_NAME = ("IF", "NOT", "EXISTS", "CONCURRENTLY", "ONLY")


@dataclass(frozen=True, slots=True)
class StepThing:
    """`kind` is TABLE, INDEX, CONSTRAINT, ..., in words that DROP takes. `on` is the table of a constraint or trigger,
    as (schema, name). `drops`: the step drops it; `validates`: it validates a constraint that exists; `fills`: it fills
    a materialized view that exists.
    """

    kind: str
    schema: str
    name: str
    on: tuple[str, str] = ("", "")
    drops: bool = False
    validates: bool = False
    fills: bool = False

    @property
    def quoted(self) -> str:
        return qualified(self.schema, self.name)

    @property
    def quoted_table(self) -> str:
        return qualified(*self.on)


def thing_of(step: Step) -> StepThing | None:
    """Return what the step makes or drops; None if it is nothing that has a name of its own."""
    words = meaningful(step.sql)
    match [word.word for word in words[:2]]:
        case ["CREATE", _]:
            return _created(words[1:], drops=False)
        case ["DROP", _]:
            return _created(words[1:], drops=True)
        case ["ALTER", "TABLE"]:
            return _of_table(words)
        case ["REFRESH", "MATERIALIZED"]:
            schema, name, _ = _name(words[3:])
            return StepThing("MATERIALIZED VIEW", schema, name, fills=True)
    return None


def _created(words: Sequence[Token], *, drops: bool) -> StepThing | None:
    kind = list[str]()
    while words and words[0].word in _BEFORE_KIND:
        if words[0].word in ("MATERIALIZED", "FOREIGN"):
            kind.append(words[0].word)
        words = words[1:]
    if not words or words[0].word not in _NAMED:
        return None
    kind.append(words[0].word)
    schema, name, _ = _name(words[1:])
    on = _after(words, "ON") if kind[-1] in ("TRIGGER", "INDEX") else ("", "")
    # an index is in the schema of its table
    return StepThing(" ".join(kind), schema or (on[0] if kind[-1] == "INDEX" else ""), name, on, drops=drops)


def _of_table(words: Sequence[Token]) -> StepThing | None:
    schema, table, rest = _name(words[2:])
    does = [word.word for word in rest[:2]]
    if len(rest) < 3 or does[1:] != ["CONSTRAINT"] or does[0] not in ("ADD", "DROP", "VALIDATE"):
        return None
    _, name, _ = _name(rest[2:])
    return StepThing("CONSTRAINT", "", name, (schema, table), drops=does[0] == "DROP", validates=does[0] == "VALIDATE")


def _name(words: Sequence[Token]) -> tuple[str, str, Sequence[Token]]:
    """Return schema and name at the beginning, and what follows."""
    while words and words[0].word in _BEFORE_NAME:
        words = words[1:]
    if len(words) > 2 and words[1].text == ".":
        return words[0].name, words[2].name, words[3:]
    return "", words[0].name if words else "", words[1:]


def _after(words: Sequence[Token], word: str) -> tuple[str, str]:
    place = next((i for i, token in enumerate(words) if token.word == word), None)
    return ("", "") if place is None else _name(words[place + 1 :])[:2]


def drop_of(thing: StepThing) -> str | None:
    """Return the statement that removes what a step made, without CASCADE; None if there is nothing to remove."""
    if thing.validates or thing.fills:
        return None
    match thing.kind:
        case "CONSTRAINT":
            return f"ALTER TABLE IF EXISTS {thing.quoted_table} DROP CONSTRAINT IF EXISTS {qualified(thing.name)}"
        case "TRIGGER":
            return f"DROP TRIGGER IF EXISTS {qualified(thing.name)} ON {thing.quoted_table}"
    return f"DROP {thing.kind} IF EXISTS {thing.quoted}"
