"""Records that want the same primary key: the one that comes first by its own key has it, whoever was loaded first.

While the copy runs, the target refuses the later one; with several workers, or after a kill, that is now this one and
now that. So when all is copied, whoever holds such a key is removed as well, and all of them come in again in the order
of their keys. A run that is killed here ends the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import pyarrow as pa

from crossfade.journal import refused
from crossfade.journal.refused import Held
from crossfade.model.canonical import arrow_rows
from crossfade.pipeline.evict import Broken, evict
from crossfade.pipeline.retry import Tried, put_in
from crossfade.runtime.session import Session, Work, session
from crossfade.transform.transform import TableRows

COPY = "copy"


def decide(work: Work, entities: Collection[str] = ()) -> None:
    """Decides anew, in the order of the keys, between all records (of the `entities`, where some are named) that wanted
    the same primary key.
    """
    s = session(work)
    for piece in refused.in_pieces(_contested(s, entities)):
        named, parts = _mapped(s, piece)
        for part in parts:
            _remove_holders(s, part, named.get(part.table.name))
    for piece in refused.in_pieces(_contested(s, entities)):
        put_in(work, piece[0].entity, [h.id for h in piece], Tried.BY_KEY)


def _contested(s: Session, entities: Collection[str]) -> list[Held]:
    with s.transaction() as tx:
        found = refused.refused(tx, "unique", phase=COPY)
    return [h for h in found if h.entity in s.work.program.feeds and (not entities or h.entity in entities)]


def _mapped(s: Session, piece: Sequence[Held]) -> tuple[dict[str, str], list[TableRows]]:
    """What the target called the constraint that refused rows of a table, and the rows."""
    with s.transaction() as tx:
        found = refused.read(tx, [h.id for h in piece])
    named = {entry.table: entry.constraint for entry, _ in found if entry.table and entry.constraint}
    batch = s.batch_of(piece[0].entity, b"".join(raw for _, raw in found))
    return named, s.carrier(piece[0].entity).map(batch).tables


def _remove_holders(s: Session, part: TableRows, constraint: str | None) -> None:
    """Removes the records that hold a primary key (or, where they are there already, a unique value) of these rows."""
    with s.transaction() as tx:
        keys = tx.owned(part.table, part.rows.select(list(part.table.primary_key)), part.table.primary_key)
    held = [keys, *_holders(s, part)]
    for found in held:
        if found.num_rows:
            detail = "its primary key is taken"
            evict(s.work, Broken(part.table.name, "unique", detail, "", found, phase=COPY, constraint=constraint))


def _holders(s: Session, part: TableRows) -> Iterator[pa.Table]:
    if s.target.traits.constraints_after_tables or s.target.clashes is None:
        return
    for unique in part.table.uniques:
        clashes = s.target.clashes.holders(part.table, unique, part.rows)
        found = {c.key for c in clashes if c is not None and c.key is not None}
        yield arrow_rows(part.table, part.table.primary_key, sorted(found, key=repr))
