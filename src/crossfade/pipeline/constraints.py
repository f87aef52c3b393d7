"""What the source did not guarantee: rows that break a unique constraint or a foreign key leave, with their whole source record.

This runs after the copy and before the constraints are made, over tables without foreign keys, so that no cascade
removes a row that nobody counts. A record that leaves may orphan others: foreign keys are asked again until none breaks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.documents.decode import key_of
from crossfade.journal import journal
from crossfade.journal.journal import Entry
from crossfade.mapping.carry import Carrier, TableRows
from crossfade.mapping.program import ROW, Branch, Feed
from crossfade.model.batch import Batch, Chunk
from crossfade.model.target import ForeignKey, TargetSchema, TargetTable, Unique
from crossfade.pipeline.copy import run_tasks
from crossfade.pipeline.session import Session, Work, session
from crossfade.stores.contract import Ddl, need

PIECE = 1000  # records that leave in one transaction


@dataclass(frozen=True, slots=True)
class RecordsLeft:
    """An event: `count` source records of `entity` went to quarantine, because of `constraint` on `table`."""

    entity: str
    table: str
    constraint: str
    count: int


@dataclass(frozen=True)
class _Broken:
    """Rows of `table` (their primary keys) that stand in the way of a constraint."""

    table: TargetTable
    reason: str
    constraint: str
    columns: str
    keys: pa.Table


def clear(
    work: Work, schema: TargetSchema, chunks: Sequence[Chunk], executor: Executor, listen: Callable[[RecordsLeft], None]
) -> None:
    """Takes every record that breaks a constraint of `schema` out of the target, into quarantine."""
    s = session(work)
    ddl = need(s.target.ddl, s.target, "check constraints")
    for table in schema.tables:
        for unique in table.uniques:
            _take_out(work, _duplicates(ddl, table, unique), chunks, executor, listen)
    changed = {t.name for t in schema.tables}
    while changed:
        parents, changed = changed, set()
        for table, key in _keys_to(schema, parents):
            broken = _orphans(ddl, table, key)
            changed |= _take_out(work, broken, chunks, executor, listen)


def _keys_to(schema: TargetSchema, parents: set[str]) -> Iterator[tuple[TargetTable, ForeignKey]]:
    for table in schema.tables:
        for key in table.foreign_keys:
            if key.parent in parents:
                yield table, key


def _duplicates(ddl: Ddl, table: TargetTable, unique: Unique) -> _Broken:
    columns = ", ".join(unique.expressions)
    return _Broken(table, "unique", unique.name, columns, ddl.duplicates(table, unique))


def _orphans(ddl: Ddl, table: TargetTable, key: ForeignKey) -> _Broken:
    return _Broken(table, "foreign_key", key.name, ", ".join(key.columns), ddl.orphans(table, key))


def _take_out(
    work: Work, broken: _Broken, chunks: Sequence[Chunk], executor: Executor, listen: Callable[[RecordsLeft], None]
) -> set[str]:
    """Quarantines the records behind the broken rows; the tables that lost rows."""
    if broken.keys.num_rows == 0:
        return set()
    changed: set[str] = set()
    for entity, found in _find_records(work, broken, chunks, executor).items():
        changed |= _quarantine_records(session(work), entity, found, broken)
        listen(RecordsLeft(entity, broken.table.name, broken.constraint, len(found)))
    return changed


# -- from a target row back to its source record


def _find_records(
    work: Work, broken: _Broken, chunks: Sequence[Chunk], executor: Executor
) -> dict[str, dict[str, bytes]]:
    """Entity -> key -> raw document, of the records that made the broken rows."""
    found: dict[str, dict[str, bytes]] = {}
    for feed in work.program.feeds.values():
        branches = [b for b in feed.branches if b.table == broken.table.name]
        if not branches:
            continue
        if all(_key_from_id(b, broken.table) for b in branches):
            records: Iterable[tuple[str, bytes]] = _by_keys(session(work), feed, broken)
        else:
            tasks = [(work, c, broken.table.name, broken.keys) for c in chunks if c.entity == feed.entity]
            records = (pair for pairs in run_tasks(executor, find_in_chunk, tasks) for pair in pairs)
        if pairs := dict(records):
            found[feed.entity] = pairs
    return found


def _key_from_id(branch: Branch, table: TargetTable) -> bool:
    """Whether the row's primary key follows from the document's `_id` alone: then a scan of the keys finds the document."""
    steering = [u for u in branch.uses if u.output in ("", *table.primary_key)]
    return branch.one_row and not branch.lookups and all(u.path == ("_id",) for u in steering)


def _by_keys(s: Session, feed: Feed, broken: _Broken) -> Iterator[tuple[str, bytes]]:
    """Maps documents that hold `_id` alone, and fetches those whose rows are broken."""
    carrier = _key_carrier(s, feed, broken.table)
    wanted: list[str] = []
    for raw in s.reader.keys(feed.entity):
        wanted += [key for key, _ in _matching(carrier, s.batch_of(feed.entity, raw), broken.table, broken.keys)]
    for raw in s.reader.fetch(feed.entity, ("_id",), wanted) if wanted else ():
        yield from ((str(key_of(r)), r) for r in s.batch_of(feed.entity, raw).raws)


def _key_carrier(s: Session, feed: Feed, table: TargetTable) -> Carrier:
    """A carrier of this table's rows alone, with nothing but their primary key."""
    branches = [replace(b, sql=_key_sql(b, table), column_sql={}) for b in feed.branches if b.table == table.name]
    reduced = Feed(feed.entity, feed.columns, tuple(branches))
    return Carrier(reduced, s.work.tables, s.engine, s.carrier(feed.entity).lookups)


