"""The result of an inverse, as Python values for the merge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from crossfade.model.equal import one_array
from crossfade.model.program import ROW
from crossfade.model.rebuilt import Day, Digits, Ejson, Json, Map, Moment, TimeOfDay


@dataclass(frozen=True)
class Rebuilt:
    """A record (by number): its values by the names of the outputs, or why the engine refuses it."""

    row: int
    values: Mapping[str, Any]
    refused: str | None = None


def rebuilt_rows(made: pa.Table) -> Iterator[Rebuilt]:
    """Yield each row of the result of an inverse."""
    names = [name for name in made.column_names if name != ROW]
    columns = [python_values(one_array(made.column(name))) for name in names]
    for place, row in enumerate(made.column(ROW).to_pylist()):
        yield Rebuilt(row, {name: column[place] for name, column in zip(names, columns, strict=True)})


def python_values(values: Any) -> list[Any]:
    """Return the values of an Arrow array, exactly."""
    kind = values.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = iter(python_values(values.flatten()))
        return [None if n is None else [next(inner) for _ in range(n)] for n in values.value_lengths().to_pylist()]
    if pa.types.is_struct(kind):
        return _structs(values)
    if pa.types.is_timestamp(kind):
        zoned = kind.tz is not None
        return [
            None if v is None else Moment(v, zoned)
            for v in values.cast(pa.timestamp("us", kind.tz)).cast(pa.int64()).to_pylist()
        ]
    if pa.types.is_date32(kind):
        return [None if v is None else Day(v) for v in values.cast(pa.int32()).to_pylist()]
    if pa.types.is_time64(kind):
        return [None if v is None else TimeOfDay(v) for v in values.cast(pa.int64()).to_pylist()]
    found: list[Any] = values.to_pylist()
    return [Digits(str(v)) if isinstance(v, Decimal) else v for v in found] if pa.types.is_decimal(kind) else found


def _structs(values: Any) -> list[Any]:
    names = [field.name for field in values.type]
    parts = [python_values(part) for part in values.flatten()]
    valid = values.is_valid().to_pylist()
    if len(names) == 1 and names[0] in _MARKED:
        return [
            _MARKED[names[0]](v) if there and v is not None else None for v, there in zip(parts[0], valid, strict=True)
        ]
    rows = zip(*parts, strict=True)
    return [dict(zip(names, row, strict=True)) if there else None for row, there in zip(rows, valid, strict=True)]


_MARKED = {"$json": Json, "$ejson": Ejson, "$number": Digits, "$map": Map}

__all__ = ["Rebuilt", "python_values", "rebuilt_rows"]
