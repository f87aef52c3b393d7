"""The expected keys on disk, chunk by chunk, read only where all keys must be grouped.

Workers send them with their results, in Arrow's own format, compressed: a worker elsewhere has no disk in common with
whoever groups them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from crossfade.model.target import TargetTable
from crossfade.verify.equal import key_form

_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


def names_of(table: TargetTable) -> list[str]:
    """What the columns of a spooled key are called."""
    return [f"k{i}" for i in range(len(table.primary_key))]


def keys_of(rows: Any, table: TargetTable) -> pa.Table:
    """The primary keys of rows in a form that other engines group as we would."""
    arrays = []
    for name in table.primary_key:
        column = table.column(name)
        assert column is not None
        arrays.append(key_form(rows.column(name), column.type))
    return pa.Table.from_arrays(arrays, names=names_of(table))


def keys_as_bytes(parts: Sequence[pa.Table]) -> bytes:
    """Expected keys as a worker sends them."""
    sink = pa.BufferOutputStream()
    keys = pa.concat_tables(parts)
    with pa.ipc.new_file(sink, keys.schema, options=_OPTIONS) as out:
        out.write_table(keys)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def spool(folder: Path, keys: bytes) -> None:
    """Writes expected keys that a worker has sent."""
    (folder / f"{secrets.token_hex(8)}.arrow").write_bytes(keys)


def spooled(folder: Path) -> Iterator[pa.Table]:
    """Everything that was spooled there, a part at a time."""
    for path in sorted(folder.glob("*.arrow")):
        with pa.memory_map(str(path)) as file:
            yield pa.ipc.open_file(file).read_all()
