"""Counts the rows of a table in the server, exactly, in the snapshot of the reader, some columns in each query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from crossfade.model.batch import Chunk
from crossfade.model.map_rules import MapRules
from crossfade.model.quoting import identifier
from crossfade.model.type_stats import DISTINCT, SHORT
from crossfade.records.rows.count import SHOWN, ColumnCount, RowCounter, few
from crossfade.records.rows.json_count import JsonCount
from crossfade.records.rows.vocabulary import KIND_OF_COLUMN, is_json
from crossfade.schema.column_types import postgresql_type
from crossfade.stores.contract import Surveyor
from crossfade.stores.postgresql.reading.canonical import is_plain
from crossfade.stores.postgresql.reading.references import references
from crossfade.stores.postgresql.reading.relations import SourceColumn
from crossfade.stores.postgresql.source import PostgresReader

_AT_ONCE = 100  # columns in one query: a SELECT list has room for 1664 expressions
_TRIED = 20_000  # rows that tell whether a column has few values
_ORDERED = frozenset({"int", "long", "float", "double", "decimal", "date", "timestamp", "day", "time"})
_TEXTS = frozenset({"text", "char"})


@dataclass(frozen=True)
class PostgresSurveyor:
    reader: PostgresReader

    def counted(self, piece: str | Chunk, rules: MapRules) -> RowCounter:
        entity = piece.entity if isinstance(piece, Chunk) else piece
        relations = self.reader.relations
        relation = relations.relation(entity)
        columns = relations.columns(relation)
        key = relations.key(relation).columns or relations.place(relation)
        rows = f"{relation.rows} AS t WHERE {self.reader.condition(piece) if isinstance(piece, Chunk) else 'true'}"
        counter = RowCounter(key=tuple(column.name for column in key))
        if not isinstance(piece, Chunk) or piece.number == 0:
            counter.references = references(relations, relation, self.reader.text_rows)
        counted: list[ColumnCount] = []
        for some in _portions(columns):
            counter.count, found = self._ask(rows, some)
            counted += found
        if jsons := [column for column in columns if is_json(column.type)]:
            inside = self._inside(rows, jsons)
            counted = [replace(c, json=inside[c.name]) if c.name in inside else c for c in counted]
        counter.columns = [replace(c, values=self._values(rows, c)) for c in counted]
        return counter

    def _values(self, rows: str, column: ColumnCount) -> frozenset[str] | None:
        """Return the values of a column that has few: it is read to the end only if its first rows have few."""
        sql = f"t.{identifier(column.name)}"
        if column.element is not None or is_json(column.type) or (column.max_length or 0) > SHORT:
            return None
        # IS NOT NULL would leave out rows of a composite type that hold a NULL, and a collation takes texts for one
        text = f'left({sql}::text, {SHORT + 1}) COLLATE "C"'
        selected = f"SELECT {text} AS v FROM {rows} AND {sql} IS DISTINCT FROM NULL"
        found = self._distinct(f"{selected} LIMIT {_TRIED}")
        return found if found is None or column.count <= _TRIED else self._distinct(selected)

    def _distinct(self, values: str) -> frozenset[str] | None:
        statement = f"SELECT DISTINCT v FROM ({values}) AS s LIMIT {DISTINCT + 1}"
        return few(frozenset(text or "" for (text,) in self.reader.text_rows(statement)))

    def _inside(self, rows: str, columns: Sequence[SourceColumn]) -> dict[str, JsonCount]:
        """Read the JSON of these columns, and return its shape."""
        found = {column.name: JsonCount() for column in columns}
        selected = ", ".join(f"{column.sql}::text AS c{i}" for i, column in enumerate(columns))
        for batch in self.reader.selected(f"SELECT {selected} FROM {rows}"):
            for column, texts in zip(columns, batch.columns, strict=True):
                count, unique = found[column.name], column.type == "jsonb"
                for text in texts.drop_null().to_pylist():
                    count.add(text, unique=unique)
        return found

    def _ask(self, rows: str, columns: Sequence[SourceColumn]) -> tuple[int, list[ColumnCount]]:
        asked = [_Asked(column) for column in columns]
        selected = ["count(*)", *(sql for one in asked for sql in one.selected)]
        named = ", ".join(f"({sql})::text AS c{i}" for i, sql in enumerate(selected))
        ((total, *values),) = self.reader.text_rows(f"SELECT {named} FROM {rows}")
        answers = iter(values)
        return int(total or 0), [one.read(int(total or 0), answers) for one in asked]


def _portions(columns: Sequence[SourceColumn]) -> Iterator[Sequence[SourceColumn]]:
    for start in range(0, max(1, len(columns)), _AT_ONCE):
        yield columns[start : start + _AT_ONCE]


class _Asked:
    """The expressions that are queried for one column, and how the result is read."""

    def __init__(self, column: SourceColumn) -> None:
        self._column = column
        self.selected = [f"count({column.sql})"]
        if column.element is not None:
            self.selected += _of_array(column.sql, column.element)
        else:
            self.selected += [*_extremes(column.sql, column.type), *_lengths(column.sql, column.type)]

    def read(self, total: int, answers: Iterator[str | None]) -> ColumnCount:
        c, count = self._column, _number(next(answers))
        found = ColumnCount(c.name, c.type, c.spelled, c.nullable, count, total - count)
        if c.element is None:
            return replace(
                found,
                least=next(answers),
                greatest=next(answers),
                min_length=_length(next(answers)),
                max_length=_length(next(answers)),
            )
        shortest, longest = _length(next(answers)), _length(next(answers))
        matrices, elements, nulls = (_number(next(answers)) for _ in range(3))
        least, greatest = next(answers), next(answers)
        element = ColumnCount("[]", c.element, "", True, elements - nulls, nulls, least, greatest)
        return replace(found, min_length=shortest, max_length=longest, matrices=matrices, element=element)


def _kind(type_: str) -> str:
    return KIND_OF_COLUMN.get(postgresql_type(type_).kind, "")


def _extremes(sql: str, type_: str) -> list[str]:
    """Return the least and the greatest value: of text, the beginning, in byte order."""
    if _kind(type_) in _ORDERED:
        return [f"min({sql})", f"max({sql})"]
    if postgresql_type(type_).kind in _TEXTS:
        return [f'{way}(left({sql}::text, {SHOWN + 1}) COLLATE "C")' for way in ("min", "max")]
    return ["NULL", "NULL"]


def _lengths(sql: str, type_: str) -> list[str]:
    """Return the lengths of the shortest and the longest value: characters of text, bytes of binary data and JSON."""
    kind = postgresql_type(type_).kind
    if kind in _TEXTS:
        return [f"min(length({sql}::text))", f"max(length({sql}::text))"]
    if kind == "bytea":
        return [f"min(octet_length({sql}))", f"max(octet_length({sql}))"]
    if kind in ("json", "jsonb"):
        return [f"min(octet_length({sql}::text))", f"max(octet_length({sql}::text))"]
    return ["NULL", "NULL"]


def _of_array(sql: str, element: str) -> list[str]:
    """Return lengths, how many arrays are not plain, elements, NULLs among them, and the extremes of those of dates."""
    inside = f"FROM (SELECT unnest({sql}) AS e) AS e"  # in FROM, unnest would divide rows of a composite type
    extremes = ["NULL", "NULL"]
    if _kind(element) in _ORDERED:
        extremes = [f"min((SELECT min(e.e) {inside}))", f"max((SELECT max(e.e) {inside}))"]
    return [
        f"min(cardinality({sql}))",
        f"max(cardinality({sql}))",
        f"count(*) FILTER (WHERE {sql} IS NOT NULL AND NOT {is_plain(sql)})",
        f"coalesce(sum(cardinality({sql})), 0)",
        f"coalesce(sum((SELECT count(*) {inside} WHERE e.e IS NOT DISTINCT FROM NULL)), 0)",
        *extremes,
    ]


def _number(text: str | None) -> int:
    return int(text or 0)


def _length(text: str | None) -> int | None:
    return None if text is None else int(text)


_: type[Surveyor] = PostgresSurveyor
