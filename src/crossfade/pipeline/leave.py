"""Records that leave the target again: from a row that may not stay to its source record, and out with all its rows.

The whole record leaves every table that it feeds, and its raw document goes to quarantine, in one transaction. What is
held in memory is one reply of the source at a time.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.documents.decode import key_of
from crossfade.errors import CrossfadeError
from crossfade.executor.tasks import run_tasks
from crossfade.journal import journal, loaded
from crossfade.journal.journal import Entry
from crossfade.model.batch import Batch, Chunk
from crossfade.model.matching import places_of
from crossfade.model.program import Branch, Feed
from crossfade.pipeline.session import Session, Work, session
from crossfade.runtime.executor import Executor
from crossfade.stores.contract import Loader
from crossfade.transform.transform import Carrier, TableRows, keep_roots


@dataclass(frozen=True)
class Broken:
    """Rows of `table` (their primary keys) that may not stay, and why. `phase` is what their entries say.

    `each` has the reason and the detail of every row, where they are not the same for all.
    """

    table: str
    reason: str
    detail: str
    column: str
    keys: pa.Table
    phase: str = "constraints"
    constraint: str | None = None
    each: tuple[tuple[str, str], ...] = ()


def take_out(
    work: Work, broken: Broken, chunks: Sequence[Chunk], executor: Executor, *, by_key: bool = True
) -> Counter[str]:
    """Takes out the records behind the broken rows, a piece at a time; entity -> how many left.

    `by_key` allows to fetch them by their keys.
    """
    left: Counter[str] = Counter()
    for feed in work.program.feeds.values():
        branches = [b for b in feed.branches if b.table == broken.table]
        if by_key and all(follows_from_id(b, work.tables[broken.table].primary_key) for b in branches):
            left[feed.entity] += _by_keys(session(work), feed, broken) if branches else 0
        elif branches:
            own = ((work, chunk, broken) for chunk in chunks if chunk.entity == feed.entity)
            run_tasks(executor, leave_chunk, own, left.update)
    return +left


def leave_chunk(work: Work, chunk: Chunk, broken: Broken) -> dict[str, int]:
    """Takes out the chunk's records that made one of the broken rows; entity -> how many. Runs in a worker."""
    s = session(work)
    feed = work.program.feeds[chunk.entity]
    narrow = narrow_carrier(s, feed, broken.table, work.tables[broken.table].primary_key)
    left = 0
    for batch in s.reader.batches(chunk, work.shapes[chunk.entity], feed.columns):
        raws = [batch.raws[row] for row in _roots(narrow, batch, broken)]
        left += _leave(s, chunk.entity, raws, broken, chunk.number)
    return {chunk.entity: left}


