"""Compare the source with what the rows of the target put back, after a cutover: a record is equal if putting its rows
into it changes nothing. While others write, records that differ are compared again after all changes are put back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from crossfade.journal import dirty, returned
from crossfade.journal.ledger import row_keys, row_texts
from crossfade.journal.returned import Who
from crossfade.model.owners import Owners
from crossfade.model.target import TargetTable
from crossfade.runtime.records import NO_KEY, pieces
from crossfade.runtime.way_back import KINDS, WayBack, as_now, as_text, row_name, rows_as_json
from crossfade.transform.put import Put

ROUNDS, PAUSE = 5, 0.2
"""Records that still change are left to the next verification; the last one of a rollback allows none."""
AT_ONCE = 1000


@dataclass
class Compared:
    """`differ`: records, each with the reason. `set_aside`: those that the source cannot store. `moving`: those that
    changed again and again, and are compared by the next verification. `losing`: those whose rows have other values in
    columns whose changes may be lost by decision.
    """

    compared: int = 0
    differ: dict[Who, str] = field(default_factory=dict)
    set_aside: set[Who] = field(default_factory=set)
    moving: set[Who] = field(default_factory=set)
    losing: set[Who] = field(default_factory=set)

    @property
    def equal(self) -> bool:
        return not self.differ


Drain = Callable[[], None]
"""Waits until all changes that the target has now are put back, or set aside."""
Tick = Callable[[int], None]
"""Is called with the number of compared records; ends the comparison by raising."""


def ignore(count: int) -> None:
    return


def everything(
    way: WayBack, mark: str, entities: Sequence[str], chunk_bytes: int, drain: Drain, tick: Tick = ignore
) -> Compared:
    """Compare all records of the source, and look for rows of no record."""
    found, suspects, rows = Compared(), dict[Who, str](), set[Who]()
    for entity in entities:
        for keys, raws in _records(way, entity, chunk_bytes):
            suspects.update(_unlike(way, entity, keys, raws, found))
            found.compared += len(keys)
            tick(len(keys))
        suspects.update(_strays(way, entity, rows))
    suspects.update(_of_no_record(way, rows, found, drain))
    return _settled(way, found, suspects, drain, mark)


def some(way: WayBack, mark: str, drain: Drain, tick: Tick = ignore) -> Compared:
    """Compare the records that changed since they were last compared, which have been given this mark."""
    found, suspects, rows = Compared(), dict[Who, str](), set[Who]()
    after: Who = ("", "")
    while listed := _not_compared(way, after):
        after = listed[-1]
        own = {who for who in listed if who[1].startswith(NO_KEY)}
        rows |= own
        suspects.update(_compared(way, set(listed) - own, found))
        found.compared += len(listed)
        tick(len(listed))
    suspects.update(_of_no_record(way, rows, found, drain))
    return _settled(way, found, suspects, drain, mark)


def _not_compared(way: WayBack, after: Who) -> list[Who]:
    with way.transact() as tx:
        return returned.not_compared(tx, after, AT_ONCE)


def _records(way: WayBack, entity: str, chunk_bytes: int) -> Iterator[tuple[list[str], list[bytes]]]:
    s = way.s
    with as_now(s):
        for chunk in s.reader.chunks(entity, target_bytes=chunk_bytes):
            for batch in s.reader.raw(chunk):
                for raws in pieces(s.codec.split(batch), AT_ONCE):
                    keys = [s.codec.key(raw) for raw in raws]
                    known = [(key, raw) for key, raw in zip(keys, raws, strict=True) if key is not None]
                    yield [key for key, _ in known], [raw for _, raw in known]


def _unlike(
    way: WayBack, entity: str, keys: Sequence[str], raws: Sequence[bytes | None], found: Compared
) -> dict[Who, str]:
    """Return the records that the put of their rows would change or refuse, each with the reason."""
    way.s.forget_lookups()
    _, put = way.put_into(entity, keys, raws)
    return _wrong(entity, keys, put, found)


def _wrong(entity: str, keys: Sequence[str], put: Put, found: Compared) -> dict[Who, str]:
    found.losing -= {(entity, key) for key in keys}
    found.losing |= {(entity, keys[place]) for place in put.losing}
    why = {one.row: one.detail for one in put.refused}
    wrong = sorted(put.changed | why.keys())
    return {(entity, keys[place]): why.get(place, "the rows make another record") for place in wrong}


def _compared(
    way: WayBack, who: Iterable[Who], found: Compared, rows_then: dict[Who, str] | None = None
) -> dict[Who, str]:
    """Return the records that differ, each with the reason, and note in `rows_then` which rows they had."""
    by_entity: dict[str, list[str]] = {}
    for entity, key in sorted(who):
        by_entity.setdefault(entity, []).append(key)
    unlike: dict[Who, str] = {}
    for entity, keys in by_entity.items():
        for piece in pieces(keys, AT_ONCE):
            with as_now(way.s):
                way.s.forget_lookups()
                _, rows, put = way.put(entity, piece)
            wrong = _wrong(entity, piece, put, found)
            if rows_then is not None:
                places = {(entity, key): place for place, key in enumerate(piece)}
                rows_then |= {one: rows_as_json(rows, places[one]) for one in wrong}
            unlike |= wrong
    return unlike


# -- rows without a record


def _strays(way: WayBack, entity: str, rows: set[Who]) -> dict[Who, str]:
    """Return records that the source lacks although they have rows. Rows of no record are added to `rows`."""
    owners, suspects = way.s.owners[entity], dict[Who, str]()
    for name in owners.columns:
        suspects |= _without_record(way, entity, owners, way.s.work.tables[name], rows)
    for name in sorted(owners.ledger):
        _without_entry(way, entity, way.s.work.tables[name], rows)
    return suspects


def _without_record(way: WayBack, entity: str, owners: Owners, table: TargetTable, rows: set[Who]) -> dict[Who, str]:
    column, suspects = owners.columns[table.name], dict[Who, str]()
    for batch in way.s.row_reader.scan(table, [column]):
        values = [value for value in batch.column(0).unique().to_pylist() if value is not None]
        for piece in pieces(values, AT_ONCE):
            known = _keys(way, entity, piece)
            rows |= {(entity, row_name(table.name, as_text(value))) for value in piece if value not in known}
            with as_now(way.s):
                there = _there(way, entity, list(known.values()))
            suspects |= {(entity, key): "the source lacks it" for key in known.values() if key not in there}
    return suspects


def _keys(way: WayBack, entity: str, values: Sequence[Any]) -> Mapping[object, str]:
    owner = way.values(entity)
    with as_now(way.s):
        return owner.keys(pa.array(list(values), owner.kind), gone=True)


def _there(way: WayBack, entity: str, keys: Sequence[str]) -> set[str]:
    s, found = way.s, set[str]()
    for piece in pieces(keys, AT_ONCE):
        for raw in s.reader.fetch(entity, s.codec.key_path, piece, s.work.shapes[entity]):
            found |= {str(s.codec.key(one)) for one in s.codec.split(raw)}
    return found


def _without_entry(way: WayBack, entity: str, table: TargetTable, rows: set[Who]) -> None:
    for batch in way.s.row_reader.scan(table, list(table.primary_key)):
        keys = pa.Table.from_batches([batch])
        with way.transact() as tx:
            known = way.s.ledger.records(tx, table, keys)
        rows |= {(entity, row_name(table.name, text)) for text in row_texts(table, keys) if text not in known}


def _of_no_record(way: WayBack, rows: Collection[Who], found: Compared, drain: Drain) -> dict[Who, str]:
    """Return the records that own some of these rows, now that the run has looked at all of them. The others are added
    as differences, or as set aside where the run has done that.
    """
    suspects, unknown = dict[Who, str](), set[Who]()
    if rows:
        drain()
    for entity in sorted({entity for entity, _ in rows}):
        own = sorted(key for of, key in rows if of == entity)
        owners = way.s.owners[entity]
        for name in sorted({*owners.columns, *owners.ledger}):
            texts = [key.removeprefix(row_name(name, "")) for key in own if key.startswith(row_name(name, ""))]
            for piece in pieces(texts, AT_ONCE):
                known = _owners_of(way, owners, way.s.work.tables[name], piece)
                unknown |= {(entity, row_name(name, text)) for text, who in known.items() if who is None}
                suspects |= {who: "the source lacks it" for who in known.values() if who is not None}
    with way.transact() as tx:
        aside = returned.which_aside(tx, unknown)
    found.set_aside |= aside
    found.differ.update(dict.fromkeys(unknown - aside, "a row of no record"))
    return suspects


def _owners_of(way: WayBack, owners: Owners, table: TargetTable, texts: Sequence[str]) -> dict[str, Who | None]:
    """Return the records of the rows that a table still has of these, or None for those of no record."""
    if (column := owners.columns.get(table.name)) is None:
        keys = row_keys(table, texts)
        with way.transact() as tx:
            entries = way.s.ledger.records(tx, table, keys)
        rows = way.s.row_reader.rows(table, list(table.primary_key), keys)
        return {text: entries.get(text) for text in row_texts(table, rows)}
    values = [KINDS[_kind(table, column)](text) for text in texts]
    known = _keys(way, owners.entity, values)
    by = pa.table({column: pa.array(values, way.values(owners.entity).kind)})
    there = way.s.row_reader.owned(table, [column], by).column(column).to_pylist()
    return {as_text(value): (owners.entity, known[value]) if value in known else None for value in set(there)}


def _kind(table: TargetTable, column: str) -> str:
    found = table.column(column)
    assert found is not None, "an owner column is one of the table"
    return found.type.kind


# -- what differs, until it is certain


def _settled(way: WayBack, found: Compared, suspects: Mapping[Who, str], drain: Drain, mark: str) -> Compared:
    left, handed = dict(suspects), set[Who]()
    for _ in range(ROUNDS):
        if not left:
            break
        drain()
        with way.transact() as tx:
            returned.mark_again(tx, left, mark)
        rows_then = dict[Who, str]()
        left = _compared(way, left, found, rows_then)
        drain()  # then records that changed after they were read are in the journal
        with way.transact() as tx:
            changed = returned.changed(tx, left, mark)
            aside = {(one.entity, one.key) for one in returned.set_aside(tx)}
        found.set_aside |= left.keys() & aside
        sure = left.keys() - changed - aside - found.set_aside
        moved = _moved(way, sure, found, rows_then)
        sure -= moved
        changed |= moved
        if new := {who for who in sure if _is_refused(left[who])} - handed:  # the run sets them aside
            handed |= new
            _hand_over(way, new)
            sure -= new
            changed |= new
        found.differ.update({who: left[who] for who in sure})
        left = {who: left[who] for who in changed - aside}
        if left:
            time.sleep(PAUSE)
    found.moving |= left.keys()
    return found


def _moved(way: WayBack, who: Collection[Who], found: Compared, rows_then: Mapping[Who, str]) -> set[Who]:
    """Return the records that are equal now, or whose rows have changed since they were compared: if they were written
    again before the run looked at them, they still wait for it, with another number than the one that was waited for.
    """
    rows_now = dict[Who, str]()
    _compared(way, who, found, rows_now)
    return {one for one in who if one not in rows_now or rows_now[one] != rows_then[one]}


def _is_refused(why: str) -> bool:
    return why != "the rows make another record"


def _hand_over(way: WayBack, who: Iterable[Who]) -> None:
    with way.transact() as tx:
        for entity, key in sorted(who):
            dirty.put(tx, entity, [key])


__all__ = ["Compared", "Tick", "everything", "ignore", "some"]