def _key_sql(branch: Branch, table: TargetTable) -> str:
    columns = ", ".join('"' + name.replace('"', '""') + '"' for name in (ROW, *table.primary_key))
    return f"SELECT {columns} FROM ({branch.sql}) AS mapped"


def find_in_chunk(work: Work, chunk: Chunk, table: str, keys: pa.Table) -> list[tuple[str, bytes]]:
    """Key and raw document of the chunk's records that make one of these rows. Runs in a worker."""
    s = session(work)
    found: list[tuple[str, bytes]] = []
    feed = work.program.feeds[chunk.entity]
    carrier = _key_carrier(s, feed, work.tables[table])
    for batch in s.reader.batches(chunk, work.shapes[chunk.entity], feed.columns):
        found += _matching(carrier, batch, work.tables[table], keys)
    return found


def _matching(carrier: Carrier, batch: Batch, table: TargetTable, keys: pa.Table) -> Iterator[tuple[str, bytes]]:
    roots: set[int] = set()
    for part in carrier.map(batch).tables:
        if part.table.name == table.name:
            roots |= _roots_of(part, keys)
    for row in sorted(roots):
        yield str(key_of(batch.raws[row])), batch.raws[row]


def _roots_of(part: TableRows, keys: pa.Table) -> set[int]:
    """The documents whose rows have one of these primary keys."""
    own = part.rows.select(keys.column_names)
    if len(keys.column_names) == 1:
        mask = pc.is_in(own.column(0), value_set=keys.column(0).combine_chunks().cast(own.schema.field(0).type))
        return set(part.roots.filter(mask.combine_chunks()).to_pylist())
    wanted = {tuple(row.values()) for row in keys.to_pylist()}
    return {
        root for root, row in zip(part.roots.to_pylist(), own.to_pylist(), strict=True) if tuple(row.values()) in wanted
    }


# -- out of the target, into quarantine


def _quarantine_records(s: Session, entity: str, found: dict[str, bytes], broken: _Broken) -> set[str]:
    changed: set[str] = set()
    items = sorted(found.items())
    for start in range(0, len(items), PIECE):
        piece = items[start : start + PIECE]
        batch = s.batch_of(entity, b"".join(raw for _, raw in piece))
        with s.writer.transaction() as tx:
            for part in s.carrier(entity).map(batch).tables:
                changed.add(part.table.name)
                tx.delete(part.table, part.rows.select(list(part.table.primary_key)))
            for key, raw in piece:
                journal.quarantine(tx, _entry(entity, key, broken), raw)
            journal.shift_counts(tx, entity, copied=-len(piece), quarantined=len(piece))
    return changed


def _entry(entity: str, key: str, broken: _Broken) -> Entry:
    what = "another row has the same" if broken.reason == "unique" else "no row stands behind"
    return Entry(
        id=journal.entry_id(entity, "constraint", key),
        entity=entity,
        chunk=journal.LATER,
        key=key,
        reason=broken.reason,
        detail=f"{what} {broken.columns} ({broken.constraint})",
        table=broken.table.name,
        column=broken.columns,
        phase="constraints",
    )
