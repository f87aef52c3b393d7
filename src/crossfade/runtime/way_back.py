"""Find the records that changed rows of the target belong to.

A feed of the target names the value of the owner column, before and after the change; in a table without one it names
the row's primary key, and the ledger has the record. Usually the record's key can be computed from an owner value, or
the source has a record with it. For a new value, the record is rebuilt by the inverse, from the rows with this value.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pyarrow as pa

from crossfade.journal import journal
from crossfade.journal.ledger import row_keys, row_texts
from crossfade.journal.returned import SetAside, Who, rows_as_text
from crossfade.model.canonical import arrow_rows, python_rows
from crossfade.model.owners import Owners
from crossfade.model.positions import NO_FLOOR, Floor
from crossfade.model.target import TargetTable
from crossfade.records.rows.keys import key_of_texts, texts_of_key
from crossfade.runtime.putting import Back, putter
from crossfade.runtime.records import NO_KEY, OwnerValues, pieces, read
from crossfade.runtime.session import Session
from crossfade.runtime.target_rows import columns_of, rows_of
from crossfade.stores.contract import Transaction, need
from crossfade.transform.numbered import Numbered
from crossfade.transform.put import NO_WAY_BACK, Put, Putter

KINDS: Mapping[str, Callable[[str], Any]] = {
    "uuid": lambda text: UUID(text).bytes,
    "text": str,
    "string": str,
    "int2": int,
    "int4": int,
    "int8": int,
}
"""The kinds of columns whose values can be restored from the texts that a feed names."""


@dataclass(frozen=True)
class Way:
    """`tables`: the name of each table in the feed -> its name in the mappings. `named_by`: see Changes.feed. `slot`
    distinguishes the move from others that write into the source.
    """

    slot: str
    tables: Mapping[str, str]
    named_by: Mapping[str, Sequence[str]]
    back: Back = field(repr=False)


@dataclass
class Found:
    """The records of some rows, by entity, and the rows of no known record, by entity and a text instead of a key.
    `found`: the same of rows whose record is known; they may have been of no record before.
    """

    keys: dict[str, set[str]] = field(default_factory=dict)
    of_no_record: dict[Who, SetAside | None] = field(default_factory=dict)
    found: set[Who] = field(default_factory=set)


def as_now(s: Session) -> AbstractContextManager[None]:
    """Let reads of the source in this block see its present state: only the run that writes back changes it."""
    return nullcontext() if s.source.snapshot is None else s.reading(NO_FLOOR)


class WayBack:
    """The way back, for one session."""

    def __init__(self, s: Session, way: Way, transact: Transaction | None = None) -> None:
        """`transact` begins a transaction for the journal, if this session is not the run's."""
        self.s, self.way, self.transact = s, way, transact or s.transaction
        self._putters: dict[str, Putter] = {}
        self._values: dict[str, OwnerValues] = {}

    def putter(self, entity: str) -> Putter:
        if entity not in self._putters:
            self._putters[entity] = putter(self.s, self.way.back, entity)
        return self._putters[entity]

    def seen(self, floor: Floor) -> None:
        """Wait until every read of the target sees the changes that were named with this floor."""
        with need(self.s.target.changes, self.s.target, "follow changes").reading(floor):
            return

    def records(self, name: str, keys: Sequence[str]) -> Found:
        """Return the records that rows of a table belong or belonged to. `keys` are as the feed named them."""
        table, found = self.s.work.tables[self.way.tables[name]], Found()
        texts = [texts_of_key(key) for key in keys]
        for entity, owners in self.s.owners.items():
            if table.name in owners.columns:
                self._by_column(entity, owners, table, [text for (text,) in texts], found)
            elif table.name in owners.ledger and not found.keys and not found.of_no_record:
                self._by_ledger(name, table, texts, found)
        return found

    def named(self, name: str) -> Iterator[list[str]]:
        """Yield the keys that the feed would name for all rows that a table has now, some at a time."""
        table = self.s.work.tables[self.way.tables[name]]
        columns = list(self.way.named_by[name])
        for batch in self.s.row_reader.scan(table, columns):
            rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
            keys = {key_of_texts([as_text(value) for value in row]) for row in rows if None not in row}
            yield from pieces(sorted(keys))

    def values(self, entity: str) -> OwnerValues:
        if entity not in self._values:
            self._values[entity] = OwnerValues(self.s, self.s.owners[entity])
        return self._values[entity]

    # -- put rows into records

    def put(self, entity: str, keys: Sequence[str]) -> tuple[Sequence[bytes | None], Mapping[str, Numbered], Put]:
        """Return the source's records with these keys, their rows, and the result of putting these into them."""
        found = read(self.s, entity, keys)
        old = [next(iter(found[key]), None) for key in keys]
        return old, *self.put_into(entity, keys, old)

    def put_into(
        self, entity: str, keys: Sequence[str], old: Sequence[bytes | None]
    ) -> tuple[Mapping[str, Numbered], Put]:
        """Like `put`, with records that were read. Records in quarantine stay as they are: they have no rows because
        they were never copied.
        """
        rows = rows_of(self.s, entity, keys)
        put = self.putter(entity).put(old, rows)
        there = {number for one in rows.values() for number in one.numbers}
        gone = [place for place in put.changed if place not in there]
        if gone:
            with self.transact() as tx:
                outside = journal.entries_of_keys(tx, entity, [keys[place] for place in gone])
            for place in (place for place in gone if keys[place] in outside):
                put.changed.discard(place)
                put.records[place] = old[place]
        return rows, put

    # -- by an owner column

    def _by_column(self, entity: str, owners: Owners, table: TargetTable, texts: Sequence[str], found: Found) -> None:
        column = table.column(owners.columns[table.name])
        assert column is not None, "an owner column is one of the table"
        by_value = {KINDS[column.type.kind](text): text for text in texts}
        known = self.values(entity).keys(pa.array(list(by_value), self.values(entity).kind), gone=True)
        found.keys.setdefault(entity, set()).update(known.values())
        self._add_owned(found, owners, [by_value[value] for value in known])
        unknown = {value: text for value, text in by_value.items() if value not in known}
        if unknown:
            self._rebuilt(entity, owners, table, unknown, found)

    def _rebuilt(
        self, entity: str, owners: Owners, table: TargetTable, unknown: Mapping[Any, str], found: Found
    ) -> None:
        """Find the keys by the inverse, for values that no record of the source has."""
        values = list(unknown)
        rows = {one.table.name: one for one in self._with(owners, values)}
        there = {number for one in rows.values() for number in one.numbers}
        made, refused = self.putter(entity).rebuild(rows)
        why = {one.row: one.detail for one in refused}
        keys = {number: key for number, raw in made.items() if (key := self.s.codec.key(raw)) is not None}
        confirmed = self._confirmed(entity, {values[number]: key for number, key in keys.items()})
        found.keys.setdefault(entity, set()).update(confirmed.values())
        self._add_owned(found, owners, [unknown[value] for value in confirmed])
        for number, value in enumerate(values):
            if value not in confirmed:
                said = why.get(number, "the rows do not tell the record's key")
                self._add_unowned(found, entity, table, unknown[value], said if number in there else None)

    def _confirmed(self, entity: str, keys: Mapping[Any, str]) -> dict[Any, str]:
        """Return the keys whose value is the one that they were found by."""
        if not keys:
            return {}
        named, own = self.values(entity).of(list(dict.fromkeys(keys.values())))
        by_key = dict(zip(named, own.to_pylist(), strict=True))
        return {value: key for value, key in keys.items() if by_key.get(key) == value}

    def _with(self, owners: Owners, values: Sequence[Any]) -> Iterator[Numbered]:
        places = {value: number for number, value in enumerate(values)}
        by = pa.array(list(values), self.values(owners.entity).kind)
        for name, column in owners.columns.items():
            table = self.s.work.tables[name]
            rows = self.s.row_reader.owned(table, columns_of(table), pa.table({column: by}))
            numbers = [places.get(value) for value in rows.column(column).to_pylist()]
            own = [place for place, number in enumerate(numbers) if number is not None]
            yield Numbered(table, rows.take(pa.array(own, pa.int64())), [n for n in numbers if n is not None])

    # -- by the ledger

    def _by_ledger(self, name: str, table: TargetTable, texts: Sequence[Sequence[str]], found: Found) -> None:
        kinds = [column.type.kind for key in table.primary_key if (column := table.column(key)) is not None]
        rows = [tuple(KINDS[kind](text) for kind, text in zip(kinds, row, strict=True)) for row in texts]
        keys = arrow_rows(table, table.primary_key, rows)
        with self.s.writer.transaction() as tx:
            known = self.s.ledger.records(tx, table, keys)
        there = set(row_texts(table, self.s.row_reader.rows(table, list(table.primary_key), keys)))
        of = next(e for e, owners in self.s.owners.items() if table.name in owners.ledger)
        for text in row_texts(table, keys):
            if text in known:
                entity, key = known[text]
                found.keys.setdefault(entity, set()).add(key)
                found.found.add((of, row_name(table.name, text)))
            else:
                said = "the row belongs to no record: its table has no column that names one" if text in there else None
                self._add_unowned(found, of, table, text, said)

    def _add_owned(self, found: Found, owners: Owners, texts: Collection[str]) -> None:
        """Add the rows with these values in any table of an entity: their record is known."""
        found.found |= {(owners.entity, row_name(table, text)) for table in owners.columns for text in texts}

    def _add_unowned(self, found: Found, entity: str, table: TargetTable, text: str, said: str | None) -> None:
        """Add a row of no record; without `said` it no longer exists."""
        who = entity, row_name(table.name, text)
        found.of_no_record[who] = None if said is None else SetAside(*who, NO_WAY_BACK, said, table.name)

    def feed_key(self, entity: str, row: str) -> tuple[str, list[str]]:
        """Return how the feed would name a row of no record: the table and the key."""
        owners = self.s.owners[entity]
        names = (n for n, of in self.way.tables.items() if of in owners.tables and row.startswith(row_name(of, "")))
        name = next(names)
        table = self.s.work.tables[self.way.tables[name]]
        text = row.removeprefix(row_name(table.name, ""))
        if table.name in owners.columns:
            return name, [key_of_texts([text])]
        return name, [key_of_texts([as_text(value) for value in python_rows(row_keys(table, [text]))[0]])]

    def may_be_found(self, entity: str, row: str) -> bool:
        """Return whether the record of a row of no record may be known later: a record with its owner value."""
        return any(row.startswith(row_name(table, "")) for table in self.s.owners[entity].columns)


def row_name(table: str, text: str) -> str:
    """Return what stands for the key of a record where only a row is known. `text`: its owner value as the feed names
    it, or its primary key as the ledger does.
    """
    return f"{NO_KEY}{table} {text}"


def as_text(value: Any) -> str:
    """Return a value of one of KINDS as the feed names it."""
    return str(UUID(bytes=value)) if isinstance(value, bytes) else str(value)


def rows_as_json(rows: Mapping[str, Numbered], number: int) -> str:
    """Return the rows of a record as JSON, for a person."""
    of = {name: one.only({number}).rows.to_pylist() for name, one in rows.items()}
    return rows_as_text({name: found for name, found in of.items() if found})


__all__ = ["KINDS", "Found", "Way", "WayBack", "as_now", "as_text", "row_name", "rows_as_json"]
