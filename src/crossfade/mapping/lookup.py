"""Other entities that a mapping joins, fetched by key in batches, never row by row.

The keys of one batch are asked for once; the last answers are kept, because the same instructor stands in many courses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from crossfade.errors import CrossfadeError
from crossfade.mapping.program import Lookup
from crossfade.model.batch import Batch, Column
from crossfade.model.shape import Shape, format_path

Tables = dict[str, pa.Table]
Read = Callable[[str, Any, Sequence[str]], Iterator[bytes]]
"""stores.contract.Reader.fetch."""
Transcode = Callable[[Shape, Sequence[Column], bytes], Batch]


class LookupReader:
    """Fetches what lookups ask for. `read` is the source's `fetch`; `transcode` makes Arrow of raw documents."""

    def __init__(self, shapes: Mapping[str, Shape], read: Read, transcode: Transcode) -> None:
        self._shapes = shapes
        self._read = read
        self._transcode = transcode

    def fetch(self, lookup: Lookup, keys: pa.Array) -> pa.Table:
        """The looked-up documents whose `lookup.path` is one of `keys`, in the columns that the mapping reads."""
        shape = self._shapes[lookup.entity]
        values = [key_text(k, lookup.key_kind) for k in keys.to_pylist() if k is not None]
        tables = [self._transcode(shape, lookup.columns, b"").table]
        for raw in self._read(lookup.entity, lookup.path, values) if values else ():
            batch = self._transcode(shape, lookup.columns, raw)
            if batch.aside:
                wrong = batch.aside[0]
                place = f"{lookup.entity} {wrong.key} ({wrong.reason} at {wrong.path or format_path(())})"
                raise CrossfadeError(
                    f"a looked-up document does not fit source.lock.json: {place}; nothing of this chunk was written",
                    hint="crossfade survey, then crossfade check",
                )
            tables.append(batch.table)
        return pa.concat_tables(tables)


def key_text(value: Any, kind: str) -> str:
    """A key as the engine gave it, as the canonical Extended JSON that readers take."""
    import orjson

    if kind == "objectId":
        return f'{{"$oid":"{value.hex()}"}}'
    if kind == "int":
        return f'{{"$numberInt":"{value}"}}'
    if kind == "long":
        return f'{{"$numberLong":"{value}"}}'
    if kind == "double":
        return f'{{"$numberDouble":"{value!r}"}}'
    if kind == "decimal":
        return f'{{"$numberDecimal":"{value}"}}'
    if kind == "bool":
        return "true" if value else "false"
    if kind == "mixed":
        return str(value)
    if kind == "string":
        return orjson.dumps(value).decode()
    if kind == "uuid":
        import base64

        return f'{{"$binary":{{"base64":"{base64.b64encode(value.bytes).decode()}","subType":"04"}}}}'
    raise CrossfadeError(f"cannot look up by a key of kind {kind}")
