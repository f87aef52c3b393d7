"""Let the first of the records with the same primary key, by their own keys, have it, whichever was loaded first.

While the copy runs, the target refuses the record that is loaded later, which varies with several workers or after a
kill. Usually this is the right one: the row that it wanted is of an earlier record (keepers.py), and nothing is done.
Otherwise the holder of the key is removed as well, and all of these records are applied again in the order of their
keys. If a run is killed here, the result is the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import pyarrow as pa

from crossfade.journal import refused
from crossfade.journal.refused import RefusedEntry
from crossfade.model.canonical import arrow_rows
from crossfade.model.rejection import Rejection
from crossfade.pipeline.evict import RefusedRows, evict
from crossfade.pipeline.keepers import undecided
from crossfade.pipeline.retry import RetryMode, put_in
from crossfade.runtime.session import Session, Work, session
from crossfade.transform.transform import TableRows

COPY = "copy"


def decide(work: Work, entities: Collection[str] = ()) -> None:
    """Decide again, in the order of the keys, between all records (of the `entities`, if given) with the same primary
    key.
    """
    s = session(work)
    contested = _contested(s, entities)
    todo = {h.id for h in contested}
    out = undecided(s, contested)
    while wanting := [h for h in out if h.id in todo]:
        for piece in refused.in_pieces(wanting):
            named, parts = _mapped(s, piece)
            for part in parts:
                _remove_holders(s, part, named.get(part.table.name))
        todo -= {h.id for h in wanting}
        out = undecided(s, _contested(s, entities))  # including those whose rows' holders were removed
    _put_in(work, out)
    _put_in(work, [h for h in _contested(s, entities) if _makes_several_rows(work, h)])


def _put_in(work: Work, found: Sequence[RefusedEntry]) -> None:
    for piece in refused.in_pieces(refused.ordered(found)):
        put_in(work, piece[0].entity, [h.id for h in piece], RetryMode.BY_KEY)


def _makes_several_rows(work: Work, entry: RefusedEntry) -> bool:
    """Whether the record may want several keys: then the key that is named depended on the order of the loads."""
    branches = work.program.feeds[entry.entity].branches
    return len(branches) != 1 or not branches[0].one_row


def _contested(s: Session, entities: Collection[str]) -> list[RefusedEntry]:
    with s.transaction() as tx:
        found = refused.refused(tx, "unique", phase=COPY)
    return [h for h in found if h.entity in s.work.program.feeds and (not entities or h.entity in entities)]


def _mapped(s: Session, piece: Sequence[RefusedEntry]) -> tuple[dict[str, str], list[TableRows]]:
    """Return the name of the constraint that refused rows of each table, and the rows."""
    with s.transaction() as tx:
        found = refused.read(tx, [h.id for h in piece])
    named = {entry.table: entry.constraint for entry, _ in found if entry.table and entry.constraint}
    batch = s.batch_of(piece[0].entity, b"".join(raw for _, raw in found))
    return named, s.transformer(piece[0].entity).map(batch).tables


def _remove_holders(s: Session, part: TableRows, constraint: str | None) -> None:
    """Remove the records that hold a primary key (or an existing unique value) of these rows."""
    with s.transaction() as tx:
        keys = tx.owned(part.table, part.rows.select(list(part.table.primary_key)), part.table.primary_key)
    why = Rejection(0, "unique", "its primary key is taken", part.table.name, constraint=constraint)
    for found in (keys, *_holders(s, part)):
        if found.num_rows:
            evict(s.work, RefusedRows(part.table.name, found, why, phase=COPY))


def _holders(s: Session, part: TableRows) -> Iterator[pa.Table]:
    if s.target.traits.constraints_after_tables or s.target.conflicts is None:
        return
    for unique in part.table.uniques:
        clashes = s.target.conflicts.holders(part.table, unique, part.rows)
        found = {c.key for c in clashes if c is not None and c.key is not None}
        yield arrow_rows(part.table, part.table.primary_key, sorted(found, key=repr))
