"""The expected keys on disk: written by the workers, chunk by chunk, and read only where all keys must be grouped.

In Arrow's own format, which every worker can write without loading more than it has.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
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


def spool(folder: Path, keys: pa.Table) -> None:
    """Writes expected keys. Any number of processes may write into one folder."""
    if keys.num_rows:
        path = folder / f"{secrets.token_hex(8)}.arrow"
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, keys.schema, options=_OPTIONS) as out:
            out.write_table(keys)


def spooled(folder: Path) -> Iterator[pa.Table]:
    """Everything that was spooled there, a part at a time."""
    for path in sorted(folder.glob("*.arrow")):
        with pa.memory_map(str(path)) as file:
            yield pa.ipc.open_file(file).read_all()
