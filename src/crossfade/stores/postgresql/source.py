"""Reads tables by ranges of their keys, all in one snapshot.

Every connection reads in one transaction, REPEATABLE READ and READ ONLY. The first one exports its snapshot
(`snapshot`), and the others import it: all workers see the same state, whatever applications write meanwhile.

Lookups and fetches by key while a range is being read go through a second connection, in the same snapshot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Any

from crossfade.errors import CrossfadeError, Refused, Stale
from crossfade.model.batch import Batch, Chunk, Column
from crossfade.model.shape import Node, Path, Shape, format_path, unescape_step
from crossfade.records.rows.columns import Arrangement
from crossfade.records.rows.differences import differences
from crossfade.records.rows.keys import key_of_texts
from crossfade.records.rows.raw import RawRow, key_of, split, unseen, write
from crossfade.records.rows.vocabulary import is_json
from crossfade.stores.contract import Reader
from crossfade.stores.postgresql.reading.adbc import AdbcConnection
from crossfade.stores.postgresql.reading.key_ranges import KeySql, key_sql, of_columns
from crossfade.stores.postgresql.reading.relations import FOREIGN, VIEW, Relation, Relations, SourceColumn
from crossfade.stores.postgresql.reading.row_batches import RowBatches, portioned

ROWS_A_CHUNK = 200_000  # the most rows in a chunk
USUAL_SIZE = 100  # bytes of a row if the server does not say
KEYS_AT_ONCE = 10_000
BLOCK = 8192
BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresReader:
    """Reads one database. Every method that reads an entity raises Refused if it does not exist, Unreachable if the
    connection is lost.
    """

    def __init__(self, url: str, snapshot: str = "") -> None:
        self._adbc = AdbcConnection(url, _begin(snapshot))
        self._url, self._given = url, snapshot
        self._exported: tuple[int, str] = (0, "")
        self._beside: tuple[str, AdbcConnection] | None = None
        self.relations = Relations(self._adbc.text_rows)
        self._arranged = lru_cache(maxsize=8)(_arrangement)
        self._is_new = False

    def snapshot(self) -> str:
        """Return the name by which others can import the snapshot of this reader, as long as it is open."""
        if self._given:
            return self._given
        if self._exported[0] != self._adbc.opened or not self._adbc.opened:
            ((name,),) = self._adbc.text_rows("SELECT pg_catalog.pg_export_snapshot()")
            self._exported = self._adbc.opened, str(name)
        return self._exported[1]

    def end_snapshot(self) -> None:
        """End the snapshot. The next read begins another one, and sees the definitions of the tables at that time."""
        self._exported = 0, ""
        self._adbc.begin_again(_begin(""))
        if self._beside is not None:
            self._beside[1].begin_again(())
            self._beside = "", self._beside[1]
        self._is_new = True

    def close(self) -> None:
        self._adbc.close()
        if self._beside is not None:
            self._beside[1].close()
            self._beside = None

    def _aside(self, statement: str) -> list[Any]:
        """Run a SELECT while another one is being read. Return all of its rows."""
        if not self._adbc.is_reading:
            return list(self._adbc.batches(statement))
        if self._beside is None or (not self._given and self._beside[0] != self._exported[1]):
            name = self.snapshot()
            beside = AdbcConnection(self._url) if self._beside is None else self._beside[1]
            beside.begin_again(_begin(name))
            self._beside = name, beside
        return list(self._beside[1].batches(statement))

    # -- the contract

    def chunks(self, entity: str, *, target_bytes: int) -> Iterator[Chunk]:
        relation, key = self._keyed(entity)
        total = self.count(entity)
        average = max(1, relation.bytes // total) if total and relation.bytes else USUAL_SIZE
        size = max(1, min(ROWS_A_CHUNK, target_bytes // average))
        if key.is_place:
            yield from self._by_place(entity, relation, target_bytes)
            return
        bounds = list(self._bounds(relation, key, size, total))
        for number, lower in enumerate(bounds):
            upper = bounds[number + 1] if number + 1 < len(bounds) else None
            yield Chunk(entity, number, lower, upper, min(size, total - number * size))

    def raw(self, chunk: Chunk) -> Iterator[bytes]:
        relation, key = self._keyed(chunk.entity)
        rest = f"WHERE {key.within(chunk.lower, chunk.upper)} ORDER BY {key.order}"
        yield from _lines(self._adbc.batches(self._of_texts(relation, key, rest)), *self._named(relation, key))

    def batches(self, chunk: Chunk, shape: Shape, columns: Sequence[Column]) -> Iterator[Batch]:
        _, key = self._keyed(chunk.entity)
        self.snapshot()  # while the connection is free
        where = f"WHERE {key.within(chunk.lower, chunk.upper)} ORDER BY {key.order}"
        reading, statement = self._reading(chunk.entity, shape, tuple(columns), "", where)
        for batch in portioned(self._adbc.batches(statement)):
            yield reading.batch(batch, partial(self.records, chunk.entity))

    def count(self, entity: str) -> int:
        relation = self._relation(entity)
        # A place is in no index: count(*) may be read from one, which may be damaged.
        counted = "*" if relation.kind in (VIEW, FOREIGN) or relation.has_foreign else "t.ctid"
        ((number,),) = self._adbc.text_rows(f"SELECT count({counted})::text FROM {relation.rows} AS t")
        return int(number or 0)

    def scan(self, entity: str) -> Iterator[bytes]:
        relation, key = self._keyed(entity)
        yield from _lines(self._adbc.batches(self._of_texts(relation, key, "")), *self._named(relation, key))

    def keys(self, entity: str) -> Iterator[bytes]:
        relation, key = self._keyed(entity)
        statement = f"SELECT {', '.join(key.texts)} FROM {relation.rows} AS t"
        for batch in self._adbc.batches(statement):
            rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
            yield b"".join(write(RawRow(parts, {})) for parts in rows)

    def fetch(self, entity: str, path: Path, values: Sequence[str], shape: Shape | None = None) -> Iterator[bytes]:
        relation, key = self._keyed(entity)
        if shape is not None:
            self._require_surveyed(entity, shape, more=True)
        seen = set[bytes]()
        for joined, where in self._portions(entity, path, values):
            found = self._aside(self._of_texts(relation, key, where, joined))
            for piece in _lines(found, *self._named(relation, key)):  # 1.0 and 1.00 may be in two portions
                if fresh := unseen(piece, seen):
                    yield fresh

    def condition(self, chunk: Chunk) -> str:
        """Return the condition over `t` of a range."""
        return self._keyed(chunk.entity)[1].within(chunk.lower, chunk.upper)

    def text_rows(self, statement: str) -> list[tuple[str | None, ...]]:
        """Run a SELECT whose columns are all text, in the snapshot."""
        return self._adbc.text_rows(statement)

    def selected(self, statement: str) -> Iterator[Any]:
        """Run a SELECT in the snapshot, and yield its batches."""
        return self._adbc.batches(statement)

    # -- ranges and lists

    def _relation(self, entity: str) -> Relation:
        if self._is_new:
            self._is_new = False
            if self.relations.have_changed():
                self.relations = Relations(self._adbc.text_rows)
        return self.relations.relation(entity)

    def _keyed(self, entity: str) -> tuple[Relation, KeySql]:
        """Return the relation and its key. Raises Refused for relations without a key or places, such as views."""
        relation = self._relation(entity)
        key = self.relations.key(relation)
        if not key.columns and not self.relations.place(relation):
            raise Refused(
                f"{entity} has no key by which its rows could be read; nothing was read",
                hint="store it as a table with a primary key, or discard it with a reason",
            )
        return relation, key_sql(relation, key)

    def _bounds(self, relation: Relation, key: KeySql, size: int, total: int) -> Iterator[str | None]:
        """Yield the lower bounds of ranges of `size` rows, the first of them open; none if there are no rows."""
        if not total:
            return
        yield None
        if total <= size:
            return
        parts = ", ".join(f"{part} AS k{i}" for i, part in enumerate(key.parts))
        texts = ", ".join(f"s.k{i}::text" for i in range(len(key.parts)))
        numbered = f"SELECT {parts}, row_number() OVER (ORDER BY {key.order}) AS n FROM {relation.rows} AS t"
        statement = f"SELECT {texts} FROM ({numbered}) AS s WHERE s.n > 1 AND s.n % {size} = {1 % size} ORDER BY s.n"
        for row in self._adbc.text_rows(statement):
            yield key_of_texts(row)

    def _by_place(self, entity: str, relation: Relation, target_bytes: int) -> Iterator[Chunk]:
        """Yield ranges of blocks, each with the rows that it has."""
        blocks = max(1, target_bytes // BLOCK)
        group = f"((t.ctid::text::point)[0]::int8 / {blocks})"
        statement = f"SELECT {group}::text, count(*)::text FROM {relation.rows} AS t GROUP BY {group} ORDER BY {group}"
        for number, (place, count) in enumerate(self._adbc.text_rows(statement)):
            first = int(place or 0) * blocks
            lower, upper = (key_of_texts([f"({block},0)"]) for block in (first, first + blocks))
            yield Chunk(entity, number, lower, upper, int(count or 0))

    def _portions(self, entity: str, path: Path, values: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield the join and the condition for some values at a time: keys, or values of one column."""
        relation, key = self._keyed(entity)
        if path:
            key = of_columns([self._column(relation, path)])
        for start in range(0, len(values), KEYS_AT_ONCE):
            joined, condition = key.one_of(list(dict.fromkeys(values[start : start + KEYS_AT_ONCE])))
            yield joined, f"WHERE {condition}"

    def _column(self, relation: Relation, path: Path) -> SourceColumn:
        name = unescape_step(path[0])
        found = next((c for c in self.relations.columns(relation) if c.name == name), None)
        if found is None or len(path) > 1:
            raise CrossfadeError(f"{relation.table} has no column {format_path(path)}; nothing was read")
        return found

    # -- raw records

    def _of_texts(self, relation: Relation, key: KeySql, rest: str, joined: str = "") -> str:
        texts = [*key.texts, *(c.text for c in self.relations.columns(relation))]
        return f"SELECT {_numbered(texts)} FROM {_from(relation, joined)} {rest}"

    def _named(self, relation: Relation, key: KeySql) -> tuple[int, list[str]]:
        return len(key.parts), [c.name for c in self.relations.columns(relation)]

    def records(self, entity: str, keys: Sequence[str]) -> list[bytes]:
        """Return the raw records with these keys, in their order."""
        found = {key_of(raw): raw for piece in self.fetch(entity, (), keys) for raw in split(piece)}
        return [found[key] for key in keys]

    # -- batches

    def found(
        self,
        entity: str,
        path: Path,
        values: Sequence[str],
        shape: Shape,
        columns: Sequence[Column],
        also: Sequence[tuple[Path, Sequence[str]]] = (),
    ) -> Iterator[Batch]:
        """Like `fetch`, with the records as Arrow (contract.Finder)."""
        narrowed = "".join(self._narrowed(entity, *one) for one in also if len(one[1]) <= KEYS_AT_ONCE)
        for joined, where in self._portions(entity, path, values):
            reading, statement = self._reading(entity, shape, tuple(columns), joined, where + narrowed)
            for batch in portioned(iter(self._aside(statement))):
                yield reading.batch(batch, partial(self.records, entity))

    def _narrowed(self, entity: str, path: Path, values: Sequence[str]) -> str:
        relation, _ = self._keyed(entity)
        return f" AND {of_columns([self._column(relation, path)]).one_of(values)[1]}"

    def _reading(
        self, entity: str, shape: Shape, columns: tuple[Column, ...], joined: str, rest: str
    ) -> tuple[RowBatches, str]:
        relation, key = self._keyed(entity)
        self._require_surveyed(entity, shape)
        texts = {c.name: c.text for c in self.relations.columns(relation)}
        reading = RowBatches(self._arranged(_Same(shape), columns), key, texts)
        return reading, f"SELECT {_numbered(reading.selected)} FROM {_from(relation, joined)} {rest}"

    def altered(self, entity: str, shape: Shape, *, more: bool = False) -> list[str]:
        """Return how the table differs from what the survey saw; with `more` it may have other columns in addition."""
        relation = self._relation(entity)
        now = {c.name: c for c in self.relations.columns(relation)}
        key = self.relations.key(relation).columns or self.relations.place(relation)
        return differences(
            shape,
            {name: column.spelled for name, column in now.items()},
            [c.name for c in key],
            more=more,
            same=lambda name, node: _is_of(now[name], node),
        )

    def _require_surveyed(self, entity: str, shape: Shape, *, more: bool = False) -> None:
        """Raise Stale if the table has other columns or another key than the survey saw: values would be lost, or
        changed. With `more` it may have others in addition, as a raw record tells.
        """
        if found := self.altered(entity, shape, more=more):
            raise Stale(
                f"{entity} has changed since the survey ({'; '.join(found)}); nothing was read from it",
                hint="crossfade survey, then crossfade check",
            )


