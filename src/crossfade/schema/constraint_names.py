"""Names for the constraints that have none: a step needs one, and so does whoever reads why a row was refused."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

_LONGEST = 63


def named(metadata: sa.MetaData) -> sa.MetaData:
    """A copy in which every unique constraint, foreign key and index has a name, as PostgreSQL would choose it."""
    copy = sa.MetaData(naming_convention=metadata.naming_convention, schema=metadata.schema)
    for table in metadata.tables.values():
        table.to_metadata(copy)
    for sequence in metadata._sequences.values():
        if sequence.name not in {s.name for s in copy._sequences.values()}:
            sequence._copy()._set_metadata(copy)
    for table in copy.tables.values():
        _name(table)
        for column in table.columns:
            if column.computed is not None and column.computed.persisted is None:
                column.computed.persisted = True  # PostgreSQL has no other kind before version 18
    return copy


def _name(table: sa.Table) -> None:
    taken = {str(c.name) for c in (*table.constraints, *table.indexes) if isinstance(c.name, str)}
    for constraint in sorted(table.constraints, key=lambda c: c._creation_order):
        if isinstance(constraint.name, str):
            continue
        suffix = {sa.UniqueConstraint: "key", sa.ForeignKeyConstraint: "fkey"}.get(type(constraint))  # type: ignore[call-overload]
        if suffix:
            names = [e.parent.name for e in getattr(constraint, "elements", ())] or [c.name for c in constraint.columns]
            constraint.name = _free(table.name, names, suffix, taken)
    for index in table.indexes:
        if not isinstance(index.name, str):
            index.name = _free(table.name, [c.name for c in index.columns], "idx", taken)


def _free(table: str, columns: Sequence[str], suffix: str, taken: set[str]) -> str:
    """table_column_suffix, cut to what PostgreSQL keeps, numbered where it is taken."""
    number = 0
    while True:
        end = f"_{suffix}{number or ''}"
        start = "_".join([table, *columns]).encode()[: _LONGEST - len(end)].decode("utf-8", "ignore")
        if start + end not in taken:
            taken.add(start + end)
            return start + end
        number += 1
