"""Additions to the schema of a move that has begun: columns and tables, with their indexes and constraints.

Indexes, foreign keys and new tables are steps of the new schema that were not executed yet. Only what CREATE TABLE says
of a table that exists already needs another statement.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from crossfade.model.described import Described, Thing, plain, unquoted
from crossfade.model.quoting import qualified
from crossfade.model.target import Step, TargetSchema, TargetTable
from crossfade.schema.compare import CHANGED, EXTRA, SchemaDifference, compare
from crossfade.schema.documents import commands
from crossfade.schema.suggestions.text import Item, table_text

_LATER = ("unique constraint", "exclusion constraint", "foreign key")
"""Constraints that a step of their own creates."""


@dataclass(frozen=True)
class Additions:
    """`things`: what the target will have in addition, and collections that get another validator. `steps`: table ->
    statements that add what existing tables lack. `others`: differences that are not additions, a sentence each.
    """

    things: tuple[Thing, ...]
    steps: Mapping[str, tuple[Step, ...]]
    others: tuple[str, ...]

    def added_to(self, expected: Described) -> Described:
        """Return the description of the target with the additions. New columns of a table are its last ones."""
        new = {thing.key: thing for thing in self.things}
        known = tuple(new.pop(thing.key, thing) for thing in expected.things)
        return replace(expected, things=(*known, *new.values()))


def additions(schema: TargetSchema, made: Described, expected: Described, done: Collection[str]) -> Additions:
    """Compare what `schema` makes (`made`) with what the target has (`expected`). `done`: ids of executed steps."""
    known = {thing.name for thing in expected.things if thing.kind == "relation"}
    now = {thing.key: thing for thing in made.things}
    things, others = list[Thing](), list[str]()
    steps: dict[str, dict[int, Step]] = {}
    for difference in compare(expected, made):
        thing = now.get((difference.thing, difference.name))
        if thing is None:
            if _is_of_the_move(difference, now.keys(), done):
                others.append(difference.sentence)
        elif difference.kind == EXTRA and _has_step(thing, known):
            things += [thing, *(part for part in made.things if part.of == thing.name)]
        elif (found := _statement(schema, difference, thing)) is not None:
            table, place, step = found
            things.append(thing)
            steps.setdefault(table, {})[place] = step
        else:
            others.append(difference.sentence)
    in_order = {name: tuple(of[place] for place in sorted(of)) for name, of in steps.items()}
    return Additions(tuple(things), in_order, tuple(others))


def made_by_others(there: Described, expected: Described, tables: Collection[TargetTable]) -> Additions:
    """Return what the target (`there`) has in addition as parts of these tables, or as these tables."""
    names = {name for t in tables for name in _names(t)}
    extra = {(d.thing, d.name) for d in compare(expected, there) if d.kind == EXTRA}
    new = {name for kind, name in extra if kind == "relation"}
    found = (t for t in there.things if unquoted(t.of or t.name) in names and (t.key in extra or t.of in new))
    return Additions(tuple(found), {}, ())


def _has_step(thing: Thing, known: Collection[str]) -> bool:
    """Return whether a step of the schema creates it, or does so with its table."""
    if thing.kind == "column" or thing.kind == "constraint":
        return thing.of not in known or thing.what in _LATER
    return True


def _is_of_the_move(missing: SchemaDifference, now: Collection[tuple[str, str]], done: Collection[str]) -> bool:
    """Return whether the move has created it. The target may have had other things before."""
    if missing.of:
        return ("relation", missing.of) in now
    return missing.thing == "relation" and f"{missing.what} {plain(missing.name)}" in done


def _statement(schema: TargetSchema, difference: SchemaDifference, thing: Thing) -> tuple[str, int, Step] | None:
    """Return the table, the place in CREATE TABLE, and the statement for one difference; None if there is none."""
    table = _table(schema, difference.of or difference.name)
    if table is None:
        return None
    created = next((step.sql for step in schema.pre if step.id == f"table {table.name}"), "")
    if commands.is_command(created):
        return (table.name, 0, commands.change(created)) if difference.fact in commands.CHANGEABLE else None
    item = None if difference.kind == CHANGED else _item(created, thing)
    if item is None:
        return None
    what = "COLUMN " if thing.kind == "column" else ""
    sql = f"ALTER TABLE {qualified(table.schema, table.table)} ADD {what}{created[item.start : item.end]}"
    return table.name, item.start, Step(f"{thing.kind} {plain(thing.name)}", sql)


def _table(schema: TargetSchema, relation: str) -> TargetTable | None:
    """Return the table that a description names."""
    return next((t for t in schema.tables if unquoted(relation) in _names(t)), None)


def _names(table: TargetTable) -> tuple[str, str]:
    """Return the names by which a description may call a table."""
    return f"{table.schema or 'public'}.{table.table}", table.table


def _item(created: str, thing: Thing) -> Item | None:
    """Return the part of CREATE TABLE that makes a column or a check."""
    text = table_text(created)
    name = unquoted(thing.name).removeprefix(unquoted(thing.of) + ".")
    for item in text.items if text is not None else ():
        is_constraint = item.tokens[0].kind == "name" and item.tokens[0].word in _CONSTRAINTS
        if thing.kind == "column" and not is_constraint and item.tokens[0].name == name:
            return item
        if thing.what == "check constraint" and is_constraint and item.tokens[1].name == name:
            return item
    return None


_CONSTRAINTS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "EXCLUDE")
