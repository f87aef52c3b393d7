"""Documents of canonical columns, natively if the extension is installed: documents.py is the reference."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from crossfade.model.canonical import element_of
from crossfade.model.target import ColumnType, TargetColumn
from crossfade.records.native import extension


def encoded(arrays: Sequence[Any], fields: Sequence[TargetColumn]) -> list[bytes] | None:
    """Return the documents with these fields, or None if documents.py has to make them."""
    module = extension()
    if module is None or not arrays:
        return None
    rows = pa.StructArray.from_arrays(
        arrays, fields=[pa.field(field.name, a.type) for field, a in zip(fields, arrays, strict=True)]
    )
    made = module.documents(rows, json.dumps([_field(field) for field in fields]))
    return None if made is None else list(pa.record_batch(made).column(0).to_pylist())


def _field(field: TargetColumn) -> dict[str, Any]:
    return {"name": field.name, "absent": field.absent, **_type(field.type)}


def _type(kind: ColumnType) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": kind.kind, "subtype": kind.subtype or 0}
    if kind.kind == "array":
        found["of"] = {"name": "", **_type(element_of(kind))}
    if kind.kind == "struct":
        found["fields"] = [_field(field) for field in kind.fields]
    return found
