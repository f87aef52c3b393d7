"""What refused documents conflict with, asked of the server for many of them at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bson import CodecOptions, decode
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database

from crossfade.model.canonical import python_rows
from crossfade.model.target import ForeignKey, TargetTable, Unique
from crossfade.records.bson.ejson import canonical
from crossfade.stores.contract import Check, Conflict, Conflicts, RowRejected
from crossfade.stores.mongodb.collection import collection_of
from crossfade.stores.mongodb.documents import documents
from crossfade.stores.mongodb.errors import speaking
from crossfade.stores.mongodb.fields import path_of, stored
from crossfade.stores.mongodb.holders import Holders, Values, at, key_of, values_at
from crossfade.stores.mongodb.refusals import matching
from crossfade.stores.mongodb.rows import canonical_batch

_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)


class MongoConflicts:
    """The Conflicts of one database."""

    def __init__(self, db: Database[dict[str, Any]], url: str) -> None:
        self._db, self._url = db, url

    def orphaned(self, table: TargetTable, key: ForeignKey, rows: Any) -> list[Conflict | None]:
        fields = [stored(table, name) for name in key.columns]
        with speaking(self._url, f"looking for what conflicts in {table.name}"):
            needed = [() if raw is None else _referred(decode(raw), fields) for raw in _encodable(table, rows)]
            parents = collection_of(self._db, key.parent).with_options(codec_options=_RAW)
            there = Holders(parents, key.stored or key.parent_columns).of([one for some in needed for one in some])
        missing = (next((values for values in some if key_of(values) not in there), None) for some in needed)
        return [
            None if one is None else Conflict(dict(zip(key.columns, map(_shown, one), strict=True))) for one in missing
        ]

    def holders(self, table: TargetTable, unique: Unique, rows: Any) -> list[Conflict | None]:
        """Return the conflict of each row. One query asks for the values of all of them."""
        paths = [path_of(table, expression) for expression in unique.expressions]
        collection = collection_of(self._db, table.table).with_options(codec_options=_RAW)
        with speaking(self._url, f"looking for what conflicts in {table.name}"):
            raws = self._compared(unique, _encodable(table, rows), paths)
            wanted = [None if raw is None else values_at(decode(raw), paths) for raw in raws]
            found = Holders(collection, paths, unique.predicate).of([one for one in wanted if one is not None])
        keys = list(table.primary_key)
        batch = canonical_batch(table, keys, b"".join(found.values())).select(keys)
        holders = {
            value: (decode(raw), key) for (value, raw), key in zip(found.items(), python_rows(batch), strict=True)
        }

        def conflict(values: Values) -> Conflict:
            shown = {path: _shown(value) for path, value in zip(paths, values, strict=True)}
            holder = holders.get(key_of(values))
            if holder is None:
                return Conflict(shown)
            document, key = holder
            return Conflict(shown, {n: _shown(at(document, stored(table, n))) for n in keys}, key)

        return [None if values is None else conflict(values) for values in wanted]

    def _compared(self, unique: Unique, raws: Sequence[bytes | None], paths: Sequence[str]) -> Sequence[bytes | None]:
        """Return the documents, with None for those that the index does not include."""
        query = json.loads(unique.predicate) if unique.predicate else {}
        places = [place for place, raw in enumerate(raws) if raw is not None]
        there = [raw for raw in raws if raw is not None]
        if not query or not there:
            return raws
        fits = matching(self._db, there, query)
        if fits is None:  # an old server cannot distinguish a null field from a missing one
            asked = [path for path in paths if path in query]
            fits = {n for n, raw in enumerate(there) if None not in values_at(decode(raw), asked)}
        inside = {places[n] for n in fits}
        return [raw if place in inside else None for place, raw in enumerate(raws)]

    def check(self, table: TargetTable, name: str) -> Check | None:
        with speaking(self._url, "looking at the target's schema"):
            found = next(iter(self._db.list_collections(filter={"name": table.table})), {})
        validator = found.get("options", {}).get("validator")
        if name != "validator" or not validator:
            return None
        text = json.dumps(validator, default=str)
        return Check(f"validator {text}", text, ())

    def breaking(self, table: TargetTable, check: Check, rows: Any) -> list[Conflict | None]:
        """Return nothing: the server's own error names the field."""
        return [None] * len(rows)


def _encodable(table: TargetTable, rows: Any) -> list[bytes | None]:
    """Return the documents of rows; None for one that MongoDB cannot store."""
    try:
        return [*documents(table, rows)]
    except RowRejected:
        if len(rows) == 1:
            return [None]
    return [one for place in range(len(rows)) for one in _encodable(table, rows.slice(place, 1))]


def _referred(document: Mapping[str, Any], fields: Sequence[str]) -> list[Values]:
    """Return the values of the parents that a document refers to; one for each element of a list."""
    values = values_at(document, fields)
    if any(value is None for value in values):
        return []
    return [(one, *values[1:]) for one in (values[0] if isinstance(values[0], list) else [values[0]])]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value)


_: type[Conflicts] = MongoConflicts
