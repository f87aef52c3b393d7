"""Find what records refused by a constraint clash with: the value, and the record or row that has it.

This runs after the copy and after a retry, in batches, for entries that are not explained yet: the check of the
constraints and refused loads recorded only the constraint, and for a primary key the row. If no row is noted, the
records are mapped once more. The target compares with its own equality. An entry is explained once, and again only if
it is refused again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

import pyarrow as pa

from crossfade.journal import unexplained
from crossfade.journal.causes import MISSING, PRESENT, QUARANTINED
from crossfade.journal.journal import Entry
from crossfade.journal.ledger import row_keys, row_texts
from crossfade.journal.unexplained import Explained, Kind
from crossfade.model.canonical import arrow_rows, python_rows
from crossfade.model.program import WHOLE, Branch, Feed
from crossfade.model.quoting import identifier
from crossfade.model.shape import ELEMENT, Path
from crossfade.model.target import ForeignKey, TargetTable, Unique
from crossfade.pipeline.keepers import keepers_of
from crossfade.pipeline.narrow import narrow_transformer
from crossfade.pipeline.ownership import Who
from crossfade.pipeline.parents import Parents
from crossfade.runtime.records import NO_KEY
from crossfade.runtime.session import Session, Work, session
from crossfade.stores.contract import Check, Conflict, Conflicts
from crossfade.transform.transform import TableRows

BY_OTHERS = ("foreign_key", "unique")
SHOWN, STORED = 80, 1000  # characters of a value in a detail, and in a cause


@dataclass(frozen=True)
class ClashingRow:
    """A row of a record that clashes. `row` is its index in `part`; `again`: another row of the record clashes too."""

    clash: Conflict
    part: TableRows
    row: int
    again: bool


@dataclass(frozen=True)
class AskedEntry:
    """An entry with its first row that clashes, or None if no row does or if there are no rows."""

    entry: Entry
    refused: ClashingRow | None
    makes_rows: bool
    """Whether the record makes rows of this table: not if it is unreadable, refused by the mapping, or discarded."""

    @property
    def is_let_go(self) -> bool:
        """Whether no row has the unique value that the record wanted, and it wants it once."""
        return self.refused is not None and self.refused.clash.holder is None and not self.refused.again


class Judge(Protocol):
    """Queries the target about the rows of a constraint, and formulates the result."""

    def ask(self, rows: pa.Table) -> list[Conflict | None]: ...

    def explain(self, found: Sequence[AskedEntry]) -> Iterator[Explained]: ...


@dataclass
class Explanations:
    """`count`: how many entries were explained. `free`: records of them in whose way nothing is found now."""

    count: int = 0
    free: set[Who] = field(default_factory=set)


def explain(work: Work) -> Explanations:
    """Explain the entries that are not explained yet."""
    s, out = session(work), Explanations()
    clashes = s.target.conflicts
    if clashes is None:
        return out
    with s.transaction() as tx:
        kinds = unexplained.kinds(tx)
    parents = Parents(s)
    for kind in kinds:
        if kind.entity not in work.program.feeds or kind.table not in work.tables:
            continue
        judge = _judge(s, clashes, kind, parents)
        for found in _found(s, clashes, kind, judge):
            explained = list(judge.explain(found))
            with s.transaction() as tx:
                unexplained.explain(tx, explained)
            out.count += len(explained)
            out.free |= {(a.entry.entity, a.entry.key) for a in found if _is_free(a) and a.entry.key is not None}
    return out


def _is_free(asked: AskedEntry) -> bool:
    """Whether the record was refused for a row or a value of another record that is no longer in its way."""
    if asked.entry.reason not in BY_OTHERS or not asked.makes_rows:
        return False
    return asked.refused is None or (asked.entry.reason == "unique" and asked.is_let_go)


def _found(s: Session, clashes: Conflicts, kind: Kind, judge: Judge) -> Iterator[list[AskedEntry]]:
    """Yield the entries of a kind with what they clash with, piece by piece."""
    for entries in unexplained.with_rows(s.transaction, kind):
        yield _by_row(clashes, s.work.tables[kind.table], entries)
    for piece in unexplained.documents(s.transaction, kind):
        yield _asked(s, kind, judge, piece)


def _judge(s: Session, clashes: Conflicts, kind: Kind, parents: Parents) -> Judge:
    table = s.work.tables[kind.table]
    if kind.reason == "foreign_key":
        keys = [k for k in table.foreign_keys if k.name == kind.constraint] or list(table.foreign_keys)
        return _ForeignKeys(s, clashes, table, keys, parents)
    if kind.reason == "unique":
        return _Uniques(s, clashes, table, _uniques(table, kind.constraint))
    check = clashes.check(table, kind.constraint) if kind.constraint else None
    return _Checks(clashes, table, check, kind.constraint)


def _uniques(table: TargetTable, constraint: str) -> list[Unique]:
    """Return the unique constraint of this name, or the primary key and all of them if the target named none."""
    return [u for u in table.uniques if u.name == constraint] or [_key_of(table), *table.uniques]


def _key_of(table: TargetTable) -> Unique:
    return Unique("primary key", tuple(map(identifier, table.primary_key)))


def _by_row(clashes: Conflicts, table: TargetTable, entries: Sequence[Entry]) -> list[AskedEntry]:
    """Ask the target about entries that name the row whose primary key their record wanted."""
    rows = row_keys(table, [str(entry.row_key) for entry in entries])
    part = TableRows(table, rows, pa.array(range(len(entries)), pa.int64()))
    found = clashes.holders(table, _key_of(table), rows)
    return [
        AskedEntry(entry, None if clash is None else ClashingRow(clash, part, place, again=False), makes_rows=True)
        for place, (entry, clash) in enumerate(zip(entries, found, strict=True))
    ]


def _asked(s: Session, kind: Kind, judge: Judge, piece: Sequence[tuple[Entry, bytes]]) -> list[AskedEntry]:
    batch = s.batch_of(kind.entity, b"".join(raw for _, raw in piece))
    mapped = s.transformer(kind.entity).map(batch)
    first: dict[int, ClashingRow] = {}
    makers: set[int] = set()
    for part in mapped.tables:
        if part.table.name == kind.table:
            makers.update(part.roots.to_pylist())
            for root, refused in _first_of_each(part, judge.ask(part.rows)):
                first.setdefault(root, refused)
    aside = {a.row for a in batch.rejected}
    rows = iter(range(len(batch.raws)))
    places = [None if i in aside else next(rows) for i in range(len(piece))]
    return [
        AskedEntry(entry, None if row is None else first.get(row), row in makers)
        for (entry, _), row in zip(piece, places, strict=True)
    ]


def _first_of_each(part: TableRows, clashes: Sequence[Conflict | None]) -> Iterator[tuple[int, ClashingRow]]:
    """Yield root and row. Rows that clash with a row of the target precede rows that clash with each other."""
    roots = part.roots.to_pylist()
    values = Counter((root, _frozen(c)) for root, c in zip(roots, clashes, strict=True) if c is not None)
    found: dict[int, ClashingRow] = {}
    for row, (root, clash) in enumerate(zip(roots, clashes, strict=True)):
        if clash is None:
            continue
        one = ClashingRow(clash, part, row, values[root, _frozen(clash)] > 1)
        if root not in found or (found[root].clash.holder is None and (clash.holder or one.again)):
            found[root] = one
    yield from found.items()


def _frozen(clash: Conflict) -> tuple[tuple[str, str | None], ...]:
    return tuple(clash.values.items())


class _ForeignKeys:
    def __init__(
        self, s: Session, clashes: Conflicts, table: TargetTable, keys: Sequence[ForeignKey], parents: Parents
    ) -> None:
        self._readable = s.codec.readable
        self._clashes, self._table, self._keys, self._parents = clashes, table, keys, parents
        self._by_columns = {key.columns: key for key in reversed(keys)}
        self._values: dict[tuple[int, str], list[tuple[Any, ...]]] = {}

    def ask(self, rows: pa.Table) -> list[Conflict | None]:
        found: list[Conflict | None] = [None] * len(rows)
        for key in self._keys:
            if set(key.columns) <= set(rows.column_names):
                found = [f or o for f, o in zip(found, self._clashes.orphaned(self._table, key, rows), strict=True)]
        return found

    def explain(self, found: Sequence[AskedEntry]) -> Iterator[Explained]:
        self._values.clear()
        for asked in found:
            yield self._explained(asked.entry, asked.refused, asked.makes_rows)

    def _wanted(self, refused: ClashingRow, key: ForeignKey) -> tuple[Any, ...]:
        """Return the values that a row refers to."""
        place = id(refused.part), key.name
        if place not in self._values:
            self._values[place] = python_rows(refused.part.rows.select(list(key.columns)))
        return self._values[place][refused.row]

    def _explained(self, entry: Entry, refused: ClashingRow | None, makes_rows: bool) -> Explained:
        if refused is None:  # all parents of its rows exist; for a record without rows nothing is known
            return Explained(entry.id, entry.detail, {}, PRESENT if makes_rows else None)
        key = self._by_columns[tuple(refused.clash.values)]
        parent = self._parents.of(key, self._wanted(refused, key))
        cause = {
            "values": _shortened(refused.clash.values),
            "parent_table": key.parent,
            "parent_columns": list(key.parent_columns),
            "parent_record": None if parent is None else {"entity": parent.entity, "key": parent.key},
        }
        said = f"{_shown(refused.clash.values)} references a row of {key.parent} that "
        if parent is None:
            detail = f"{said}no record makes ({key.name})"
            return Explained(entry.id, detail, cause, MISSING, column=", ".join(key.columns))
        where = "is in quarantine" if parent.is_open else "was discarded"
        detail = (
            f"{said}{where}: {parent.entity} {self._readable(parent.key) if parent.key else parent.id} ({key.name})"
        )
        return Explained(entry.id, detail, cause, QUARANTINED, parent.id, ", ".join(key.columns))


class _Uniques:
    def __init__(self, s: Session, clashes: Conflicts, table: TargetTable, uniques: Sequence[Unique]) -> None:
        self._s, self._clashes, self._table, self._uniques = s, clashes, table, uniques
        self._may_search = True  # the source may have to read a whole entity: search only once for a constraint

    def ask(self, rows: pa.Table) -> list[Conflict | None]:
        """Return the clashes. Of several constraints, the first that a row clashes with counts."""
        answers = [self._clashes.holders(self._table, unique, rows) for unique in self._uniques]
        return [
            next((c for c in given if c and c.holder), next(filter(None, given), None))
            for given in zip(*answers, strict=True)
        ]

    def explain(self, found: Sequence[AskedEntry]) -> Iterator[Explained]:
        keys = {a.refused.clash.key for a in found if a.refused is not None and a.refused.clash.key is not None}
        records = _records_behind(self._s, self._table, keys, search=self._may_search)
        self._may_search = self._may_search and not keys
        for asked in found:
            yield self._explained(asked.entry, asked.refused, records)

    def _explained(
        self, entry: Entry, refused: ClashingRow | None, records: Mapping[tuple[Any, ...], tuple[str, str]]
    ) -> Explained:
        if refused is None:
            return Explained(entry.id, entry.detail, {})
        clash, name = refused.clash, f" ({entry.constraint})" if entry.constraint else ""
        cause: dict[str, Any] = {"values": _shortened(clash.values), "kept_by": None}
        said = _shown(clash.values)
        if clash.holder is None:
            why = "is in two rows of this record" if refused.again else "was taken by a row that is gone: retry"
            return Explained(entry.id, f"{said} {why}{name}", cause)
        entity, key = records.get(clash.key or (), (None, None))
        cause["kept_by"] = {"table": self._table.name, "row": _shortened(clash.holder), "entity": entity, "key": key}
        of = f", which {entity} {self._s.codec.readable(key)} made" if entity else ""
        detail = f"{said} is taken by {self._table.name} with {_shown(clash.holder)}{of}{name}"
        return Explained(entry.id, detail, cause)


class _Checks:
    def __init__(self, clashes: Conflicts, table: TargetTable, check: Check | None, constraint: str) -> None:
        self._clashes, self._table, self._check, self._constraint = clashes, table, check, constraint

    def ask(self, rows: pa.Table) -> list[Conflict | None]:
        return [None] * len(rows) if self._check is None else self._clashes.breaking(self._table, self._check, rows)

    def explain(self, found: Sequence[AskedEntry]) -> Iterator[Explained]:
        for asked in found:
            entry = asked.entry
            if self._check is None:
                yield Explained(entry.id, entry.detail, {})
                continue
            values = {} if asked.refused is None else asked.refused.clash.values
            cause = {"check": self._check.text, "values": _shortened(values)}
            said = f"{_shown(values)} breaks" if values else "a value breaks"
            name = "" if self._constraint in self._check.text else f" ({self._constraint})"  # SQLite's has its text
            yield Explained(entry.id, f"{said} {self._check.text}{name}", cause)


_Made = dict[tuple[Any, ...], tuple[str, str]]
"""Entity and key of the record that made a row, by the row's primary key."""


