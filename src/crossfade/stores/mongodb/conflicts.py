"""What refused documents conflict with, asked of the server document by document."""

from __future__ import annotations

import json
from collections.abc import Mapping
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
from crossfade.stores.mongodb.rows import canonical_batch

_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)


class MongoConflicts:
    """The Conflicts of one database."""

    def __init__(self, db: Database[dict[str, Any]], url: str) -> None:
        self._db, self._url = db, url

    def orphaned(self, table: TargetTable, key: ForeignKey, rows: Any) -> list[Conflict | None]:
        def conflict(document: dict[str, Any]) -> Conflict | None:
            values = [_at(document, stored(table, name)) for name in key.columns]
            if any(value is None for value in values):
                return None
            for value in values[0] if isinstance(values[0], list) else [values[0]]:
                wanted = dict(zip(key.stored or key.parent_columns, (value, *values[1:]), strict=True))
                if collection_of(self._db, key.parent).find_one(wanted, {"_id": 1}) is None:
                    return Conflict(
                        {name: _shown(v) for name, v in zip(key.columns, (value, *values[1:]), strict=True)}
                    )
            return None

        return self._each(table, rows, conflict)

    def holders(self, table: TargetTable, unique: Unique, rows: Any) -> list[Conflict | None]:
        paths = [path_of(table, expression) for expression in unique.expressions]
        partial = json.loads(unique.predicate) if unique.predicate else {}
        collection = collection_of(self._db, table.table).with_options(codec_options=_RAW)

        def conflict(document: dict[str, Any]) -> Conflict | None:
            values = {path: _at(document, path) for path in paths}
            shown = {path: _shown(value) for path, value in values.items()}
            same = [{p: {"$in": v} if isinstance(v, list) else v} for p, v in values.items()]
            query = {"$and": [*same, partial]} if partial else {"$and": same}
            found = collection.find_one(query)
            if found is None:
                return Conflict(shown)
            batch = canonical_batch(table, table.primary_key, bytes(found.raw)).select(list(table.primary_key))
            (key,) = python_rows(batch)
            holder = decode(found.raw)
            return Conflict(shown, {n: _shown(_at(holder, stored(table, n))) for n in table.primary_key}, key)

        return self._each(table, rows, conflict)

    def check(self, table: TargetTable, name: str) -> Check | None:
        with speaking(self._url, "looking at the target's schema"):
            found = next(iter(self._db.list_collections(filter={"name": table.table})), {})
        validator = found.get("options", {}).get("validator")
        if name != "validator" or not validator:
            return None
        text = json.dumps(validator, default=str)
        return Check(f"validator {text}", text, ())

    def breaking(self, table: TargetTable, check: Check, rows: Any) -> list[Conflict | None]:
        """Return nothing: the server's own answer says which field it is."""
        return [None] * len(rows)

    def _each(self, table: TargetTable, rows: Any, conflict: Any) -> list[Conflict | None]:
        found: list[Conflict | None] = []
        with speaking(self._url, f"looking for what conflicts in {table.name}"):
            for place in range(len(rows)):
                try:
                    (raw,) = documents(table, rows.slice(place, 1))
                except RowRejected:
                    found.append(None)
                else:
                    found.append(conflict(decode(raw)))
        return found


def _at(document: Mapping[str, Any], path: str) -> Any:
    value: Any = document
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value)


_: type[Conflicts] = MongoConflicts
