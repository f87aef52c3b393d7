"""Put rows of the target back into the source's records (docs/decisions/0050-inverse.md).

    put(old records, the target's rows of each) -> new records, and refusals with the reason

A record whose rows are what the mapping makes of it stays as it is, byte for byte. In the others only what differs is
changed, and the result is mapped again: if it does not make exactly these rows, the record is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from crossfade.model.batch import Batch
from crossfade.model.inverse import PLACE
from crossfade.model.program import ROW
from crossfade.model.rebuilt import CannotStore
from crossfade.model.target import TargetTable
from crossfade.records.edit import Editor
from crossfade.transform.inverse import InverseRunner
from crossfade.transform.numbered import Numbered, RowDifference, places_from, unlike
from crossfade.transform.rebuilt import Rebuilt
from crossfade.transform.transform import Transformer

Read = Callable[[bytes], Batch]
"""Return raw records as a batch of the columns that the mappings read."""

Printed = Callable[[TargetTable, pa.Table], pa.Table]
"""stores.contract.RowReader.printed: rows as the target prints their values."""

NOT_MAPPED = "not_mapped"
CHANGES_KEY = "changes_key"
NO_WAY_BACK = "no_way_back"


@dataclass(frozen=True, slots=True)
class NotPut:
    """A record (by its position) that cannot be put. `reason` is NO_WAY_BACK (the new record would make other rows),
    NOT_MAPPED (the mapping refuses the old record), CHANGES_KEY, or that of a value without a place in the record.
    """

    row: int
    reason: str
    detail: str
    table: str | None = None
    column: str | None = None
    path: str = ""


@dataclass
class Put:
    """The new records, in the order of the old ones: None is no record (delete it, or there was none). `refused`
    records are as they were. `changed` are the positions of records that differ from the old ones.
    """

    records: list[bytes | None]
    refused: list[NotPut] = field(default_factory=list)
    changed: set[int] = field(default_factory=set)
    losing: set[int] = field(default_factory=set)
    """Records whose rows have other values in columns whose changes may be lost."""
    cut: set[int] = field(default_factory=set)
    """Records with a row whose time is finer than a millisecond, if such times are cut."""


@dataclass(frozen=True)
class Forward:
    """The rows of records by table; why others are rejected; the records that have rows."""

    rows: dict[str, Numbered]
    rejected: dict[int, str]
    mapped: set[int]


class Putter:
    """Puts rows of one entity. It must not be shared between threads.

    `transformer` maps the entity with the positions of elements (mapping/invert/selects.placed), `read` reads raw
    records for it. `printed` must be given if the target prints values in a form of its own.
    """

    def __init__(
        self,
        transformer: Transformer,
        inverse: InverseRunner,
        editor: Editor,
        read: Read,
        key: Callable[[bytes], str | None],
        printed: Printed | None = None,
        apart: Mapping[str, Collection[str]] | None = None,
        cuts_times: bool = False,
    ) -> None:
        self._transformer, self._inverse, self._editor, self._read, self._key = transformer, inverse, editor, read, key
        self._printed = printed or (lambda table, rows: rows)
        self._apart = apart or {}
        """Columns by table that are not compared: their changes may be lost."""
        self._cuts_times = cuts_times
        """Whether times are compared and stored in milliseconds: all that a document's date holds."""

    def put(self, old: Sequence[bytes | None], rows: Mapping[str, Numbered], *, rebuild: bool = False) -> Put:
        """Return the records that make these rows. `rows` are all rows of the records in the target, by table; a record
        without any is deleted if the mapping makes rows of it. Leave out records in quarantine.

        With `rebuild` nothing is skipped: records whose rows are equal go through the inverse and the merge as well.
        """
        made = self._forward(old)
        rows, cut = self._in_milliseconds(rows)
        result = Put(list(old), cut=cut)
        there = {n for numbered in rows.values() for n in numbered.numbers}
        differ = {one.row for one in unlike(made.rows, rows, self._apart)}
        result.losing = self._losing(made.rows, rows)
        for row, why in made.rejected.items():
            if row in there:
                result.refused.append(NotPut(row, NOT_MAPPED, f"the mapping refuses the old record: {why}"))
        wanted = set(range(len(old))) if rebuild else differ | {r for r in there if old[r] is None}
        wanted -= made.rejected.keys()
        for row in sorted(wanted - there):
            if old[row] is not None and row in made.mapped:
                result.records[row] = None
                result.changed.add(row)
        self._merge(old, made.rows, rows, wanted & there, result)
        return result

    def _losing(self, made: Mapping[str, Numbered], rows: Mapping[str, Numbered]) -> set[int]:
        if not self._apart:
            return set()
        of = {name: one for name, one in made.items() if name in self._apart}
        found = unlike(of, {name: rows[name] for name in of if name in rows}, {})
        return {one.row for one in found if one.table in self._apart and one.column in self._apart[one.table]}

    def made_of(self, records: Sequence[bytes | None]) -> Forward:
        """Return the rows that the mapping makes of records, as the target would hold them."""
        made = self._forward(records)
        return Forward({name: rows.without_places() for name, rows in made.rows.items()}, made.rejected, made.mapped)

    def rebuild(self, rows: Mapping[str, Numbered]) -> tuple[dict[int, bytes], list[NotPut]]:
        """Return what the inverse alone makes of rows, by the number of the record. Nothing is mapped forward."""
        made: dict[int, bytes] = {}
        refused: list[NotPut] = []
        numbers = {number for one in rows.values() for number in one.numbers}
        for one in self._inverse.run(_arrow(self._in_milliseconds(rows)[0], numbers)):
            self._edit(one, None, {}, made, refused)
        return made, refused

    def _in_milliseconds(self, rows: Mapping[str, Numbered]) -> tuple[dict[str, Numbered], set[int]]:
        if not self._cuts_times:
            return dict(rows), set()
        cut = {name: one.to_milliseconds() for name, one in rows.items()}
        return {name: one for name, (one, _) in cut.items()}, {n for _, finer in cut.values() for n in finer}

    def _edit(
        self,
        one: Rebuilt,
        raw: bytes | None,
        before: Mapping[str, Any],
        made: dict[int, bytes],
        refused: list[NotPut],
    ) -> None:
        try:
            if one.refused is not None:
                raise CannotStore("mapping_error", f"the inverse refuses it: {one.refused}")
            made[one.row] = self._editor.edit(raw, before, one.values)
        except CannotStore as why:
            refused.append(NotPut(one.row, why.reason, why.detail, path=why.place))

    def _forward(self, old: Sequence[bytes | None]) -> Forward:
        """Map records, with the positions of elements."""
        numbers = [row for row, raw in enumerate(old) if raw is not None]
        batch = self._read(b"".join(raw for raw in old if raw is not None))
        rejected = {numbers[one.row]: one.said for one in batch.rejected}
        numbers = [row for row in numbers if row not in rejected]
        mapped = self._transformer.map(batch)
        rejected |= {numbers[one.row]: one.said for one in mapped.rejections}
        rows: dict[str, Numbered] = {}
        for part in mapped.tables:
            own = Numbered(
                part.table, self._as_printed(part.table, part.rows), [numbers[r] for r in part.roots.to_pylist()]
            )
            rows[part.table.name] = rows[part.table.name].joined(own) if part.table.name in rows else own
        rows, _ = self._in_milliseconds(rows)
        return Forward(rows, rejected, {n for one in rows.values() for n in one.numbers})

    def _as_printed(self, table: TargetTable, rows: pa.Table) -> pa.Table:
        if PLACE not in rows.column_names:
            return self._printed(table, rows)
        place = rows.column(PLACE)
        return self._printed(table, rows.drop_columns([PLACE])).append_column(PLACE, place)

    def _merge(
        self,
        old: Sequence[bytes | None],
        before: Mapping[str, Numbered],
        after: Mapping[str, Numbered],
        wanted: Collection[int],
        result: Put,
    ) -> None:
        was = {one.row: one.values for one in self._inverse.run(_arrow(before, wanted))}
        placed = {name: places_from(rows, before.get(name)) for name, rows in after.items()}
        made: dict[int, bytes] = {}
        rebuilt = {one.row: one for one in self._inverse.run(_arrow(placed, wanted))}
        for one in rebuilt.values():
            self._edit(one, old[one.row], was.get(one.row, {}), made, result.refused)
        told = {one.row for one in result.refused}
        for row in sorted(set(wanted) - made.keys() - told):
            result.refused.append(NotPut(row, NO_WAY_BACK, "the inverse returns no record: the owner's row is missing"))
        wrong = self._accept(old, made, after, result)
        again: dict[int, bytes] = {}
        for row, reasons in wrong.items():
            values = self._without(was.get(row, {}), reasons)
            if old[row] is not None and values is not None:
                self._edit(rebuilt[row], old[row], values, again, [])
        wrong |= self._accept(old, again, after, result)
        result.refused += [reasons[0] for row, reasons in wrong.items() if row not in result.changed]

    def _without(self, before: Mapping[str, Any], reasons: Sequence[NotPut]) -> Mapping[str, Any] | None:
        """Return `before` without the values that feed the columns that are wrong, so that they are stored in any
        case: `coalesce(x.changed, x.made)` may have had its value from `made`. None if that changes nothing.
        """
        outputs = {
            o for one in reasons if one.table and one.column for o in self._inverse.outputs_of(one.table, one.column)
        }
        left = {name: value for name, value in before.items() if name not in outputs}
        return left if len(left) < len(before) else None

    def _accept(
        self, old: Sequence[bytes | None], made: Mapping[int, bytes], after: Mapping[str, Numbered], result: Put
    ) -> dict[int, list[NotPut]]:
        """Accept the new records that make exactly the rows in `after`. Return why the others are refused."""
        rows = sorted(made)
        again = self._forward([made[row] for row in rows])
        back = dict(enumerate(rows))
        wrong: dict[int, list[NotPut]] = {}
        for place, why in again.rejected.items():
            said = f"the mapping would refuse the new record: {why}"
            wrong.setdefault(back[place], []).append(NotPut(back[place], NO_WAY_BACK, said))
        found = {name: one.renumbered(back) for name, one in again.rows.items()}
        wanted = {name: one.only(made) for name, one in after.items()}
        for one in unlike(wanted, found, self._apart, with_values=True):
            wrong.setdefault(one.row, []).append(_refusal(one))
        for row in rows:
            raw = old[row]
            if row not in wrong and raw is not None and self._key(made[row]) != self._key(raw):
                wrong[row] = [NotPut(row, CHANGES_KEY, "the record would get another key")]
            elif row not in wrong and made[row] != raw:
                result.records[row] = made[row]
                result.changed.add(row)
        return wrong


def _refusal(one: RowDifference) -> NotPut:
    detail = one.said
    return NotPut(one.row, NO_WAY_BACK, detail, one.table, one.column)


def _arrow(rows: Mapping[str, Numbered], wanted: Collection[int]) -> dict[str, pa.Table]:
    """Return the rows of these records, each with its record's number."""
    chosen = {name: one.only(wanted) for name, one in rows.items()}
    return {name: one.rows.append_column(ROW, pa.array(one.numbers, pa.int64())) for name, one in chosen.items()}


__all__ = ["CHANGES_KEY", "NOT_MAPPED", "NO_WAY_BACK", "NotPut", "Put", "Putter"]
