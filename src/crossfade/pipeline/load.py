"""Load rows into the target, record by record if necessary.

A batch is loaded by one bulk load. If the target refuses it and names the rows, or tells when asked whose primary keys
are taken, the others are loaded by another one. Otherwise it loads the records one by one
(TargetTransaction.load_each). If a target cannot do that, the batch is bisected until the refused record is isolated.

Rows that refer to each other, of several tables or of several parts of one, are refused if the foreign keys exist and
are not deferrable: then they are loaded without the references against the order, which are filled in afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from crossfade.errors import CrossfadeError
from crossfade.journal.journal import OWN
from crossfade.journal.ledger import row_texts
from crossfade.model.order import in_dependency_order
from crossfade.model.rejection import Rejection
from crossfade.model.target import TargetTable
from crossfade.pipeline.circles import against, in_order, with_nulls_in, within
from crossfade.stores.contract import RowRejected, TargetTransaction
from crossfade.transform.transform import TableRows, drop_roots, keep_roots

FEW = 100
"""With fewer records, an error that may be the server's counts as theirs even if all of them are refused."""


Loaded = Callable[[TargetTransaction, list[tuple[TargetTable, Any]]], None]
"""Called with the loaded rows, inside the savepoint that loaded them."""

Clashing = Callable[[Sequence[TableRows], Sequence[int]], Mapping[int, Rejection]]
"""Returns the records (positions in the batch) with a primary key that another has."""


def load_records(
    tx: TargetTransaction,
    tables: Sequence[TableRows],
    rows: Sequence[int],
    *,
    loaded: Loaded = lambda tx, loads: None,
    clashing: Clashing = lambda tables, rows: {},
) -> list[Rejection]:
    """Load all rows of these records (positions in the batch), each completely or not at all. Return the refusals.

    An error whose code does not say that it is about a row (such as one raised by a function in a CHECK) counts as one
    if other records are accepted. Raises CrossfadeError if none of many is: then the server refuses all of them.
    """
    attempt = _Attempt(tx, loaded, clashing)
    attempt.load(tables, rows)
    attempt.require_some()
    return attempt.rejections


@dataclass
class _Attempt:
    tx: TargetTransaction
    tell: Loaded
    clashing: Clashing
    rejections: list[Rejection] = field(default_factory=list)
    loaded: int = 0
    in_circles: bool = False
    doubtful: list[RowRejected] = field(default_factory=list)

    def load(self, tables: Sequence[TableRows], rows: Sequence[int]) -> None:
        if not rows:
            return
        refusal = self._refusal(tables)
        if refusal is not None and not self.in_circles and refusal.reason == "foreign_key" and _open_keys(tables):
            self.in_circles = True
            refusal = self._refusal(tables)
        if refusal is None:
            self.loaded += len(rows)
        elif refusal.rows:
            self._without_named(tables, rows, refusal)
        elif refusal.reason == "unique" and (clashing := self.clashing(tables, rows)):
            self._without(tables, rows, clashing)
        elif len(rows) == 1:
            self._refuse(rows[0], refusal)
        elif self.in_circles or not self._each(tables, rows):
            half = len(rows) // 2
            for part_rows in (rows[:half], rows[half:]):
                wanted = set(part_rows)
                self.load([keep_roots(t, wanted) for t in tables], part_rows)

    def _refusal(self, tables: Sequence[TableRows]) -> RowRejected | None:
        """Load the rows. Return the refusal, or None if all are loaded."""
        try:
            with self.tx.savepoint():
                parts = parents_first(tables)
                _load(self.tx, parts, _open_keys(parts) if self.in_circles else {})
                self.tell(self.tx, [(part.table, part.rows) for part in parts])
        except RowRejected as refusal:
            return refusal
        return None

    def _without_named(self, tables: Sequence[TableRows], rows: Sequence[int], refusal: RowRejected) -> None:
        """Load the rest, without the records that the target has named."""
        part = next(t for t in tables if t.table.name == refusal.table)
        wanted = _wanted_keys(self.tx, part, refusal.rows)
        out: dict[int, Rejection] = {}
        for one in refusal.rows:
            row = part.roots[one.row].as_py()
            out.setdefault(row, replace(one, row=row, table=part.table.name, row_key=wanted.get(one.row)))
        self._without(tables, rows, out)

    def _without(self, tables: Sequence[TableRows], rows: Sequence[int], out: Mapping[int, Rejection]) -> None:
        self.rejections += out.values()
        self.load([drop_roots(t, set(out)) for t in tables], [row for row in rows if row not in out])

    def _each(self, tables: Sequence[TableRows], rows: Sequence[int]) -> bool:
        """Load record by record. Return whether the target can do that."""
        try:
            with self.tx.savepoint():
                ordered = parents_first(tables)
                refused = self.tx.load_each(ordered)
                into = [drop_roots(part, set(refused or ())) for part in ordered if refused is not None]
                self.tell(self.tx, [(part.table, part.rows) for part in into if part.rows.num_rows])
        except RowRejected as named:
            if named.rows:
                self._without_named(tables, rows, named)
            return bool(named.rows)
        if refused is None:
            return False
        for row, refusal in refused.items():
            self._refuse(row, refusal)
        self.loaded += len(rows) - len(refused)
        return True

    def _refuse(self, row: int, refusal: RowRejected) -> None:
        self.rejections.append(rejection_of(row, refusal))
        if refusal.doubtful:
            self.doubtful.append(refusal)

    def require_some(self) -> None:
        if self.loaded or len(self.doubtful) < FEW:
            return
        first = self.doubtful[0]
        raise CrossfadeError(
            f"the target refuses every row of table {first.table}: {first.message}; none of {len(self.rejections):,}"
            " records was accepted, and nothing of this chunk was written",
            hint="look at the table's checks and generated columns, and at the functions that they call",
        )