def digest_of(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


# -- which records


def follows_from_id(branch: Branch, columns: Sequence[str]) -> bool:
    """Whether these columns of the row follow from the document's `_id` alone: then a scan of the keys finds it."""
    steering = [u for u in branch.uses if u.output in ("", *columns)]
    return branch.one_row and not branch.lookups and all(u.path == ("_id",) for u in steering)


def _by_keys(s: Session, feed: Feed, broken: Broken) -> int:
    """Maps documents that hold `_id` alone, and fetches those whose rows are broken."""
    narrow = narrow_carrier(s, feed, broken.table, s.work.tables[broken.table].primary_key)
    wanted: dict[str, None] = {}
    for raw in s.reader.keys(feed.entity):
        batch = s.batch_of(feed.entity, raw)
        wanted |= dict.fromkeys(str(key_of(batch.raws[row])) for row in _roots(narrow, batch, broken))
    found = s.reader.fetch(feed.entity, ("_id",), list(wanted)) if wanted else ()
    return sum(_leave(s, feed.entity, s.batch_of(feed.entity, raw).raws, broken, None) for raw in found)


def narrow_carrier(s: Session, feed: Feed, table: str, columns: Sequence[str]) -> Carrier:
    """A carrier of one table's rows alone, with nothing but some of their columns."""
    branches = [
        replace(
            b,
            sql=b.narrow.sql(*columns),
            outputs=tuple(columns),
            narrow=replace(b.narrow, outputs={name: b.narrow.outputs[name] for name in columns}),
            straight={},
            computed=None,
        )
        for b in feed.branches
        if b.table == table
    ]
    reduced = Feed(feed.entity, feed.columns, tuple(branches))
    return Carrier(reduced, s.work.tables, s.engine, s.carrier(feed.entity).lookups)


def _roots(carrier: Carrier, batch: Batch, broken: Broken) -> list[int]:
    """The documents of the batch that make one of the broken rows."""
    return sorted(_behind(carrier.map(batch).tables, broken))


def _behind(parts: Iterable[TableRows], broken: Broken) -> set[int]:
    found: set[int] = set()
    for part in parts:
        if part.table.name == broken.table:
            found |= _with_keys(part, broken.keys)
    return found


def _with_keys(part: TableRows, keys: pa.Table) -> set[int]:
    own = part.rows.select(keys.column_names)
    if len(keys.column_names) == 1:
        mask = pc.is_in(own.column(0), value_set=keys.column(0).combine_chunks().cast(own.schema.field(0).type))
        return set(part.roots.filter(mask.combine_chunks()).to_pylist())
    wanted = {tuple(row.values()) for row in keys.to_pylist()}
    return {
        root for root, row in zip(part.roots.to_pylist(), own.to_pylist(), strict=True) if tuple(row.values()) in wanted
    }


# -- out of the target, into quarantine


def _leave(s: Session, entity: str, raws: Sequence[bytes], broken: Broken, chunk: int | None) -> int:
    """Takes out those of the documents that are in the target, and says how many: mapped whole, because some may never
    have been.
    """
    if not raws:
        return 0
    batch = s.batch_of(entity, b"".join(raws))
    mapped = s.carrier(entity).map(batch)
    with s.transaction() as tx:
        rows = _in_target(tx, entity, batch.raws, sorted(_behind(mapped.tables, broken)), chunk)
        parts = [keep_roots(part, set(rows)) for part in mapped.tables]
        for part in parts:
            _delete(tx, entity, part)
        why = _why_each(parts, broken)
        entries = [_entry(entity, batch.raws[row], why.get(row, broken), chunk) for row in rows]
        journal.quarantine_all(tx, zip(entries, (batch.raws[row] for row in rows), strict=True))
        gone = row_counts(parts)
        shift = {name: -count for name, count in gone.items()}
        journal.shift_counts(tx, entity, copied=-len(rows), quarantined=len(rows), rows=shift)
    return len(rows)


def _why_each(parts: Iterable[TableRows], broken: Broken) -> dict[int, Broken]:
    """Document -> what is said of the first of its broken rows, where that is not the same for all."""
    found: dict[int, Broken] = {}
    for part in parts:
        if not broken.each or part.table.name != broken.table:
            continue
        own, keys = ([_one(t.column(n)) for n in broken.keys.column_names] for t in (part.rows, broken.keys))
        keys = [key.cast(mine.type) for key, mine in zip(keys, own, strict=True)]
        for root, place in zip(part.roots.to_pylist(), places_of(own, keys).to_pylist(), strict=True):
            if place is not None and root not in found:
                reason, detail = broken.each[place]
                found[root] = replace(broken, reason=reason, detail=detail)
    return found


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()


def row_counts(parts: Iterable[TableRows]) -> Counter[str]:
    """Table -> rows, of those that have any."""
    counts: Counter[str] = Counter()
    for part in parts:
        counts[part.table.name] += part.rows.num_rows
    return +counts


def _in_target(tx: Loader, entity: str, raws: Sequence[bytes], rows: Sequence[int], chunk: int | None) -> list[int]:
    """Those that are not held back already: two documents of a dump may have one `_id`, and only one of them is here.

    Where the chunk is not known, of twins that are the same to the byte one is taken to be here.
    """
    keys = {row: key_of(raws[row]) for row in rows}
    left, held = _held(tx, entity, set(keys.values()), chunk) if rows else (set[str](), Counter[str]())
    here, twins = dict[int, str | None](), dict[str | None, int]()
    for row in rows:
        digest = digest_of(raws[row])
        if held[digest]:
            held[digest] -= 1
            twins[keys[row]] = row
        elif digest not in left:
            here[row] = keys[row]
    if chunk is None:
        here |= {row: key for key, row in twins.items() if key not in here.values()}
    return sorted(here)


def _held(tx: Loader, entity: str, keys: set[str | None], chunk: int | None) -> tuple[set[str], Counter[str]]:
    """The digests of documents that have left the target, and how many of each never came in."""
    left, held = set[str](), Counter[str]()
    near = (chunk, journal.LATER)
    entries = [e for e in journal.held_entries(tx, entity) if e.key in keys and (chunk is None or e.chunk in near)]
    for entry, raw in zip(entries, journal.raws_of(tx, entries), strict=True):
        if entry.chunk == journal.LATER:
            left.add(digest_of(raw))
        else:
            held[digest_of(raw)] += 1
    return left, held


def _delete(tx: Loader, entity: str, part: TableRows) -> None:
    keys = part.rows.select(list(part.table.primary_key))
    deleted = tx.delete(part.table, keys)
    if deleted != part.rows.num_rows:
        raise CrossfadeError(
            f"records of {entity} are to leave, but of their {part.rows.num_rows} rows in {part.table.name} the target"
            f" has {deleted}; nothing of this piece was changed",
            hint="the target or the mapping was changed since the copy: crossfade reset",
        )
    loaded.note_gone(tx, part.table, keys)


def _entry(entity: str, raw: bytes, broken: Broken, chunk: int | None) -> Entry:
    key = key_of(raw)
    return Entry(
        id=journal.entry_id(entity, broken.phase, broken.phase == "copy" and chunk, key, digest_of(raw)),
        entity=entity,
        chunk=chunk if chunk is not None and broken.phase == "copy" else journal.LATER,
        key=key,
        reason=broken.reason,
        detail=broken.detail,
        table=broken.table,
        column=broken.column,
        phase=broken.phase,
        constraint=broken.constraint,
    )
