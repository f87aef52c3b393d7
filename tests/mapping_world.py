"""A source in memory that is surveyed and read like a real one, and mappings that run over it."""

from __future__ import annotations

import atexit
import datetime
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
from bson import Decimal128

from crossfade.errors import Fault, MappingFault
from crossfade.mapping.language.compile import compile_program
from crossfade.model.batch import Batch, Column
from crossfade.model.program import ROOT_TABLE, Branch, Program
from crossfade.model.shape import Path, Shape, unescape_step
from crossfade.model.target import TargetTable
from crossfade.project import Discard
from crossfade.records.bson.canonical import canonical
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.columns import compile_columns
from crossfade.records.bson.count import Histogram
from crossfade.records.bson.decode import decode_one
from crossfade.records.bson.ejson import loads
from crossfade.records.bson.encode import to_bson
from crossfade.records.bson.values import Symbol
from crossfade.transform.engine import Engine
from crossfade.transform.lookup import LookupReader, fetched
from crossfade.transform.transform import Transformer

Documents = Sequence[Mapping[str, Any]]

ENGINE = Engine()
"""One for all tests: an engine holds nothing between runs."""
atexit.register(ENGINE.close)


class World:
    """Entities with their documents. `asked` notes each fetch of a lookup: its entity and keys."""

    def __init__(self, entities: Mapping[str, Documents], survey: Mapping[str, Documents] | None = None) -> None:
        """The shapes are those of `survey`, where the documents have drifted from it since."""
        self.raws = {name: [to_bson(d) for d in docs] for name, docs in entities.items()}
        seen = {**entities, **(survey or {})}
        self.shapes = {name: shape_of(name, docs) for name, docs in seen.items()}
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def program(self, mappings: Mapping[str, str] | str, discards: Sequence[Discard] = ()) -> Program:
        return compile_program({"t": mappings} if isinstance(mappings, str) else mappings, self.shapes, discards)

    def faults(self, mapping: str, discards: Sequence[Discard] = ()) -> tuple[Fault, ...]:
        try:
            self.program(mapping, discards)
        except MappingFault as refused:
            return refused.faults
        return ()

    def batch(self, program: Program, entity: str, which: slice = slice(None)) -> Batch:
        raw = b"".join(self.raws[entity][which])
        return compile_columns(self.shapes[entity], program.feeds[entity].columns).read(raw)

    def lookups(self) -> LookupReader:
        return LookupReader(self.shapes, fetched(self._fetch, transcode), transcode, BSON)

    def carrier(self, program: Program, entity: str, tables: Mapping[str, TargetTable]) -> Transformer:
        return Transformer(program.feeds[entity], tables, ENGINE, self.lookups())

    def rows(self, mapping: str) -> list[dict[str, Any]]:
        """What the mapping makes of all documents, before it is held against any column."""
        program = self.program(mapping)
        return [row for branch in program.branches for row in self._rows(program, branch)]

    def values(self, expression: str, entity: str = "e") -> list[Any]:
        """One expression over the documents of an entity, which is called x in it."""
        return [row["v"] for row in self.rows(f"SELECT x._id AS k, {expression} AS v FROM {entity} AS x")]

    def _rows(self, program: Program, branch: Branch) -> Iterator[dict[str, Any]]:
        tables = {ROOT_TABLE: self.batch(program, branch.entity).table}
        reader = self.lookups()
        for lookup in branch.lookups:
            keys = ENGINE.run(lookup.keys_sql, tables).column(0).combine_chunks()
            tables[lookup.table] = reader.fetch(lookup, keys)
        yield from python_rows(ENGINE.run(branch.sql, tables).drop_columns(["#row"]))

    def _fetch(self, entity: str, path: Path, values: Sequence[str], shape: Shape) -> Iterator[bytes]:
        self.asked.append((entity, tuple(values)))
        wanted = {equality(loads(text)) for text in values}
        for raw in self.raws[entity]:
            if any(equality(v) in wanted for v in values_at(decode_one(raw), path)):
                yield raw


def shape_of(entity: str, docs: Documents) -> Shape:
    histogram = Histogram()
    histogram.add(b"".join(map(to_bson, docs)))
    return histogram.to_shape(entity)


def transcode(shape: Shape, columns: Sequence[Column], raw: bytes) -> Batch:
    return compile_columns(shape, columns).read(raw)


def values_at(value: Any, path: Path) -> Iterator[Any]:
    """As MongoDB finds them: through objects, and through the elements of arrays."""
    if isinstance(value, list):
        for child in value:
            yield from values_at(child, path)
    elif not path:
        yield value
    elif isinstance(value, dict) and unescape_step(path[0]) in value:
        yield from values_at(value[unescape_step(path[0])], path[1:])


def equality(value: Any) -> object:
    """What MongoDB compares: numbers by their value, a symbol as its text, everything else by type and value."""
    if isinstance(value, Symbol):
        return canonical(value.text)
    if isinstance(value, Decimal128) and value.to_decimal().is_finite():
        return ("number", value.to_decimal())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return ("number", Decimal(value) if value == value and abs(value) != float("inf") else str(value))
    return canonical(value)


def python_rows(table: pa.Table) -> list[dict[str, Any]]:
    """Rows as Python values; moments as microseconds since 1970, because Python's dates do not reach as far."""
    columns = {}
    for field, column in zip(table.schema, table.columns, strict=True):
        array = column.combine_chunks()
        array = array.cast(pa.int64()) if pa.types.is_timestamp(field.type) else array
        columns[field.name] = array.to_pylist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def micros(text: str) -> int:
    """The moment of an ISO text, as python_rows gives it."""
    delta = datetime.datetime.fromisoformat(text) - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    return delta // datetime.timedelta(microseconds=1)
