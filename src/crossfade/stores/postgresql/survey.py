"""Counts the rows of a table where they are, exactly, in the snapshot of its reader: some columns with each query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from crossfade.model.batch import Chunk
from crossfade.model.map_rules import MapRules
from crossfade.records.rows.count import SHOWN, ColumnCount, RowCounter
from crossfade.records.rows.json_count import JsonCount
from crossfade.records.rows.vocabulary import KIND_OF_COLUMN, is_json
from crossfade.schema.column_types import postgresql_type
from crossfade.stores.contract import Surveyor
from crossfade.stores.postgresql.reading.canonical import is_plain
from crossfade.stores.postgresql.reading.relations import SourceColumn
from crossfade.stores.postgresql.source import PostgresReader

_AT_ONCE = 100  # columns in one query: a SELECT list has room for 1664 expressions
_ORDERED = frozenset({"int", "long", "float", "double", "decimal", "date", "timestamp", "day", "time"})
_TEXTS = frozenset({"text", "char"})


@dataclass(frozen=True)
class PostgresSurveyor:
    reader: PostgresReader

    def counted(self, piece: str | Chunk, rules: MapRules) -> RowCounter:
        entity = piece.entity if isinstance(piece, Chunk) else piece
        relations = self.reader.relations
        relation = relations.relation(entity)
        columns, key = relations.columns(relation), relations.key(relation)
        rows = f"{relation.rows} AS t WHERE {self.reader.condition(piece) if isinstance(piece, Chunk) else 'true'}"
        counter = RowCounter(key=tuple(column.name for column in key.columns))
        counted: list[ColumnCount] = []
        for some in _portions(columns):
            counter.count, found = self._ask(rows, some)
            counted += found
        if jsons := [column for column in columns if is_json(column.type)]:
            inside = self._inside(rows, jsons)
            counted = [replace(c, json=inside[c.name]) if c.name in inside else c for c in counted]
        counter.columns = counted
        return counter

    def _inside(self, rows: str, columns: Sequence[SourceColumn]) -> dict[str, JsonCount]:
        """Read the JSON of these columns, and return what is in it."""
        found = {column.name: JsonCount() for column in columns}
        selected = ", ".join(f"{column.sql}::text AS c{i}" for i, column in enumerate(columns))
        for batch in self.reader.selected(f"SELECT {selected} FROM {rows}"):
            for count, texts in zip(found.values(), batch.columns, strict=True):
                for text in texts.drop_null().to_pylist():
                    count.add(text)
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
    """What is asked of one column, and how the answer is read."""

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
    """Return least and greatest: of text in the order of its bytes, and only the beginning of it."""
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
    inside = f"FROM unnest({sql}) AS e(e)"
    extremes = ["NULL", "NULL"]
    if _kind(element) in _ORDERED:
        extremes = [f"min((SELECT min(e.e) {inside}))", f"max((SELECT max(e.e) {inside}))"]
    return [
        f"min(cardinality({sql}))",
        f"max(cardinality({sql}))",
        f"count(*) FILTER (WHERE {sql} IS NOT NULL AND NOT {is_plain(sql)})",
        f"coalesce(sum(cardinality({sql})), 0)",
        f"coalesce(sum((SELECT count(*) {inside} WHERE e.e IS NULL)), 0)",
        *extremes,
    ]


def _number(text: str | None) -> int:
    return int(text or 0)


def _length(text: str | None) -> int | None:
    return None if text is None else int(text)


_: type[Surveyor] = PostgresSurveyor
