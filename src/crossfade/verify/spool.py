"""The expected keys on disk, chunk by chunk. They are read only if all keys must be grouped.

Workers send them with their results, in Arrow's own format, compressed: a worker on another machine shares no disk with
the caller that groups them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from crossfade.model.equal import key_form
from crossfade.model.target import TargetTable

ENTITY, RECORD = "entity", "record"
"""Columns beside a spooled key: the record that makes its row, if others write meanwhile."""

_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


def names_of(table: TargetTable) -> list[str]:
    """Return the names of the columns of a spooled key."""
    return [f"k{i}" for i in range(len(table.primary_key))]


def keys_of(rows: Any, table: TargetTable) -> pa.Table:
    """Return the primary keys of rows in a form that other engines group in the same way."""
    arrays = []
    for name in table.primary_key:
        column = table.column(name)
        assert column is not None
        arrays.append(key_form(rows.column(name), column.type))
    return pa.Table.from_arrays(arrays, names=names_of(table))


def keys_as_bytes(parts: Sequence[pa.Table]) -> bytes:
    """Serialize expected keys, as a worker sends them."""
    sink = pa.BufferOutputStream()
    keys = pa.concat_tables(parts)
    with pa.ipc.new_file(sink, keys.schema, options=_OPTIONS) as out:
        out.write_table(keys)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def spool(folder: Path, keys: bytes) -> None:
    """Write the expected keys that a worker sent to a file."""
    (folder / f"{secrets.token_hex(8)}.arrow").write_bytes(keys)


def spooled(folder: Path) -> Iterator[pa.Table]:
    """Yield all spooled keys, part by part."""
    for path in sorted(folder.glob("*.arrow")):
        with pa.memory_map(str(path)) as file:
            yield pa.ipc.open_file(file).read_all()