def _open_keys(parts: Sequence[TableRows]) -> dict[str, list[str]]:
    """Return table -> the columns that refer to rows that are loaded later, of other tables or of another part of the
    same, if they may be NULL meanwhile.
    """
    filled = [part.table for part in parts if part.rows.num_rows]
    tables, number = {table.name: table for table in filled}, Counter(table.name for table in filled)
    places = {name: place for place, name in enumerate(in_order(list(tables.values())))}
    keys = {n: [*against(t, places), *(within(t) if number[n] > 1 else ())] for n, t in tables.items()}
    return {name: [column for key in of for column in key.columns] for name, of in keys.items() if of}


def _load(tx: TargetTransaction, parts: Sequence[TableRows], open_: Mapping[str, Sequence[str]]) -> None:
    """Load the rows, those of tables with `open_` columns at first with NULL in them."""
    if open_:
        places = {name: place for place, name in enumerate(in_order([part.table for part in parts]))}
        parts = sorted(parts, key=lambda part: places[part.table.name])
    for part in parts:
        names = [name for name in open_.get(part.table.name, ()) if name in part.rows.column_names]
        tx.load(part.table, with_nulls_in(part.table, part.rows, names))
    for part in parts:
        names = [name for name in open_.get(part.table.name, ()) if name in part.rows.column_names]
        if names:
            tx.update(part.table, part.rows.select(list(dict.fromkeys([*part.table.primary_key, *names]))))


def _wanted_keys(tx: TargetTransaction, part: TableRows, refused: Sequence[Rejection]) -> dict[int, str]:
    """Return the text of the primary key of each row that was refused for it, or OWN for the second row of a record."""
    unique = [one for one in refused if one.reason == "unique" and one.constraint is not None]
    name = tx.key_name(part.table) if unique else None
    named = {one.row for one in unique if one.constraint == name}
    if not named:
        return {}
    texts, roots = row_texts(part.table, part.rows), part.roots.to_pylist()
    seen: set[tuple[int, str]] = set()
    found: dict[int, str] = {}
    for row, of in enumerate(zip(roots, texts, strict=True)):
        if row in named:
            found[row] = OWN if of in seen else of[1]
        seen.add(of)
    return found


def rejection_of(row: int, refusal: RowRejected) -> Rejection:
    known = not refusal.constraint or refusal.constraint in refusal.message
    detail = refusal.message + ("" if known else f" ({refusal.constraint})")
    return Rejection(row, refusal.reason, detail, refusal.table, refusal.column, refusal.constraint)


def parents_first(tables: Sequence[TableRows]) -> list[TableRows]:
    """Return tables before those that refer to them, for foreign keys that are already enforced."""
    parents = {t.table.name: [key.parent for key in t.table.foreign_keys] for t in tables}
    order = {name: i for i, name in enumerate(in_dependency_order(parents))}
    return sorted((t for t in tables if t.rows.num_rows), key=lambda t: order[t.table.name])
