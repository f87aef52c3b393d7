"""Convert canonical rows to the data of a binary COPY.

`CopyRenderer` is the contract. `PythonRenderer` is the slow and obvious reference for tests. `NativeRenderer` does the
work: pgpq writes the bytes, from Arrow types that match the column's type. pgpq has no wheels for Linux on ARM; there
the reference is used.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from crossfade.model.canonical import arrow_type
from crossfade.model.target import ColumnType
from crossfade.stores.postgresql.writing import wire
from crossfade.stores.postgresql.writing.native import wired

try:
    import pgpq
    import pgpq.encoders
    import pgpq.schema
except ImportError:
    pgpq = None

_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_TRAILER = b"\xff\xff"
_BATCH = 8192  # rows that are in memory as COPY data at once


@dataclass(frozen=True, slots=True)
class WireColumn:
    """A column to be rendered. `element_oid` is the OID of an array's element type in this database, `delimiter` the
    sign between elements in its text.
    """

    name: str
    type: ColumnType
    element_oid: int = 0
    delimiter: str = ","


class CopyRenderer(Protocol):
    def render(self, rows: Any, columns: Sequence[WireColumn]) -> Iterator[bytes]:
        """Yield the COPY data of `rows` (a canonical pyarrow.Table with these columns in this order) in pieces."""
        ...


class PythonRenderer:
    """The reference: converts value by value with `struct`."""

    def render(self, rows: Any, columns: Sequence[WireColumn]) -> Iterator[bytes]:
        yield _HEADER
        count = struct.pack(">h", len(columns))
        fields = [map(wire.field, _values(rows.column(i), column)) for i, column in enumerate(columns)]
        for row in zip(*fields, strict=True):
            yield count + b"".join(row)
        yield _TRAILER


class NativeRenderer:
    """Writes with pgpq. Numerics and arrays are passed to it as finished bytes."""

    def render(self, rows: Any, columns: Sequence[WireColumn]) -> Iterator[bytes]:
        schema = pa.schema([pa.field(str(i), _arrow(column.type)) for i, column in enumerate(columns)])
        builders = {field.name: _builder(field, column) for field, column in zip(schema, columns, strict=True)}
        encoder = pgpq.ArrowToPostgresBinaryEncoder.new_with_encoders(schema, builders)
        yield encoder.write_header()
        for batch in rows.to_batches(max_chunksize=_BATCH):
            arrays = [_ready(batch.column(i), column) for i, column in enumerate(columns)]
            yield encoder.write_batch(pa.record_batch(arrays, schema=schema))
        yield encoder.finish()


def best_renderer() -> CopyRenderer:
    """Return the native renderer if pgpq is installed, else the reference."""
    return PythonRenderer() if pgpq is None else NativeRenderer()


_MADE_HERE = ("numeric", "array")


def _arrow(kind: ColumnType) -> Any:
    return pa.binary() if kind.kind in _MADE_HERE else arrow_type(kind)


def _builder(field: Any, column: WireColumn) -> Any:
    if column.type.kind == "jsonb":
        return pgpq.encoders.StringEncoderBuilder.new_with_output(field, pgpq.schema.Jsonb())
    return pgpq.ArrowToPostgresBinaryEncoder.infer_encoder(field)


def _ready(values: Any, column: WireColumn) -> Any:
    if column.type.kind not in _MADE_HERE:
        return values
    made = wired(values, column.type, column.element_oid)
    return pa.array(_values(values, column), pa.binary()) if made is None else made


def _values(values: Any, column: WireColumn) -> list[bytes | None]:
    """Return the column's values in binary form."""
    if column.type.kind == "array":
        return _arrays(values, column)
    form = wire.FORMS[column.type.kind]
    return [None if v is None else form(v) for v in _python(values)]


def _arrays(values: Any, column: WireColumn) -> list[bytes | None]:
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    assert column.type.of is not None
    form = wire.FORMS[column.type.of.kind]
    elements = iter([None if v is None else form(v) for v in _python(values.flatten())])
    lengths = values.value_lengths().to_pylist()
    return [None if n is None else wire.array([next(elements) for _ in range(n)], column.element_oid) for n in lengths]


def _python(values: Any) -> list[Any]:
    """Return Python values. Times are integers, because Python's own types end with the year 9999."""
    if pa.types.is_timestamp(values.type) or pa.types.is_time64(values.type):
        values = values.cast(pa.int64())
    elif pa.types.is_date32(values.type):
        values = values.cast(pa.int32())
    return list(values.to_pylist())


_reference: CopyRenderer = PythonRenderer()
_native: CopyRenderer = NativeRenderer()
