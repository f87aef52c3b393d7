"""Rows into the target, record by record where it must be: a refused batch is halved until the record stands alone."""

from __future__ import annotations

from collections.abc import Sequence

from crossfade.mapping.carry import Misfit, TableRows, keep_roots
from crossfade.model.target import TargetTable
from crossfade.stores.contract import Loader, RowRejected


def load_records(tx: Loader, tables: Sequence[TableRows], rows: Sequence[int]) -> list[Misfit]:
    """Loads all rows of these records (positions in the batch), each whole or not at all; those refused, and why."""
    if not rows:
        return []
    try:
        with tx.savepoint():
            for part in parents_first(tables):
                tx.load(part.table, part.rows)
        return []
    except RowRejected as refusal:
        if len(rows) == 1:
            return [_misfit(rows[0], refusal)]
    half = len(rows) // 2
    misfits: list[Misfit] = []
    for part_rows in (rows[:half], rows[half:]):
        wanted = set(part_rows)
        misfits += load_records(tx, [keep_roots(t, wanted) for t in tables], part_rows)
    return misfits


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
