"""Documents that a unique index or a reference of the schema does not allow, found by the server's own comparison."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from bson import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database

from crossfade.model.canonical import arrow_schema
from crossfade.model.target import ForeignKey, Step, TargetTable, Unique
from crossfade.schema.documents import commands
from crossfade.schema.documents.collections import unique_of
from crossfade.stores.mongodb.collection import collection_of
from crossfade.stores.mongodb.fields import path_of, stored
from crossfade.stores.mongodb.index_values import index_values
from crossfade.stores.mongodb.rows import canonical_batch

_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
_BYTES_AT_ONCE = 4_000_000


def duplicates(db: Database[dict[str, Any]], table: TargetTable, unique: Unique, collation: Any = None) -> Any:
    """Return the keys of the documents to remove so that the index can be built: all of a group but its least key."""
    paths = [path_of(table, expression) for expression in unique.expressions]
    steps: list[dict[str, Any]] = []
    if unique.predicate is not None:
        steps.append({"$match": json.loads(unique.predicate)})
    steps += index_values(table, paths)
    values = {f"e{i}": {"$ifNull": [f"$e{i}", None]} for i in range(len(paths))}
    steps += [
        {"$group": {"_id": {"v": values, "k": "$_id"}}},  # a document may hold a value twice
        {
            "$setWindowFields": {
                "partitionBy": "$_id.v",
                "sortBy": {"_id.k": 1},
                "output": {"n": {"$documentNumber": {}}},
            }
        },
        {"$match": {"n": {"$gt": 1}}},
        {"$group": {"_id": "$_id.k"}},
    ]
    options = {} if collation is None else {"collation": collation}
    return _keys(db, table, steps, **options)


def orphans(db: Database[dict[str, Any]], table: TargetTable, key: ForeignKey) -> Any:
    """Return the keys of the documents that reference a missing one. A null, or no field, references nothing."""
    return _keys(db, table, [*missing_references(table, key), {"$group": {"_id": "$_id"}}])


def missing_references(table: TargetTable, key: ForeignKey) -> list[dict[str, Any]]:
    """Return the stages that pass on the documents (or elements) that reference a missing one."""
    steps: list[dict[str, Any]] = []
    names = [stored(table, name) for name in key.columns]
    for name, column in zip(names, map(table.column, key.columns), strict=True):
        if column is not None and column.type.kind == "array":
            steps.append({"$unwind": f"${name}"})
        steps.append({"$match": {name: {"$nin": [None]}}})
    first, *others = zip(names, key.stored or key.parent_columns, strict=True)
    inner: list[dict[str, Any]] = [{"$limit": 1}, {"$project": {"_id": 1}}]
    lookup: dict[str, Any] = {"from": key.parent, "localField": first[0], "foreignField": first[1], "as": "#parent"}
    if others:
        lookup["let"] = {f"v{i}": f"${child}" for i, (child, _) in enumerate(others)}
        same = [{"$eq": [f"${parent}", f"$$v{i}"]} for i, (_, parent) in enumerate(others)]
        inner.insert(0, {"$match": {"$expr": {"$and": same}}})
    return [*steps, {"$lookup": {**lookup, "pipeline": inner}}, {"$match": {"#parent": []}}]


def unbuildable(db: Database[dict[str, Any]], table: TargetTable, step: Step) -> Any:
    """Return the keys of the documents that a unique index cannot be built with, and why."""
    index = commands.index_of(step.sql)
    if index is None or not index.get("unique"):
        found = arrow_schema(table, table.primary_key).empty_table()
    else:
        found = duplicates(db, table, unique_of(index), index.get("collation"))
    said = f"another document has the same {', '.join(index['key'])}" if index else ""
    for name, text in (("#reason", "unique"), ("#detail", said)):
        found = found.append_column(name, pa.array([text] * len(found), pa.string()))
    return found.append_column("#column", pa.nulls(len(found), pa.string()))


def _keys(db: Database[dict[str, Any]], table: TargetTable, steps: Sequence[Mapping[str, Any]], **options: Any) -> Any:
    collection = collection_of(db, table.table).with_options(codec_options=_RAW)
    batches, some, size = [], list[bytes](), 0
    for document in collection.aggregate(list(steps), allowDiskUse=True, **options):
        some.append(bytes(document.raw))
        size += len(some[-1])
        if size > _BYTES_AT_ONCE:
            batches.append(canonical_batch(table, table.primary_key, b"".join(some)))
            some, size = [], 0
    if some:
        batches.append(canonical_batch(table, table.primary_key, b"".join(some)))
    schema = arrow_schema(table, table.primary_key)
    return pa.Table.from_batches([batch.select(schema.names) for batch in batches], schema=schema)
