"""COPY ... FROM STDIN: in the binary form if all columns have one that is rendered here, else as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg import sql

from crossfade.model.target import ColumnType
from crossfade.stores.postgresql.text_form import copy_lines, texts
from crossfade.stores.postgresql.writing.render import CopyRenderer, WireColumn


def send(
    connection: psycopg.Connection[Any],
    renderer: CopyRenderer,
    into: sql.Identifier,
    names: Sequence[str],
    rows: Any,
    columns: Sequence[WireColumn],
) -> None:
    """Copy rows (an Arrow table) into these columns of a table."""
    binary = all(_has_binary_form(column.type) for column in columns)
    pieces = renderer.render(rows, columns) if binary else _lines(rows, columns)
    with connection.cursor() as cursor, cursor.copy(_copy(into, names, binary)) as copy:
        for piece in pieces:
            copy.write(piece)


def _has_binary_form(kind: ColumnType) -> bool:
    of = kind.of if kind.kind == "array" else kind
    return of is not None and of.kind not in ("other", "array")


def _lines(rows: Any, columns: Sequence[WireColumn]) -> Iterator[bytes]:
    return copy_lines([texts(rows.column(column.name), column.type, column.delimiter) for column in columns])


def _copy(into: sql.Identifier, names: Sequence[str], binary: bool) -> sql.Composed:
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT {})").format(
        into, sql.SQL(", ").join(map(sql.Identifier, names)), sql.SQL("binary" if binary else "text")
    )
