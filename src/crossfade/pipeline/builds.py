"""Use the creation of indexes, unique and exclusion constraints as a test of the rows: if it fails, find the rows that
prevent it.

A value is too large for an index, an expression of it fails, or two rows violate an exclusion constraint: checking this
beforehand would be too expensive for clean data.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from crossfade.errors import Busy, CrossfadeError, Unreachable
from crossfade.journal import journal
from crossfade.model.rejection import Rejection
from crossfade.model.target import Step, TargetSchema, TargetTable
from crossfade.pipeline.evict import RefusedRows
from crossfade.pipeline.steps import failed, run_step
from crossfade.schema.live import built_on
from crossfade.stores.contract import Ddl, RowRejected, Store, Transaction

REASON, DETAIL, COLUMN = _SAID = ["#reason", "#detail", "#column"]


@dataclass(frozen=True)
class Build:
    """A step that builds something from the rows of `table`."""

    table: TargetTable
    step: Step
    target: Store
    transaction: Transaction
    done: Callable[[Step], None]
    parent: None = None

    @property
    def name(self) -> str:
        """The name of what the step builds."""
        return self.step.id.partition(" ")[2].rpartition(".")[2]

    def ask(self, ddl: Ddl) -> pa.Table | None:
        """Build it, unless it exists, and return None; or return the primary keys of the rows to remove, and why."""
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
        """Wait for older transactions, which may still see rows that have been removed."""
        try:
            ddl.outlive_removed()
        except Busy as busy:
            raise Busy(f"{failed(self.step, error).message}\n  {busy.message}", hint=busy.hint) from error

    def _rows_in_the_way(self, ddl: Ddl) -> pa.Table | None:
        try:
            return ddl.unbuildable(self.table, self.step)
        except (RowRejected, CrossfadeError) as error:  # the search failed: the step's own error is more useful
            if isinstance(error, Unreachable):
                raise
            return None

    def refused(self, keys: pa.Table) -> RefusedRows:
        each = [self._why(*said) for said in zip(*(keys.column(n).to_pylist() for n in _SAID), strict=True)]
        return RefusedRows(self.table.name, keys.drop_columns(_SAID), each[0], each)

    def _why(self, reason: str, detail: str, column: str | None) -> Rejection:
        said = detail if self.name in detail else f"{detail} ({self.name})"
        return Rejection(0, reason, said, self.table.name, column, self.name)

    def hopeless(self, keys: pa.Table) -> CrossfadeError:
        """Return the error for rows that belong to no record: others have inserted them."""
        (detail,) = keys.column(DETAIL).slice(0, 1).to_pylist()
        return failed(self.step, RowRejected("bad_value", f"{detail}; the row belongs to no source record", table=""))


def builds(
    schema: TargetSchema,
    fed: Collection[str],
    steps: Sequence[Step],
    target: Store,
    transaction: Transaction,
    done: Callable[[Step], None],
) -> Iterator[Build]:
    """Yield, in order, the steps that build something from the rows of a table that the move fills."""
    for step in steps:
        table = built_on(schema, step)
        if table is not None and table.name in fed and table.primary_key:
            yield Build(table, step, target, transaction, done)
