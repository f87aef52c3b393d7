"""Rows of a table with the number of the record that each belongs to, and how two sets of them differ."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.model.canonical import arrow_type
from crossfade.model.equal import differing, find_keys, one_array
from crossfade.model.inverse import PLACE
from crossfade.model.target import TargetTable

_UNREADABLE = "#unreadable"  # what a row holds that its columns' types cannot represent (RowReader)


@dataclass(frozen=True)
class Numbered:
    """Canonical rows; `numbers` has the position of the record of each."""

    table: TargetTable
    rows: pa.Table
    numbers: Sequence[int]

    def joined(self, other: Numbered) -> Numbered:
        """Return the rows of both. Columns that one of them lacks are NULL in its rows."""
        rows = pa.concat_tables([self.rows, other.rows], promote_options="default").combine_chunks()
        return Numbered(self.table, rows, [*self.numbers, *other.numbers])

    def at(self, places: Sequence[int]) -> Numbered:
        rows = self.rows.take(pa.array(places, pa.int64())).combine_chunks()
        return Numbered(self.table, rows, [self.numbers[place] for place in places])

    def only(self, wanted: Collection[int]) -> Numbered:
        """Return the rows of these records."""
        places = [place for place, number in enumerate(self.numbers) if number in wanted]
        return self if len(places) == len(self.numbers) else self.at(places)

    def without_places(self) -> Numbered:
        if PLACE not in self.rows.column_names:
            return self
        return Numbered(self.table, self.rows.drop_columns([PLACE]), self.numbers)

    def to_milliseconds(self) -> tuple[Numbered, set[int]]:
        """Return the rows with times cut to milliseconds, and the records of which one was finer."""
        rows, finer = self.rows, set[int]()
        for at, name in enumerate(rows.column_names):
            values = one_array(rows.column(name))
            if pa.types.is_timestamp(values.type):
                cut = pc.floor_temporal(values, unit="millisecond")
                finer |= {self.numbers[i] for i in pc.indices_nonzero(pc.not_equal(cut, values)).to_pylist()}
                rows = rows.set_column(at, name, cut)
        return Numbered(self.table, rows, self.numbers), finer

    def renumbered(self, numbers: Mapping[int, int]) -> Numbered:
        return Numbered(self.table, self.rows, [numbers[number] for number in self.numbers])


@dataclass(frozen=True, slots=True)
class RowDifference:
    """A difference of a record (by number): in a column, or (None) that a row is on one side only."""

    row: int
    table: str
    column: str | None = None
    said: str = ""


def unlike(
    expected: Mapping[str, Numbered],
    found: Mapping[str, Numbered],
    apart: Mapping[str, Collection[str]],
    *,
    with_values: bool = False,
) -> Iterator[RowDifference]:
    """Yield how the rows differ. `apart` are columns by table that are not compared. `with_values`: say how."""
    for name in dict.fromkeys([*expected, *found]):
        one, other = expected.get(name), found.get(name)
        if one is None or other is None:
            for number in dict.fromkeys((one or other).numbers):  # type: ignore[union-attr]
                yield RowDifference(number, name, None, _alone(one is not None))
        else:
            yield from _of_table(one, other, apart.get(name, ()), with_values)


def _of_table(
    expected: Numbered, found: Numbered, apart: Collection[str], with_values: bool
) -> Iterator[RowDifference]:
    table = expected.table
    places = find_keys(expected.rows, found.rows, table, table.primary_key)
    matched: set[int] = set()
    pairs: list[tuple[int, int]] = []
    for here, there in enumerate(places.to_pylist()):
        if there is None or expected.numbers[here] != found.numbers[there]:
            yield RowDifference(expected.numbers[here], table.name, None, _alone(True))
        else:
            matched.add(there)
            pairs.append((here, there))
    for there, number in enumerate(found.numbers):
        if there not in matched:
            yield RowDifference(number, table.name, None, _alone(False))
    if pairs:
        left, right = expected.at([a for a, _ in pairs]), found.at([b for _, b in pairs])
        yield from _changed(left, right, apart, with_values)


def _changed(left: Numbered, right: Numbered, apart: Collection[str], with_values: bool) -> Iterator[RowDifference]:
    """Yield the differing columns of rows with the same keys, in the same order."""
    for column in left.table.columns:
        if column.name in apart or column.generated:
            continue
        one, other = (_column(part, column.name) for part in (left, right))
        if (one is None or other is None) and (one is other or column.has_default):
            continue  # filled by the target, not by a mapping
        nulls = pa.nulls(len(left.numbers), arrow_type(column.type))
        wrong = differing(nulls if one is None else one, nulls if other is None else other, column.type)
        for place in pc.indices_nonzero(wrong).to_pylist():
            said = _said(one, other, place, column.type.kind) if with_values else ""
            yield RowDifference(left.numbers[place], left.table.name, column.name, said)
    for part in (left, right):
        if _UNREADABLE in part.rows.column_names:
            for place in pc.indices_nonzero(pc.is_valid(part.rows.column(_UNREADABLE))).to_pylist():
                yield RowDifference(
                    part.numbers[place], part.table.name, None, "a value that its column cannot represent"
                )


def _column(part: Numbered, name: str) -> Any:
    return part.rows.column(name) if name in part.rows.column_names else None


def _alone(is_expected: bool) -> str:
    return "the record would not make this row" if is_expected else "the record would make a row that is not there"


def _said(one: Any, other: Any, place: int, kind: str) -> str:
    wanted, made = ("NULL" if part is None else _shown(part[place], kind) for part in (one, other))
    return f"the row has {wanted}, the record would make {made}"


def _shown(value: Any, kind: str) -> str:
    if not value.is_valid:
        return "NULL"
    if kind == "uuid":
        return str(UUID(bytes=value.as_py()))
    text = str(value) if pa.types.is_temporal(value.type) else repr(value.as_py())
    return text if len(text) <= 80 else text[:77] + "..."


def places_from(rows: Numbered, before: Numbered | None) -> Numbered:
    """Return the rows with the positions of the elements that made rows with the same keys before."""
    if before is None or PLACE not in before.rows.column_names:
        return rows
    at = find_keys(rows.rows, before.rows, rows.table, rows.table.primary_key)
    owner = pa.array(before.numbers, pa.int64()).take(at)
    at = pc.if_else(pc.equal(owner, pa.array(rows.numbers, pa.int64())), at, None)
    known = before.rows.column(PLACE).combine_chunks().take(at)
    return Numbered(rows.table, rows.rows.append_column(PLACE, known), rows.numbers)


__all__ = ["Numbered", "RowDifference", "places_from", "unlike"]
