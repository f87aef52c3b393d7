"""Indexes, unique and exclusion constraints as tests of the rows: each is made, and where that fails, the rows that it
cannot be made with are named.

An index has no room for a value, an expression of it fails, an exclusion constraint finds two rows that it keeps apart:
none of these can be asked for beforehand at a price that clean data should pay.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from crossfade.errors import Busy, CrossfadeError, Unreachable
from crossfade.journal import journal
from crossfade.model.target import Step, TargetSchema, TargetTable
from crossfade.pipeline.evict import Broken
from crossfade.pipeline.steps import failed, run_step
from crossfade.schema.live import built_on
from crossfade.stores.contract import Ddl, RowRejected, Store, Transaction

REASON, DETAIL, COLUMN = "#reason", "#detail", "#column"


@dataclass(frozen=True)
class Build:
    """One step that makes something of the rows of `table`."""

    table: TargetTable
    step: Step
    target: Store
    transaction: Transaction
    done: Callable[[Step], None]
    parent: None = None

    @property
    def name(self) -> str:
        """What it is called, as the step says it."""
        return self.step.id.partition(" ")[2].rpartition(".")[2]

    def ask(self, ddl: Ddl) -> pa.Table | None:
        """Makes it, unless it is there: then None. Else the primary keys of the rows that may not stay, and why."""
        with self.transaction() as tx:
            if self.step.id in journal.steps_done(tx):
                return None
        for last in (False, False, True):
            try:
                run_step(self.target, self.transaction, self.step)
            except Unreachable:
                raise
            except (RowRejected, CrossfadeError) as error:
                keys = self._rows_in_the_way(ddl)
                if keys is not None and keys.num_rows:
                    return keys
                if last:
                    raise failed(self.step, error) from error
                self._outlive_removed(ddl, error)
            else:
                break
        self.done(self.step)
        return None

    def _outlive_removed(self, ddl: Ddl, error: RowRejected | CrossfadeError) -> None:
        """What stood in the way may be removed, and still be there for an older transaction."""
        try:
            ddl.outlive_removed()
        except Busy as busy:
            raise Busy(f"{failed(self.step, error).message}\n  {busy.message}", hint=busy.hint) from error

    def _rows_in_the_way(self, ddl: Ddl) -> pa.Table | None:
        try:
            return ddl.unbuildable(self.table, self.step)
        except (RowRejected, CrossfadeError) as error:  # they could not be looked for: the step's own error says more
            if isinstance(error, Unreachable):
                raise
            return None

    def broken(self, keys: pa.Table) -> Broken:
        reasons, details, columns = (keys.column(name).to_pylist() for name in (REASON, DETAIL, COLUMN))
        said = [detail if self.name in detail else f"{detail} ({self.name})" for detail in details]
        return Broken(
            self.table.name,
            reasons[0],
            said[0],
            columns[0] or "",
            keys.drop_columns([REASON, DETAIL, COLUMN]),
            constraint=self.name,
            each=tuple(zip(reasons, said, strict=True)),
        )

    def hopeless(self, keys: pa.Table) -> CrossfadeError:
        """The error where the rows in the way are of no record: somebody else has put them there."""
        (detail,) = keys.column(DETAIL).slice(0, 1).to_pylist()
        return failed(self.step, RowRejected("bad_value", f"{detail}; the row is of no source record", table=""))


def builds(
    schema: TargetSchema,
    fed: Collection[str],
    steps: Sequence[Step],
    target: Store,
    transaction: Transaction,
    done: Callable[[Step], None],
) -> Iterator[Build]:
    """Those of the steps that are about the rows of a table that the move fills, in their order."""
    for step in steps:
        table = built_on(schema, step)
        if table is not None and table.name in fed and table.primary_key:
            yield Build(table, step, target, transaction, done)
