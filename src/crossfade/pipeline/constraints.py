"""What the source did not guarantee: rows that break a unique constraint or a foreign key leave, with their whole
source record.

This runs after the copy and before the constraints are made, over tables without foreign keys, so that no cascade
removes a row that nobody counts. A record that leaves may orphan others: foreign keys are asked again until all hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from crossfade.model.batch import Chunk
from crossfade.model.target import ForeignKey, TargetSchema, TargetTable, Unique
from crossfade.pipeline.leave import Broken, take_out
from crossfade.pipeline.session import Work, session
from crossfade.stores.contract import Ddl, need


@dataclass(frozen=True, slots=True)
class RecordsLeft:
    """An event: `count` source records of `entity` went to quarantine, because of `constraint` on `table`."""

    entity: str
    table: str
    constraint: str
    count: int


Listen = Callable[[RecordsLeft], None]


def clear(work: Work, schema: TargetSchema, chunks: Sequence[Chunk], executor: Executor, listen: Listen) -> None:
    """Takes every record that breaks a constraint of `schema` out of the target, into quarantine."""
    s = session(work)
    ddl = need(s.target.ddl, s.target, "check constraints")
    fed = {b.table for b in work.program.branches}
    tables = [t for t in schema.tables if t.name in fed]
    for table in tables:
        for unique in table.uniques:
            _take_out(work, _duplicates(ddl, table, unique), unique.name, chunks, executor, listen)
    changed = {key.parent for table in tables for key in table.foreign_keys}
    while changed:
        parents, changed = changed, set()
        for table, key in _keys_to(tables, parents):
            changed |= _take_out(work, _orphans(ddl, table, key), key.name, chunks, executor, listen)


def _keys_to(tables: Sequence[TargetTable], parents: set[str]) -> Iterator[tuple[TargetTable, ForeignKey]]:
    for table in tables:
        for key in table.foreign_keys:
            if key.parent in parents:
                yield table, key


def _duplicates(ddl: Ddl, table: TargetTable, unique: Unique) -> Broken:
    columns = ", ".join(unique.expressions)
    detail = f"another row has the same {columns} ({unique.name})"
    return Broken(table.name, "unique", detail, columns, ddl.duplicates(table, unique))


def _orphans(ddl: Ddl, table: TargetTable, key: ForeignKey) -> Broken:
    columns = ", ".join(key.columns)
    detail = f"no row stands behind {columns} ({key.name})"
    return Broken(table.name, "foreign_key", detail, columns, ddl.orphans(table, key))


def _take_out(
    work: Work, broken: Broken, constraint: str, chunks: Sequence[Chunk], executor: Executor, listen: Listen
) -> set[str]:
    """Quarantines the records behind the broken rows; the tables that lost rows."""
    if broken.keys.num_rows == 0:
        return set()
    counts: dict[str, int] = {}
    changed: set[str] = set()
    for left in take_out(work, broken, chunks, executor):
        counts[left.entity] = counts.get(left.entity, 0) + left.count
        changed |= left.tables
    for entity, count in counts.items():
        if count:
            listen(RecordsLeft(entity, broken.table, constraint, count))
    return changed
