"""Numerics and arrays in PostgreSQL's binary form, made natively where the extension is installed.

pgpq writes all other columns as fast as they can be copied; these two it does not make, and in Python a value of theirs
takes a hundred times as long as any other.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from crossfade.model.target import ColumnType
from crossfade.records.bson.native import extension


def wired(values: Any, kind: ColumnType, element_oid: int) -> Any | None:
    """The values (a pyarrow.Array of canonical ones) as binary data; None where it is left to wire.py."""
    module = extension()
    if module is None or (kind.kind == "array" and kind.of is None):
        return None
    made = module.wire(values, kind.kind, kind.of.kind if kind.of is not None else None, element_oid)
    return None if made is None else pa.record_batch(made).column(0)