def _records_behind(s: Session, table: TargetTable, keys: set[tuple[Any, ...]], *, search: bool) -> _Made:
    """Return the records that made the rows with these primary keys, by their owner columns or the ledger. If neither
    knows them, return those whose key is part of the row's key or, with `search`, another of whose fields is; of
    several records, the first by its key.
    """
    listed = list(keys)
    texts = dict(zip(row_texts(table, arrow_rows(table, table.primary_key, listed)), listed, strict=True))
    keepers = keepers_of(s, table, list(texts), search=False)
    found: _Made = {texts[text]: record for text, record in keepers.items() if not record[1].startswith(NO_KEY)}
    own = s.codec.key_path
    for feed in s.work.program.feeds.values():
        branches = [b for b in feed.branches if b.table == table.name]
        places: dict[Path, list[int]] = {own: list(range(len(table.primary_key)))} if branches else {}
        if search:
            places |= {path: [i] for b in branches for path, i in _fields(b, table) if path != own}
        for path, columns in places.items():
            wanted = {text for key in keys - found.keys() for i in columns for text in s.codec.keys_in(key[i])}
            if wanted:
                found |= _made_by(s, feed, table, path, sorted(wanted), keys)
    return found


def _fields(branch: Branch, table: TargetTable) -> Iterator[tuple[Path, int]]:
    """Yield the fields that are columns of the primary key unchanged, with the column's position."""
    for use in branch.uses:
        own = use.depth == "value" and use.keeps == WHOLE and not use.looked_up and ELEMENT not in use.path
        if own and use.output in table.primary_key:
            yield use.path, table.primary_key.index(use.output)


