"""Convert numerics and arrays to PostgreSQL's binary form, natively if the extension is installed.

pgpq writes all other columns as fast as they can be copied. It does not support these two, and Python takes a hundred
times as long for their values.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from crossfade.model.target import ColumnType
from crossfade.records.native import extension


def wired(values: Any, kind: ColumnType, element_oid: int) -> Any | None:
    """Return the values (a pyarrow.Array in canonical form) as binary data, or None if wire.py has to convert them."""
    module = extension()
    if module is None or (kind.kind == "array" and kind.of is None):
        return None
    made = module.wire(values, kind.kind, kind.of.kind if kind.of is not None else None, element_oid)
    return None if made is None else pa.record_batch(made).column(0)