def _begin(snapshot: str) -> list[str]:
    return [BEGIN, f"SET TRANSACTION SNAPSHOT '{snapshot}'"] if snapshot else [BEGIN]


def _lines(batches: Iterable[Any], parts: int, names: Sequence[str]) -> Iterator[bytes]:
    """Yield raw records of rows whose first columns are the parts of the key."""
    for batch in batches:
        rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        yield b"".join(write(RawRow(row[:parts], dict(zip(names, row[parts:], strict=False)))) for row in rows)


class _Same:
    """A shape as the key of a cache: by its identity."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def __hash__(self) -> int:
        return id(self.shape)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.shape is self.shape


def _arrangement(shape: _Same, columns: tuple[Column, ...]) -> Arrangement:
    return Arrangement(shape.shape, columns)


def _numbered(expressions: Sequence[str]) -> str:
    """Return a SELECT list with names that cannot clash."""
    return ", ".join(f"{sql} AS c{i}" for i, sql in enumerate(expressions)) or "NULL::text AS c0"


def _from(relation: Relation, joined: str) -> str:
    return f"{joined} JOIN {relation.rows} AS t ON true" if joined else f"{relation.rows} AS t"


def _is_of(column: SourceColumn, node: Node) -> bool:
    if is_json(column.type):
        return column.type == node.declared
    element = node.element.types if node.element is not None else ()
    return column.type in node.types and (column.element is None or column.element in element)


_: type[Reader] = PostgresReader