def _made_by(
    s: Session, feed: Feed, table: TargetTable, path: Path, values: Sequence[str], keys: set[tuple[Any, ...]]
) -> _Made:
    found: _Made = {}
    outside = {record.key for piece in unexplained.records_outside(s.transaction, feed.entity, with_documents=False)
            for record in piece} if path != s.codec.key_path else set()  # fmt: skip
    for key, record in _rows_of(s, feed, table, path, values):
        if key in keys and record[1] not in outside:
            found[key] = min(record, found.get(key, record))
    return found


def _rows_of(
    s: Session, feed: Feed, table: TargetTable, path: Path, values: Sequence[str]
) -> Iterator[tuple[tuple[Any, ...], tuple[str, str]]]:
    """Yield the primary keys of the rows that the documents with these values make."""
    narrow = narrow_transformer(s, feed, table.name, table.primary_key)
    for reply in s.reader.fetch(feed.entity, path, values, s.work.shapes[feed.entity]):
        batch = s.batch_of(feed.entity, reply)
        for part in narrow.map(batch).tables:
            for root, row in zip(part.roots.to_pylist(), python_rows(part.rows), strict=True):
                key = batch.keys[root]
                if key is not None:
                    yield row, (feed.entity, key)


def _shown(values: Mapping[str, str | None]) -> str:
    return ", ".join(f"{_bare(name)} = {_cut(value, SHOWN)}" for name, value in values.items())


def _shortened(values: Mapping[str, str | None]) -> dict[str, str | None]:
    return {_bare(name): None if value is None else _cut(value, STORED) for name, value in values.items()}


@cache
def _bare(expression: str) -> str:
    """Return the name of a column without quotes; any other expression unchanged."""
    inside = expression[1:-1]
    return inside if expression == identifier(inside) and '"' not in inside else expression


def _cut(value: str | None, length: int) -> str:
    if value is None:
        return "NULL"
    return value if len(value) <= length else f"{value[: length - 1]}… ({len(value)} characters)"
