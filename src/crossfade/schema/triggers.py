"""The enabled triggers of a schema or an existing target, by table, for `check` and `reset`."""

from __future__ import annotations

from dataclasses import dataclass

from crossfade.model.described import Described, plain
from crossfade.model.target import TargetSchema
from crossfade.schema.live import place_of_table, table_named
from crossfade.schema.tokens import meaningful


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger. `when` is the part of its statement between its name and its table: BEFORE INSERT OR UPDATE."""

    name: str
    table: str
    when: str


def enabled_triggers(schema: TargetSchema) -> list[Trigger]:
    """Return the triggers that fire when an application writes, in the order of the steps."""
    off = {
        step.id.removeprefix("trigger mode ")
        for step in schema.post
        if step.id.startswith("trigger mode ") and (" DISABLE " in step.sql or " REPLICA " in step.sql)
    }
    found = []
    for step in schema.post:
        name = step.id.removeprefix("trigger ")
        if not step.id.startswith("trigger ") or step.id.startswith("trigger mode ") or name in off:
            continue
        start, end = place_of_table(step)
        table = table_named(schema, step.sql[start:end])
        if table is not None:
            found.append(Trigger(_name(step.sql), table.name, _when(step.sql[:start])))
    return found


def triggers_in(described: Described) -> list[Trigger]:
    """Return the same from the target's current catalog, whoever created them."""
    return [
        Trigger(_name(made), plain(thing.of), _when(made[: _before_table(made)]))
        for thing in described.things
        if thing.kind == "trigger" and thing.facts.get("enabled", "yes") in ("yes", "always")
        for made in [thing.facts["definition"]]
    ]


def _before_table(made: str) -> int:
    words = meaningful(made)
    return next(w.start for w in words[_place(made) + 2 :] if w.word == "ON")


def _name(made: str) -> str:
    return meaningful(made)[_place(made) + 1].name


def _place(made: str) -> int:
    """Return the last word before the name: TRIGGER, or EXISTS of IF NOT EXISTS."""
    words = meaningful(made)
    at = next(i for i, word in enumerate(words) if word.word == "TRIGGER")
    return at + 3 if words[at + 1].word == "IF" else at


def _when(before: str) -> str:
    """Return what follows the trigger's name in `before`, without the ON at its end."""
    words = meaningful(before)[_place(before) + 2 :]
    while words and words[-1].word in ("ON", "ONLY"):
        words = words[:-1]
    return " ".join(word.text for word in words).replace(" , ", ", ")
