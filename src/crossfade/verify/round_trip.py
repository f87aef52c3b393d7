"""The second, independent path: rebuild the source's records from rows of the target, and compare them.

A record that is rebuilt from its rows alone, and equals the original, proves that nothing was lost; the forward mapping
is not used. If the mapping normalised a value (a status in lower case), the rebuilt record differs from the original on
purpose. Then the put decides: putting the rows into the original must not change a byte.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from crossfade.model.shape import Path
from crossfade.model.target import TargetTable
from crossfade.records.codec import Codec
from crossfade.records.edit import Editor
from crossfade.transform.numbered import Numbered, RowDifference, unlike
from crossfade.transform.put import NotPut, Putter
from crossfade.verify.confidence import at_most

EXAMPLES = 20
"""The number of records that are named."""

Cause = tuple[str, str | None, str | None, str]
"""Reason, table, column and path of a refusal."""


@dataclass
class Causes:
    """Refusals by cause, each with the number of records, and the first of them."""

    counts: Counter[Cause] = field(default_factory=Counter)
    examples: dict[Cause, tuple[str, str]] = field(default_factory=dict)

    def add(self, refusal: NotPut, key: str) -> None:
        cause = (refusal.reason, refusal.table, refusal.column, refusal.path)
        self.counts[cause] += 1
        self.examples.setdefault(cause, (key, refusal.detail))


@dataclass
class Proven:
    """The round trip of an entity. Of `records`, `compared` were compared: `rebuilt` of them equal the originals when
    made from their rows alone; `kept` are not changed by the put of their rows. `differ`: the others, key and reason.
    """

    entity: str
    records: int
    compared: int = 0
    rebuilt: int = 0
    kept: int = 0
    set_aside: int = 0
    """Records of the sample that are in quarantine, or discarded: they have no rows."""
    differ: list[tuple[str, str]] = field(default_factory=list)
    missing: str | None = None
    """Why the entity cannot be rebuilt at all."""

    @property
    def is_whole(self) -> bool:
        return self.compared + self.set_aside >= self.records

    @property
    def equal(self) -> bool:
        return self.missing is None and not self.differ

    @property
    def at_most(self) -> float | None:
        """The greatest share that may differ, with 95 % confidence; None if all were compared, or none."""
        if self.is_whole or not self.compared:
            return None
        return at_most(len(self.differ), self.compared)


def prove(
    found: Proven,
    putter: Putter,
    codec: Codec,
    editor: Editor,
    raws: Sequence[bytes],
    rows: Mapping[str, Numbered],
    ignored: Collection[Path],
) -> None:
    """Add the records of a batch. `ignored`: the paths that are discarded with all of their types."""
    rebuilt, _ = putter.rebuild(rows)
    originals = codec.digests(b"".join(editor.without(raw, ignored) for raw in raws), ordered=False)
    numbers = sorted(rebuilt)
    again = b"".join(editor.without(rebuilt[n], ignored) for n in numbers)
    digests = dict(zip(numbers, codec.digests(again, ordered=False), strict=True))
    unsure = [n for n, digest in enumerate(originals) if digest is None or digests.get(n) != digest]
    found.compared += len(raws)
    found.rebuilt += len(raws) - len(unsure)
    if unsure:
        _judge(found, putter, codec, raws, rows, unsure)


def _judge(
    found: Proven,
    putter: Putter,
    codec: Codec,
    raws: Sequence[bytes],
    rows: Mapping[str, Numbered],
    unsure: Sequence[int],
) -> None:
    at = {number: place for place, number in enumerate(unsure)}
    records = [raws[n] for n in unsure]
    own = {name: one.only(at).renumbered(at) for name, one in rows.items()}
    put = putter.put(records, own)
    wrong = put.changed | {one.row for one in put.refused}
    found.kept += len(records) - len(wrong)
    if wrong:
        why = {one.row: _said(one) for one in put.refused}
        for one in unlike(own, putter.made_of(records).rows, {}, with_values=True):
            why.setdefault(one.row, _said(one))
        found.differ += [(str(codec.key(records[place])), why.get(place, "it differs")) for place in sorted(wrong)]


def _said(one: NotPut | RowDifference) -> str:
    place = ".".join(filter(None, (one.table, one.column))) or (one.path if isinstance(one, NotPut) else "")
    detail = one.detail if isinstance(one, NotPut) else one.said
    return f"{place}: {detail}" if place else detail


# -- before the copy: the laws of the put, on the source's own records


@dataclass
class Tried:
    """The laws of the put on records of an entity, with the rows that the mapping makes of them.

    `broken`: records that the put of their own rows would change (GetPut). `alone`: records that cannot be rebuilt
    from their rows alone. `changes`: refusals of the put of other values (PutGet), of `exchanged` tries.
    """

    entity: str
    records: int
    tried: int = 0
    without_rows: int = 0
    broken: list[tuple[str, str]] = field(default_factory=list)
    alone: Causes = field(default_factory=Causes)
    exchanged: int = 0
    changes: Causes = field(default_factory=Causes)
    missing: str | None = None

    @property
    def ok(self) -> bool:
        return not self.broken


def try_laws(found: Tried, putter: Putter, codec: Codec, raws: Sequence[bytes]) -> None:
    """Add the records of a batch."""
    made = putter.made_of(raws)
    mapped = [number for number in range(len(raws)) if number in made.mapped]
    found.without_rows += len(raws) - len(mapped)
    if not mapped:
        return
    at = {number: place for place, number in enumerate(mapped)}
    rows = {name: one.only(at).renumbered(at) for name, one in made.rows.items()}
    records = [raws[number] for number in mapped]
    keys = [str(codec.key(raw)) for raw in records]
    found.tried += len(records)
    again = putter.put(records, rows, rebuild=True)
    found.broken += [(keys[row], "its own rows would change it") for row in sorted(again.changed)]
    found.broken += [(keys[one.row], _said(one)) for one in again.refused]
    for one in putter.put([None] * len(records), rows).refused:
        found.alone.add(one, keys[one.row])
    _exchange(found, putter, records, keys, rows)


def _exchange(
    found: Tried, putter: Putter, records: Sequence[bytes], keys: Sequence[str], rows: Mapping[str, Numbered]
) -> None:
    """Put the values of other records, column by column, into each record."""
    for name, one in rows.items():
        for column in one.table.columns:
            if column.name not in one.rows.column_names or _is_fixed(one.table, column.name):
                continue
            values = one.rows.column(column.name).combine_chunks()
            order = pa.array([(place + 1) % len(values) for place in range(len(values))], pa.int64())
            at = one.rows.column_names.index(column.name)
            other = Numbered(one.table, one.rows.set_column(at, column.name, values.take(order)), one.numbers)
            found.exchanged += len(set(one.numbers))
            for refusal in putter.put(records, {**rows, name: other}).refused:
                found.changes.add(refusal, keys[refusal.row])


def _is_fixed(table: TargetTable, column: str) -> bool:
    """Return whether a column identifies the row or its record: exchanging it would make other rows, not values."""
    return column in table.primary_key or any(column in key.columns for key in table.foreign_keys)


__all__ = ["EXAMPLES", "Causes", "Proven", "Tried", "prove", "try_laws"]
