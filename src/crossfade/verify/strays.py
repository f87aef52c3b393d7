"""Find the records of rows that should not be there, after a comparison of all keys while others write.

Most of these rows are of records that came or went meanwhile: those are in the lists of the journal, and are compared
with all their rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from crossfade.model.canonical import python_values
from crossfade.model.target import TargetTable
from crossfade.runtime.records import pieces
from crossfade.runtime.session import Session
from crossfade.verify.compare import EXTRA
from crossfade.verify.generations import Who
from crossfade.verify.owned import behind, values_of
from crossfade.verify.show import key_text
from crossfade.verify.verdict import Difference

_AT_ONCE = 10_000


@dataclass(frozen=True)
class Strays:
    """`rows`: those of no known record, by table; `records`: those that own the other rows."""

    rows: Mapping[str, pa.Table]
    records: frozenset[Who]


def find_strays(s: Session, rows: Mapping[str, pa.Table], listed: Mapping[str, Sequence[str]]) -> Strays:
    """Return the records that own rows which should not be there, and the rows of no record. Rows of records that are
    `listed` (keys by entity) are left out.
    """
    left, records = dict[str, pa.Table](), set[Who]()
    for name, keys in rows.items():
        table = s.work.tables[name]
        unknown = _still_there(s, table, _not_of(s, table, keys, listed))
        with s.writer.transaction() as tx:
            owners = behind(s, tx, table, unknown) if len(unknown) else []
        records |= {who for who in owners if who is not None}
        places = [place for place, who in enumerate(owners) if who is None]
        if places:
            left[name] = unknown.take(pa.array(places, pa.int64()))
    return Strays(left, frozenset(records))


def differences(s: Session, strays: Strays, limit: int) -> tuple[dict[str, int], list[Difference]]:
    """Return how many of the rows of no record are still there, by table, and the first of them."""
    counts, named = dict[str, int](), list[Difference]()
    for name, keys in strays.rows.items():
        table = s.work.tables[name]
        entity = ", ".join(sorted(e for e, owners in s.owners.items() if name in owners.tables))
        there = _still_there(s, table, keys)
        if len(there):
            counts[name] = len(there)
        for place in range(min(len(there), limit)):
            text = key_text(there.slice(place, 1), table, table.primary_key)
            named.append(Difference(EXTRA, entity, name, text, None, None, "no row", "a row"))
    return counts, named


def _still_there(s: Session, table: TargetTable, keys: pa.Table) -> pa.Table:
    own = list(table.primary_key)
    return s.row_reader.rows(table, own, keys.select(own)).select(own) if len(keys) else keys


def _not_of(s: Session, table: TargetTable, keys: pa.Table, listed: Mapping[str, Sequence[str]]) -> pa.Table:
    """Return the rows whose owner column has the value of none of the listed records."""
    for entity, owners in s.owners.items():
        column = owners.columns.get(table.name)
        if column is not None and len(keys) and listed.get(entity):
            names = list(dict.fromkeys([*table.primary_key, column]))
            rows = s.row_reader.rows(table, names, keys.select(list(table.primary_key)))
            known = {value for some in _values(s, entity, listed[entity]) for value in some}
            places = [i for i, value in enumerate(python_values(rows.column(column))) if value not in known]
            keys = rows.select(list(table.primary_key)).take(pa.array(places, pa.int64()))
    return keys


def _values(s: Session, entity: str, keys: Sequence[str]) -> Iterator[list[object]]:
    for some in pieces(keys, _AT_ONCE):
        yield python_values(values_of(s, entity).of(some)[1])
