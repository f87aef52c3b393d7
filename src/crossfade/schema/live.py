"""Existing tables that a move fills: their constraints and indexes are dropped before the copy and restored after it.

Foreign keys, unique constraints, exclusion constraints, secondary indexes and triggers, as the target's own catalog
prints them. Primary keys, checks and defaults stay. The steps work from what was noted when the move began
(journaled.py), because the catalog no longer has dropped constraints.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from crossfade.errors import Stale
from crossfade.model.dialects import dialect_of
from crossfade.model.quoting import identifier
from crossfade.model.target import Step, TargetSchema, TargetTable
from crossfade.schema.documents import commands
from crossfade.schema.tokens import Token, meaningful


def of_tables(schema: TargetSchema, names: Collection[str]) -> TargetSchema:
    """Return the schema of these tables alone. Steps about an index or a trigger of another table are left out,
    because these may be dropped at the moment.
    """
    known = {t.table for t in schema.tables if t.name in names}
    known |= {part.id.rpartition(" ")[2].rpartition(".")[2] for part in _parts(schema, names)}
    tables = tuple(t for t in schema.tables if t.name in names)
    post = (s for s in schema.post if not depends_on_parts(s) or known & {word.name for word in meaningful(s.sql)})
    return replace(schema, tables=tables, post=tuple(post))


def as_it_was(was: TargetSchema, now: TargetSchema) -> TargetSchema:
    """Return the noted schema with the metadata of `now`. Raises Stale if its tables have changed."""
    for table in was.tables:
        found = now.table(table.name)
        if found is None or (found.columns, found.primary_key) != (table.columns, table.primary_key):
            raise Stale(
                f"the table {table.name} has changed since this move began; nothing was written",
                hint=f"if columns were only added: crossfade copy --table {table.name} --again; or restore its columns",
            )
    return replace(was, metadata_of=now.metadata_of)


def grown(was: TargetSchema, now: TargetSchema) -> tuple[TargetSchema, tuple[TargetTable, ...]]:
    """Return the noted schema with the columns and tables that were added since, and the tables that differ."""
    tables = tuple(_grown(was.table(table.name), table) for table in now.tables)
    differ = tuple(table for table in tables if table != was.table(table.name))
    known = {step.id for step in was.post}
    dropped_tables = tuple(table for table in was.tables if now.table(table.name) is None)
    new = tuple(step for step in now.post if step.id not in known)
    return replace(was, tables=(*dropped_tables, *tables), post=(*was.post, *new)), differ


def _grown(was: TargetTable | None, now: TargetTable) -> TargetTable:
    """Return a table with the constraints that it had or has."""
    if was is None:
        return now
    names = {c.name for c in now.columns}
    if was.primary_key != now.primary_key or [c for c in now.columns if c in was.columns] != list(was.columns):
        return was  # changed in another way: it is unknown how the rows are to be compared
    uniques = {u.name: u for u in (*now.uniques, *was.uniques)}
    keys = {key.name: key for key in (*now.foreign_keys, *was.foreign_keys) if set(key.columns) <= names}
    return replace(was, columns=now.columns, uniques=tuple(uniques.values()), foreign_keys=tuple(keys.values()))


def built_on(schema: TargetSchema, step: Step) -> TargetTable | None:
    """Return the table of an index, a unique or an exclusion constraint; None for any other step."""
    if not step.id.startswith(BUILT):
        return None
    if commands.is_command(step.sql):
        return schema.table(commands.collection_of(step.sql))
    start, end = place_of_table(step)
    return table_named(schema, step.sql[start:end])


def table_named(schema: TargetSchema, sql: str) -> TargetTable | None:
    """Return the table that a name in a step's statement refers to."""
    words = meaningful(sql)
    folds = dialect_of(schema.dialect).folds_quoted_names
    name = _name(*_table_at([*words, words[-1]], 0), folds)
    return next((t for t in schema.tables if _name(t.schema or "", t.table, folds) == name), None)


def place_of_table(step: Step) -> tuple[int, int]:
    """Return the start and end offset of the table's name in the statement of such a step."""
    words = meaningful(step.sql)
    kind = next(k for k in _KINDS if step.id.startswith(f"{k} "))
    first = _tables_in(words, kind)[0]
    last = first + 2 if words[first + 1].text == "." else first
    return words[first].start, words[last].end


BUILT = ("unique ", "index ", "exclusion ")
"""Prefixes of the ids of steps that build something from the rows of one table."""


def steps_before(schema: TargetSchema, filled: Collection[str]) -> tuple[Step, ...]:
    """Return the statements that drop what depends on the tables `filled`."""
    return tuple(part.away for part in _parts(schema, filled))


def still_there(schema: TargetSchema, filled: Collection[str], done: Collection[str]) -> tuple[Step, ...]:
    """Return those of these statements whose part exists: it was not dropped yet, or was created again (`done`)."""
    return tuple(p.away for p in _parts(schema, filled) if p.away.id not in done or p.id in done)


