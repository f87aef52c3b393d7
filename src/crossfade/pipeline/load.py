"""Rows into the target, record by record where it must be: a refused batch is halved until the record stands alone.

What the target can say of many rows in one question costs no halving: the rows that it names, and those that break a
CHECK.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from crossfade.errors import CrossfadeError
from crossfade.model.target import TargetTable
from crossfade.stores.contract import Clashes, Loader, RowRejected
from crossfade.transform.transform import Misfit, TableRows, drop_roots, keep_roots

FEW = 100
"""Records that may all be refused by an error that could be the server's, and are still taken to be at fault."""


Loaded = Callable[[Loader, list[tuple[TargetTable, Any]]], None]
"""Hears what went in, inside the savepoint that it went in with."""


def load_records(
    tx: Loader,
    tables: Sequence[TableRows],
    rows: Sequence[int],
    clashes: Clashes | None = None,
    *,
    loaded: Loaded = lambda tx, loads: None,
) -> list[Misfit]:
    """Loads all rows of these records (positions in the batch), each whole or not at all; those refused, and why.

    Where a CHECK refuses one, `clashes` is asked for all that break it: one query, and not a COPY for each half.

    An error whose code does not say that it is about a row (any that a function in a CHECK raises) is about the row if
    other records go in. Raises CrossfadeError where not one of many does: then the server is in a state that refuses
    them all.
    """
    attempt = _Attempt(tx, clashes, loaded)
    attempt.load(tables, rows)
    attempt.require_some()
    return attempt.misfits


@dataclass
class _Attempt:
    tx: Loader
    clashes: Clashes | None
    tell: Loaded
    asked: set[tuple[str, str]] = field(default_factory=set)
    misfits: list[Misfit] = field(default_factory=list)
    loaded: int = 0
    doubtful: list[RowRejected] = field(default_factory=list)

    def load(self, tables: Sequence[TableRows], rows: Sequence[int]) -> None:
        if not rows:
            return
        refusal, part = self._refusal(tables)
        if refusal is None or part is None:
            self.loaded += len(rows)
        elif refusal.rows:
            self._without_named(tables, rows, refusal, part)
        elif len(rows) == 1:
            self._refuse(rows[0], refusal)
        elif broken := self._breaking(refusal, part):
            self.misfits += [_misfit(row, refusal) for row in sorted(broken)]
            self.load([drop_roots(t, broken) for t in tables], [row for row in rows if row not in broken])
        else:
            half = len(rows) // 2
            for part_rows in (rows[:half], rows[half:]):
                wanted = set(part_rows)
                self.load([keep_roots(t, wanted) for t in tables], part_rows)

    def _refusal(self, tables: Sequence[TableRows]) -> tuple[RowRejected | None, TableRows | None]:
        """What the target refused, and of which table; None where all is in."""
        part = None
        try:
            with self.tx.savepoint():
                in_order = parents_first(tables)
                for part in in_order:
                    self.tx.load(part.table, part.rows)
                self.tell(self.tx, [(part.table, part.rows) for part in in_order])
        except RowRejected as refusal:
            return refusal, part
        return None, None

    def _without_named(
        self, tables: Sequence[TableRows], rows: Sequence[int], refusal: RowRejected, part: TableRows
    ) -> None:
        """The rest, without the records that the target has named at once."""
        out: set[int] = set()
        for one in refusal.rows:
            row = part.roots[one.row].as_py()
            if row not in out:
                self.misfits.append(Misfit(row, one.reason, one.message, part.table.name, one.column))
                out.add(row)
        self.load([drop_roots(t, out) for t in tables], [row for row in rows if row not in out])

    def _breaking(self, refusal: RowRejected, part: TableRows) -> set[int]:
        """The records with a row that breaks the check, asked once for each; none where it is no check."""
        check = (part.table.name, refusal.constraint or "")
        if self.clashes is None or refusal.reason != "check" or not refusal.constraint or check in self.asked:
            return set()
        self.asked.add(check)
        try:
            found = self.clashes.check(part.table, refusal.constraint)
            if found is None or not set(found.columns) <= set(part.rows.column_names):
                return set()  # it also looks at a column that the target fills: only the row itself can tell
            clashes = self.clashes.breaking(part.table, found, part.rows)
        except (CrossfadeError, RowRejected):  # of another row the check may raise an error of its own
            return set()
        if not clashes:
            return set()
        return {root for root, clash in zip(part.roots.to_pylist(), clashes, strict=True) if clash is not None}

    def _refuse(self, row: int, refusal: RowRejected) -> None:
        self.misfits.append(_misfit(row, refusal))
        if refusal.doubtful:
            self.doubtful.append(refusal)

    def require_some(self) -> None:
        if self.loaded or len(self.doubtful) < FEW:
            return
        first = self.doubtful[0]
        raise CrossfadeError(
            f"the target refuses every row of table {first.table}: {first.message}; not one of {len(self.misfits):,}"
            " records went in, and nothing of this chunk was written",
            hint="look at the table's checks and generated columns, and at the functions that they call",
        )


def _misfit(row: int, refusal: RowRejected) -> Misfit:
    known = not refusal.constraint or refusal.constraint in refusal.message
    detail = refusal.message + ("" if known else f" ({refusal.constraint})")
    return Misfit(row, refusal.reason, detail, refusal.table, refusal.column, refusal.constraint)


def parents_first(tables: Sequence[TableRows]) -> list[TableRows]:
    """Tables before those that refer to them, so that foreign keys hold while they are enforced."""
    names = {t.table.name: t.table for t in tables}
    order = {name: i for i, name in enumerate(_sorted(names))}
    return sorted((t for t in tables if t.rows.num_rows), key=lambda t: order[t.table.name])


def _sorted(tables: dict[str, TargetTable]) -> list[str]:
    done: dict[str, None] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in done or name in path:
            return
        for key in tables[name].foreign_keys:
            if key.parent in tables:
                visit(key.parent, (*path, name))
        done[name] = None

    for name in sorted(tables):
        visit(name, ())
    return list(done)
