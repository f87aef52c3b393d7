"""Remove records whose rows break a unique constraint or a foreign key, which the source did not guarantee.

This runs after the copy, on tables without foreign keys, so that no cascade removes rows without counting them. Unique
constraints are tested first, then created together with all indexes and exclusion constraints (builds.py); rows that
prevent those are removed as well. Removing a record may orphan others: foreign keys are tested again until all hold.

Which records are removed, and why, must not depend on where a run was killed: the next run would find fewer duplicates,
or would find an orphan by another constraint. So the rows that a test found are recorded before any is removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from crossfade.errors import CrossfadeError, Unreachable
from crossfade.journal import journal
from crossfade.journal.journal import Clearing
from crossfade.model.events import Listener, RecordsEvicted, RecordsGone
from crossfade.model.target import ForeignKey, Step, TargetSchema, TargetTable, Unique
from crossfade.pipeline.admission import no_parent, same_value
from crossfade.pipeline.builds import Build, builds
from crossfade.pipeline.evict import Evicted, RefusedRows, evict
from crossfade.runtime.session import Work, session
from crossfade.stores.contract import Ddl, RowRejected, need


@dataclass(frozen=True)
class _Test:
    """A constraint of a table. `parent` is the table that a foreign key refers to, None for a unique constraint."""

    table: TargetTable
    constraint: Unique | ForeignKey

    @property
    def name(self) -> str:
        return self.constraint.name

    @property
    def parent(self) -> str | None:
        return self.constraint.parent if isinstance(self.constraint, ForeignKey) else None

    def ask(self, ddl: Ddl) -> pa.Table | None:
        """Return the primary keys of the rows to remove; None if it cannot be tested or need not be."""
        if isinstance(self.constraint, ForeignKey):
            return ddl.orphans(self.table, self.constraint)
        try:
            return ddl.duplicates(self.table, self.constraint)
        except (RowRejected, CrossfadeError) as error:
            if isinstance(error, Unreachable):
                raise
            return None  # an expression fails for a row: creating the index finds it

    def refused(self, keys: pa.Table) -> RefusedRows:
        if isinstance(self.constraint, ForeignKey):
            why = no_parent(self.table, self.constraint)
        else:
            why = same_value(self.table, self.constraint)
        return RefusedRows(self.table.name, keys, why)


Few = Callable[[RefusedRows], None]
"""Raise if there are so many rows that the copy should stop before removing them."""


def clear(
    work: Work,
    schema: TargetSchema,
    listen: Listener,
    require_few: Few = lambda rows: None,
    steps: Sequence[Step] = (),
    done: Callable[[Step], None] = lambda step: None,
) -> None:
    """Move every record that breaks a constraint of `schema` from the target into quarantine.

    All unique constraints are tested first. Then the indexes and constraints in `steps` are created (`done` is called
    for each). Then the foreign keys are tested in rounds, until a round finds no orphan.
    """
    s = session(work)
    ddl = need(s.target.ddl, s.target, "check constraints")
    tests = list(_tests(work, schema, steps, done))
    with s.transaction() as tx:
        if journal.find_readmitting(tx) is not None:
            return  # an earlier run had finished this before it was killed
        at = journal.find_clearing(tx) or Clearing(0, frozenset(t.parent for t in tests if t.parent))
    while True:
        while at.place < len(tests):
            test = tests[at.place]
            if test.parent is None or test.parent in at.parents:
                at = _pass(work, at, test, ddl, listen, require_few)
            at = replace(at, place=at.place + 1, to_remove=None)
        if not at.changed:
            break
        at = Clearing(sum(1 for t in tests if t.parent is None), at.changed)
    _note(work, None)


def _tests(
    work: Work, schema: TargetSchema, steps: Sequence[Step], done: Callable[[Step], None]
) -> Iterator[_Test | Build]:
    fed = {b.table for b in work.program.branches}
    tables = [t for t in schema.tables if t.name in fed]
    yield from (_Test(table, unique) for table in tables for unique in table.uniques)
    s = session(work)
    yield from builds(schema, fed, steps, s.target, s.transaction, done)
    yield from (_Test(table, key) for table in tables for key in (*table.foreign_keys, *table.keys_of_parts))


def _pass(work: Work, at: Clearing, test: _Test | Build, ddl: Ddl, listen: Listener, require_few: Few) -> Clearing:
    """Run a test and remove the records of the rows that it finds. Repeat a build without them."""
    keys = test.ask(ddl) if at.to_remove is None else _table(at.to_remove)  # recorded by a run that was killed
    found = False
    while keys is not None and keys.num_rows:
        found, noted = True, at.to_remove is not None
        if not noted:
            require_few(test.refused(keys))
        _note(work, replace(at, to_remove=_bytes(keys)))
        left = _evict(work, test.refused(keys), test.name, listen).total
        if left or noted:  # rows that belong to no record stay, and are not tested again
            at = replace(at, changed=at.changed | _fed_with(work, test.table.name))
        if not isinstance(test, Build):
            break
        if not left and not noted:
            raise test.hopeless(keys)
        at = replace(at, to_remove=None)
        _note(work, at)
        keys = test.ask(ddl)
    if found:
        _note(work, replace(at, place=at.place + 1, to_remove=None))
    return at


def _fed_with(work: Work, table: str) -> frozenset[str]:
    """Return the tables that lose rows when records of this table are removed."""
    feeds = [f for f in work.program.feeds.values() if any(b.table == table for b in f.branches)]
    return frozenset(b.table for f in feeds for b in f.branches)


def _note(work: Work, clearing: Clearing | None) -> None:
    with session(work).transaction() as tx:
        journal.note_clearing(tx, clearing)


def _bytes(keys: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, keys.schema) as stream:
        stream.write_table(keys)
    return bytes(sink.getvalue().to_pybytes())


def _table(data: bytes) -> pa.Table:
    return pa.ipc.open_stream(data).read_all()


def _evict(work: Work, rows: RefusedRows, constraint: str, listen: Listener) -> Evicted:
    """Quarantine the records of these rows."""
    out = evict(work, rows)
    for entity, count in out.quarantined.items():
        listen(RecordsEvicted(entity, rows.table, constraint, count))
    for entity, count in out.gone.items():
        listen(RecordsGone(entity, rows.table, constraint, count))
    return out
