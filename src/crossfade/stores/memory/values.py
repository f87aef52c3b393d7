"""Check values strictly against the types of their columns: nothing is truncated, rounded or converted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from crossfade.model.canonical import arrow_type, python_rows
from crossfade.model.rejection import Rejection
from crossfade.model.target import ColumnType, TargetTable
from crossfade.stores.contract import RowRejected


def values_of(table: TargetTable, rows: Any) -> list[tuple[object, ...]]:
    """Return canonical rows as Python values, in the order of their own columns.

    Raises RowRejected with every row that holds a value its column does not take as it is.
    """
    kinds = [_kind(table, name) for name in rows.column_names]
    for name, kind in zip(rows.column_names, kinds, strict=True):
        if rows.schema.field(name).type != arrow_type(kind):
            said = f"{rows.schema.field(name).type} is not a value of {kind.sql}"
            raise RowRejected("bad_type", said, table=table.name, column=name)
    plain = python_rows(rows)
    rejections = [r for place, row in enumerate(plain) if (r := _rejection(place, row, rows.column_names, kinds))]
    if rejections:
        first = rejections[0]
        raise RowRejected(first.reason, first.detail, table=table.name, column=first.column, rows=rejections)
    return [tuple(_stored(v, k) for v, k in zip(row, kinds, strict=True)) for row in plain]


def _kind(table: TargetTable, name: str) -> ColumnType:
    column = table.column(name)
    if column is None:
        raise RowRejected("bad_value", f"the table {table.name} has no column {name}", table=table.name, column=name)
    return column.type


def _rejection(place: int, row: Sequence[Any], names: Sequence[str], kinds: Sequence[ColumnType]) -> Rejection | None:
    for name, value, kind in zip(names, row, kinds, strict=True):
        if value is not None and (why := _unfit(value, kind)) is not None:
            said = f"{why[1]}: {str(value)[:60]!r} in a column declared {kind.sql}"
            return Rejection(place, why[0], said, column=name)
    return None


def _unfit(value: Any, kind: ColumnType) -> tuple[str, str] | None:
    if kind.kind in ("text", "char") and kind.length is not None and len(value) > kind.length:
        return "too_long", f"the text has {len(value)} characters"
    if kind.kind == "numeric" and kind.precision is not None:
        return _digits(value, kind.precision, kind.scale or 0)
    if kind.kind in ("json", "jsonb") and not _is_json(value):
        return "bad_value", "the text is not JSON"
    if kind.kind in ("timestamp", "timestamptz", "time") and kind.precision is not None:
        return ("precision", "the time has more digits") if value % 10 ** (6 - kind.precision) else None
    return None


def _digits(text: str, precision: int, scale: int) -> tuple[str, str] | None:
    if text == "NaN":
        return None
    whole, _, fraction = text.lstrip("-").partition(".")
    if not whole.isdigit() or len(whole.lstrip("0")) > precision - scale:
        return "out_of_range", "the number is too large"
    return ("precision", "the number has more digits") if len(fraction.rstrip("0")) > scale else None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _stored(value: Any, kind: ColumnType) -> object:
    """Return the value as it is read back: a number with as many digits as its column declares."""
    if value is None or kind.kind != "numeric" or not kind.scale or not value.lstrip("-").replace(".", "").isdigit():
        return value
    whole, _, fraction = value.partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(kind.scale, '0')}"


def shown(values: Sequence[object]) -> str:
    """Format values for a message."""
    return ", ".join(part.hex() if isinstance(part, bytes) else str(part) for part in values)
