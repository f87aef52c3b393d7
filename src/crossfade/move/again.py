"""Some entities are copied again: their mapping or their shape has changed, or they came later. The others stay.

What they made is taken out as a whole, and what hangs on those tables with it: foreign keys are made and checked anew,
also those of records that refer to them. Then the copy goes its usual way, for these entities alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from crossfade.errors import Misused, Refused
from crossfade.journal import agreed, journal
from crossfade.model.counts import counted
from crossfade.model.target import Step
from crossfade.move import checks
from crossfade.move import target_ownership as begin
from crossfade.move.context import Ground
from crossfade.move.copying import require_own_rows
from crossfade.schema import live
from crossfade.schema.prisma.faults import nearest
from crossfade.stores.contract import Loader, RowRejected


def forget(ground: Ground, tables: Collection[str], entities: Collection[str]) -> None:
    """Takes out what these entities, and those that feed these tables, have made: `copy` brings it in again."""
    begin.own_move(ground)
    checks.require_covered(ground)
    chosen = _entities(ground, tables, entities)
    own = ground.tables(_tables(ground, chosen))
    with ground.transaction() as tx:
        _require_copied(tx, chosen)
        require_own_rows(ground, tx, own)
        _take_away(ground, tx, chosen)
        try:
            for table in own:
                tx.empty(table, beside=ground.schema.tables)
        except RowRejected as refusal:
            raise Refused(
                f"{refusal.message}; nothing was changed", hint="move those rows elsewhere first"
            ) from refusal
        agreed.begin_again(tx, chosen, [t.name for t in own])
        journal.set_digests(tx, ground.digests)
        journal.set_stage(tx, journal.COPYING)


def _entities(ground: Ground, tables: Collection[str], entities: Collection[str]) -> set[str]:
    """Those that are meant, and all that fill a table with one of them."""
    fed = set(ground.fed_entities)
    for name, known, what in [(t, ground.fed_tables, "table") for t in tables] + [(e, fed, "entity") for e in entities]:
        if name not in known:
            close = nearest(name, sorted(known))
            raise Misused(f"no mapping has the {what} {name!r}; nothing was changed", hint=close or "crossfade check")
    chosen = set(entities) | {b.entity for b in ground.program.branches if b.table in tables}
    while True:
        beside = _tables(ground, chosen)
        wider = {b.entity for b in ground.program.branches if b.table in beside}
        if wider <= chosen:
            return chosen
        chosen |= wider


def _tables(ground: Ground, entities: Collection[str]) -> set[str]:
    return {b.table for b in ground.program.branches if b.entity in entities}


def _require_copied(tx: Loader, chosen: Collection[str]) -> None:
    left = [c.chunk for c in journal.chunks(tx) if c.counts is None and c.chunk.entity not in chosen]
    if left:
        chunks = counted(len(left), "chunk is", "chunks are")
        raise Refused(
            f"{chunks} not copied yet of other entities ({', '.join(sorted({c.entity for c in left}))}); nothing was"
            " changed",
            hint="crossfade copy, then copy these again",
        )


def _take_away(ground: Ground, tx: Loader, chosen: Collection[str]) -> None:
    """All that hangs on the tables, and every foreign key that a record could be removed for with its parents."""
    done = journal.steps_done(tx)
    own = _tables(ground, chosen)
    made = _made(ground, done, own)
    made += [p for p in _made(ground, done, _below(ground, own)) if p.id.startswith("take away foreign key ")]
    again = {p.id.removeprefix("take away "): p for p in made}
    steps = sorted(again.items(), key=lambda found: not found[0].startswith("foreign key "))
    if not ground.is_live:  # of a live target the steps before the copy do it
        for _, away in steps:
            tx.run(away.sql)
    agreed.forget_steps(tx, _forgotten(ground, again, done))


def _made(ground: Ground, done: Collection[str], tables: Collection[str]) -> list[Step]:
    """The statements that take away what the steps have made of these tables."""
    there = live.still_there(ground.schema, tables, done)
    return [step for step in there if step.id.removeprefix("take away ") in done]


def _forgotten(ground: Ground, ids: Collection[str], done: Collection[str]) -> Iterator[str]:
    for id_ in ids:
        yield from (id_, f"take away {id_}", f"validate {id_.removeprefix('foreign key ')}")
    yield from (step.id for step in ground.schema.post if step.id in done and live.is_said_of_parts(step))


def _below(ground: Ground, tables: Collection[str]) -> set[str]:
    """The tables that lose rows when records of these do: those that refer to them, and what their records fill."""
    found = set(tables)
    while True:
        refer = {t.name for t in ground.schema.tables if any(k.parent in found for k in t.foreign_keys)}
        of_records = _tables(ground, {b.entity for b in ground.program.branches if b.table in refer | found})
        if refer | of_records <= found:
            return found
        found |= refer | of_records
