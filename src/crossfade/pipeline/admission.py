"""Decide before writing which records of a batch can be added to the target.

The target determines, with its own equality, which rows clash with its rows. Among the records of the batch, the first
in order gets a value, and a record is rejected if its parent is. Other refusals are found when the rows are loaded. If
another row has the primary key, the entry has the text of that key, so that the record need not be mapped again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from crossfade.journal.journal import OWN
from crossfade.journal.ledger import row_texts
from crossfade.model.canonical import python_rows
from crossfade.model.rejection import Rejection
from crossfade.model.target import ForeignKey, TargetTable, Unique
from crossfade.runtime.session import Session
from crossfade.stores.contract import Conflicts, TargetTransaction
from crossfade.transform.transform import TableRows

Value = tuple[Any, ...]


@dataclass(frozen=True)
class Asked:
    """The records that cannot be added, by their positions in the batch."""

    rejected: Mapping[int, Rejection] = field(default_factory=dict)


class _UniqueValue(NamedTuple):
    """A value that no other row may have. `text`: its text in the ledger, if it is a primary key."""

    value: Value
    why: Rejection
    text: str | None = None

    def by_another(self, row: int) -> Rejection:
        why = self.why
        return Rejection(row, why.reason, why.detail, why.table, why.column, why.constraint, row_key=self.text)

    def by_itself(self, row: int) -> Rejection:
        return replace(self.why, row=row, row_key=OWN)


@dataclass(slots=True)
class _Record:
    """`takes` has the values that no other row may have, `needs` the values of parents that the target lacks, `makes`
    the values that its own rows provide for others.
    """

    takes: list[_UniqueValue] = field(default_factory=list)
    needs: list[tuple[Value, Rejection]] = field(default_factory=list)
    makes: set[Value] = field(default_factory=set)


def ask(s: Session, parts: Sequence[TableRows], order: Sequence[int], *, only_keys: bool = False) -> Asked:
    """Ask the target about these rows. `order` is the order of the records, as positions in the batch.

    `only_keys`: check only primary keys, while no other constraint exists.
    """
    clashes = s.target.conflicts
    records = {row: _Record() for row in order}
    rejected: dict[int, Rejection] = {}
    wanted = _wanted(parts)
    for part in parts:
        with s.transaction() as tx:
            _ask_key(tx, part, records, rejected)
        if clashes is not None and not only_keys:
            _ask_uniques(clashes, part, records, rejected)
            _ask_parents(clashes, part, records)
        _note_made(part, wanted, records)
    return Asked(_decided(records, rejected))


def with_existing_keys(tx: TargetTransaction, parts: Sequence[TableRows], order: Sequence[int]) -> dict[int, Rejection]:
    """Return the records with a primary key that the target, or a record before them, has."""
    records = {row: _Record() for row in order}
    rejected: dict[int, Rejection] = {}
    for part in parts:
        _ask_key(tx, part, records, rejected)
    return rejected | _in_order(records, rejected.keys())[0]


def _decided(records: Mapping[int, _Record], refused: Mapping[int, Rejection]) -> dict[int, Rejection]:
    """Give each value to the first record in order. Reject records without a parent, and repeat without them."""
    orphans: dict[int, Rejection] = {}
    while True:
        late, inside = _in_order(records, refused.keys() | orphans.keys())
        made = {value for row in inside for value in records[row].makes}
        lacking = {row: why for row in inside for value, why in records[row].needs[::-1] if value not in made}
        if not lacking:
            return {**refused, **late, **orphans}
        orphans |= lacking


def _in_order(records: Mapping[int, _Record], out: Collection[int]) -> tuple[dict[int, Rejection], list[int]]:
    taken: set[Value] = set()
    late: dict[int, Rejection] = {}
    inside: list[int] = []
    for row, record in records.items():
        if row in out:
            continue
        own: set[Value] = set()
        for one in record.takes:
            if one.value in taken:
                late.setdefault(row, one.by_another(row))
            elif one.value in own:
                late.setdefault(row, one.by_itself(row))
            own.add(one.value)
        if row not in late:
            taken |= own
            inside.append(row)
    return late, inside


def _ask_key(
    tx: TargetTransaction, part: TableRows, records: Mapping[int, _Record], rejected: dict[int, Rejection]
) -> None:
    names = list(part.table.primary_key)
    keys = part.rows.select(names)
    there = set(python_rows(tx.owned(part.table, keys, names)))
    why, table = same_key(part.table, tx.key_name(part.table)), part.table.name
    texts = row_texts(part.table, keys)
    for root, key, text in zip(part.roots.to_pylist(), python_rows(keys), texts, strict=True):
        wanted = _UniqueValue((table, *key), why, text)
        if key in there and root not in rejected:
            rejected[root] = wanted.by_another(root)
        records[root].takes.append(wanted)


def _ask_uniques(
    conflicts: Conflicts, part: TableRows, records: Mapping[int, _Record], rejected: dict[int, Rejection]
) -> None:
    for unique in part.table.uniques:
        why = same_value(part.table, unique)
        found = conflicts.holders(part.table, unique, part.rows)
        for root, clash in zip(part.roots.to_pylist(), found, strict=True):
            if clash is None:
                continue
            if clash.key is not None:
                rejected.setdefault(root, why.at(root))
            records[root].takes.append(_UniqueValue((part.table.name, unique.name, *clash.values.values()), why))


def _ask_parents(clashes: Conflicts, part: TableRows, records: Mapping[int, _Record]) -> None:
    for key in part.table.foreign_keys:
        if not set(key.columns) <= set(part.rows.column_names):
            continue
        found = clashes.orphaned(part.table, key, part.rows)
        values = python_rows(part.rows.select(list(key.columns)))
        for root, clash, value in zip(part.roots.to_pylist(), found, values, strict=True):
            if clash is not None:
                why = no_parent(part.table, key).at(root)
                records[root].needs.append(((key.parent, key.parent_columns, value), why))


def _wanted(parts: Sequence[TableRows]) -> set[tuple[str, tuple[str, ...]]]:
    """Return the tables and columns that foreign keys of these rows refer to."""
    return {(key.parent, key.parent_columns) for part in parts for key in part.table.foreign_keys}


def _note_made(part: TableRows, wanted: set[tuple[str, tuple[str, ...]]], records: Mapping[int, _Record]) -> None:
    for table, columns in wanted:
        if table == part.table.name and set(columns) <= set(part.rows.column_names):
            for root, value in zip(part.roots.to_pylist(), python_rows(part.rows.select(list(columns))), strict=True):
                records[root].makes.add((table, columns, value))


# -- why


def same_key(table: TargetTable, constraint: str | None = None) -> Rejection:
    listed = ", ".join(table.primary_key)
    detail = f"another row has the same primary key ({listed})"
    return Rejection(0, "unique", detail, table.name, constraint=constraint)


def same_value(table: TargetTable, unique: Unique) -> Rejection:
    listed = ", ".join(unique.expressions)
    return Rejection(0, "unique", f"another row has the same {listed} ({unique.name})", table.name, listed, unique.name)


def no_parent(table: TargetTable, key: ForeignKey) -> Rejection:
    listed = ", ".join(key.columns)
    detail = f"{listed} references a missing row of {key.parent} ({key.name})"
    return Rejection(0, "foreign_key", detail, table.name, listed, key.name)


def may_clash(tables: Iterator[TargetTable] | Sequence[TargetTable], columns: Mapping[str, str]) -> bool:
    """Return whether rows of records with different keys may exclude each other: by an exclusion constraint, or by the
    same value in a primary key or a unique constraint without the owner column (`columns`, by table).
    """
    for table in tables:
        owner = columns.get(table.name)
        if table.excludes or owner is None or owner not in table.primary_key:
            return True
        if not all(unique.names(owner) for unique in table.uniques):
            return True
    return False