def steps_after(schema: TargetSchema, filled: Collection[str], done: Collection[str]) -> tuple[Step, ...]:
    """Return the statements that restore these parts, and all others that `done` (ids of steps) says were dropped."""
    everything = {t.name for t in schema.tables}
    wanted = {p.away.id for p in _parts(schema, filled)} | set(done)
    back = {p.id for p in _parts(schema, everything) if p.away.id in wanted}
    back |= {f"validate {name.removeprefix('foreign key ')}" for name in back}
    return tuple(step for step in schema.post if step.id in back or depends_on_parts(step))


def depends_on_parts(step: Step) -> bool:
    """Return whether the step depends on an index, a constraint or a trigger. Repeating it is harmless."""
    kinds = ("index", "table constraint", "trigger")
    others = ("cluster ", "replica identity ", "statistics of index ", "trigger mode ")
    return step.id.startswith((*others, *(f"comment on {kind} " for kind in kinds)))


@dataclass(frozen=True)
class _Part:
    """Something that the step `id` of `post` creates, and the step that drops it."""

    id: str
    away: Step


def _parts(schema: TargetSchema, filled: Collection[str]) -> list[_Part]:
    """Return what to drop, foreign keys first: a unique constraint cannot be dropped while one depends on it."""
    folds = dialect_of(schema.dialect).folds_quoted_names
    tables = {_name(t.schema or "", t.table, folds) for t in schema.tables if t.name in filled}
    inside = _partitions(schema, tables, folds)
    found = []
    for step in schema.post:
        if commands.is_command(step.sql):
            if commands.collection_of(step.sql) in filled:
                found.append(_Part(step.id, Step(f"take away {step.id}", commands.drop_index(step.sql))))
            continue
        kind = next((k for k in _KINDS if step.id.startswith(f"{k} ")), None)
        if kind is not None and not step.id.startswith("trigger mode "):
            words = meaningful(step.sql)
            on, *others = [_table_at(words, place) for place in _tables_in(words, kind)]
            within = tables if kind == "trigger" else tables | inside
            if any(_name(*table, folds) in within for table in (on, *others)):
                found.append(_Part(step.id, Step(f"take away {step.id}", _drop(kind, words, on, schema.dialect))))
    return sorted(found, key=lambda part: not part.id.startswith("foreign key "))


def _partitions(schema: TargetSchema, tables: Collection[tuple[str, str]], folds: bool) -> set[tuple[str, str]]:
    """Return the partitions of these tables, and theirs: they can have constraints and indexes of their own."""
    parents = dict(filter(None, (_partition(step) for step in schema.pre)))
    named = {_name(*part, folds): _name(*of, folds) for part, of in parents.items()}
    found = set(tables)
    while new := {part for part, of in named.items() if of in found} - found:
        found |= new
    return found - set(tables)


def _partition(step: Step) -> tuple[tuple[str, str], tuple[str, str]] | None:
    """Return the partition that a step creates or attaches, and the table that it belongs to."""
    if "PARTITION" not in step.sql or not step.id.startswith(("table ", "partition ")):
        return None
    words = meaningful(step.sql)
    for place, (one, next_) in enumerate(pairwise(word.word for word in words)):
        if (one, next_) == ("PARTITION", "OF"):
            return _table_at(words, _after(words, "TABLE")), _table_at(words, place + 2)
        if (one, next_) == ("ATTACH", "PARTITION"):
            return _table_at(words, place + 2), _table_at(words, _after(words, "TABLE"))
    return None


_KINDS = ("foreign key", "unique", "exclusion", "index", "trigger")


def _name(schema: str, table: str, folds: bool) -> tuple[str, str]:
    return (schema, table.lower()) if folds else (schema, table)


def _drop(kind: str, words: Sequence[Token], on: tuple[str, str], dialect: str) -> str:
    table = _quoted(on)
    match kind:
        case "index":
            return f"DROP INDEX {_quoted((on[0], words[_after(words, 'INDEX')].name))}"
        case "trigger":
            name = identifier(words[_after(words, "TRIGGER")].name)
            return f"DROP TRIGGER {name}" + (f" ON {table}" if dialect_of(dialect).triggers_are_of_tables else "")
    return f"ALTER TABLE {table} DROP CONSTRAINT {identifier(words[_after(words, 'CONSTRAINT')].name)}"


def _quoted(name: tuple[str, str]) -> str:
    return ".".join(identifier(part) for part in name if part)


def _tables_in(words: Sequence[Token], kind: str) -> list[int]:
    """Return the positions of table names: first the one of its own table."""
    if kind in ("index", "trigger"):
        return [_after(words, "ON")]
    return [_after(words, "TABLE"), *([_after(words, "REFERENCES")] if kind == "foreign key" else [])]


def _after(words: Sequence[Token], word: str) -> int:
    place = next(i for i, token in enumerate(words) if token.word == word) + 1
    return place + 1 if words[place].word == "ONLY" else place


def _table_at(words: Sequence[Token], place: int) -> tuple[str, str]:
    if words[place + 1].text == ".":
        return words[place].name, words[place + 2].name
    return "", words[place].name
