"""Copy some entities again, because their mapping or shape has changed or they were added later. Keep the others.

All of their rows are removed, and the indexes and constraints of those tables are dropped. Foreign keys are created and
validated again, also those of other tables that refer to them. Then these entities alone are copied as usual. Columns
and tables that the schema has in addition are added before (adding.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set

from crossfade.errors import Misused, Refused
from crossfade.journal import agreed, journal
from crossfade.model.counts import counted
from crossfade.model.names import nearest
from crossfade.model.target import Step
from crossfade.move import adding, checks, source_identity, surveying, target_ownership
from crossfade.move.context import Context
from crossfade.move.copying import require_own_rows
from crossfade.schema import live
from crossfade.stores.contract import RowRejected, TargetTransaction


def forget(context: Context, tables: Collection[str], entities: Collection[str], *, source_moved: bool = False) -> None:
    """Remove all rows of these entities, and of those that feed these tables, so that `copy` copies them again."""
    found = adding.added(context, target_ownership.known_move(context))
    checks.require_covered(context)
    with context.transaction() as tx:
        chosen = _entities(context, tables, entities, _filled(tx))
    there = surveying.entities(context, sized=False)
    source_identity.require_same_source(context, there, confirmed=source_moved, anew=chosen)
    with context.transaction() as tx:
        filled = _filled(tx)
        chosen = _entities(context, tables, entities, filled)
        names = _tables(context, chosen, filled)
        adding.require_chosen(found, names)
        own = [table for table in context.tables(names) if tx.count(table, hold=True) is not None]
        _require_copied(tx, chosen)
        require_own_rows(context, tx, own)
        _take_away(context, tx, names)
        try:
            for table in own:
                tx.empty(table, beside=context.schema.tables)
        except RowRejected as refusal:
            raise Refused(
                f"{refusal.message}; nothing was changed", hint="move those rows elsewhere first"
            ) from refusal
        agreed.begin_again(tx, chosen, [t.name for t in own])
        adding.note(context, tx, found)
        journal.set_digests(tx, context.digests)
        journal.set_stage(tx, journal.COPYING)


Filled = Mapping[str, Set[str]]
"""Entity -> the tables that hold rows of it according to the journal; an earlier mapping may have filled them."""


def _filled(tx: TargetTransaction) -> Filled:
    filled: dict[str, set[str]] = {}
    for record in journal.chunks(tx):
        filled.setdefault(record.chunk.entity, set()).update(record.rows)
    return {entity: tables for entity, tables in filled.items() if tables}


def _entities(context: Context, tables: Collection[str], entities: Collection[str], filled: Filled) -> set[str]:
    """Return the chosen entities, and all that fill or have filled a table together with one of them."""
    known_tables = context.fed_tables.union(*filled.values())
    fed = filled.keys() | set(context.fed_entities)
    for name, known, what in [(t, known_tables, "table") for t in tables] + [(e, fed, "entity") for e in entities]:
        if name not in known:
            close = nearest(name, sorted(known))
            raise Misused(f"no mapping has the {what} {name!r}; nothing was changed", hint=close or "crossfade check")
    chosen = set(entities) | _fillers(context, tables, filled)
    while True:
        wider = _fillers(context, _tables(context, chosen, filled), filled)
        if wider <= chosen:
            return chosen
        chosen |= wider


def _fillers(context: Context, tables: Collection[str], filled: Filled) -> set[str]:
    have = {entity for entity, names in filled.items() if not names.isdisjoint(tables)}
    return have | {b.entity for b in context.program.branches if b.table in tables}


def _tables(context: Context, entities: Collection[str], filled: Filled) -> set[str]:
    """Return the tables that the entities fill or have filled."""
    have = {name for entity in entities for name in filled.get(entity, ())}
    return have | {b.table for b in context.program.branches if b.entity in entities}


def _require_copied(tx: TargetTransaction, chosen: Collection[str]) -> None:
    left = [c.chunk for c in journal.chunks(tx) if c.counts is None and c.chunk.entity not in chosen]
    if left:
        chunks = counted(len(left), "chunk is", "chunks are")
        raise Refused(
            f"{chunks} of other entities not copied yet ({', '.join(sorted({c.entity for c in left}))}); nothing was"
            " changed",
            hint="crossfade copy, then copy these again",
        )


def _take_away(context: Context, tx: TargetTransaction, own: Set[str]) -> None:
    """Drop what depends on the tables, and every foreign key through which a removal could spread to other records."""
    done = journal.steps_done(tx)
    made = _made(context, done, own & context.fed_tables if context.is_live else own)
    made += [p for p in _made(context, done, _below(context, own)) if p.id.startswith("take away foreign key ")]
    again = {p.id.removeprefix("take away "): p for p in made}
    steps = sorted(again.items(), key=lambda found: not found[0].startswith("foreign key "))
    # in a live target the steps before the copy drop the rest; a foreign key would cascade when the tables are emptied
    now = [away for id_, away in steps if not context.is_live or id_.startswith("foreign key ")]
    for away in now:
        tx.run(away.sql)
    journal.forget_steps(tx, _forgotten(context, again, done))
    if context.is_live:
        for away in now:
            journal.note_step(tx, away)


def _made(context: Context, done: Collection[str], tables: Collection[str]) -> list[Step]:
    """Return the statements that drop what the steps have created on these tables."""
    there = live.still_there(context.schema, tables, done)
    return [step for step in there if step.id.removeprefix("take away ") in done]


def _forgotten(context: Context, ids: Collection[str], done: Collection[str]) -> Iterator[str]:
    for id_ in ids:
        yield from (id_, f"take away {id_}", f"validate {id_.removeprefix('foreign key ')}")
    yield from (
        step.id for step in context.schema.post if step.id in done and (live.depends_on_parts(step) or step.fills)
    )


def _below(context: Context, tables: Collection[str]) -> set[str]:
    """Return the tables that may lose rows together with these: referring tables, and others with the same records."""
    found = set(tables)
    while True:
        refer = {t.name for t in context.schema.tables if any(k.parent in found for k in t.foreign_keys)}
        of_records = _tables(context, {b.entity for b in context.program.branches if b.table in refer | found}, {})
        if refer | of_records <= found:
            return found
        found |= refer | of_records
