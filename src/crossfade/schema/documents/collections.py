"""A collection as values, and the schema that collections make."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crossfade.model.target import ForeignKey, TargetColumn, TargetSchema, TargetTable, Unique
from crossfade.schema.digest import digest_of
from crossfade.schema.documents.commands import DIALECT, KEY, create, create_index


@dataclass(frozen=True)
class Collection:
    """`indexes` are as the command createIndexes takes them, each with its name; `options` as create takes them.

    `is_open`: documents may have fields that the schema does not have; they are the application's, and stay.
    """

    name: str
    columns: tuple[TargetColumn, ...]
    indexes: tuple[Mapping[str, Any], ...] = ()
    references: tuple[ForeignKey, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    is_open: bool = False
    primary: tuple[str, ...] = (KEY,)

    def target(self) -> TargetTable:
        uniques = tuple(unique_of(index) for index in self.indexes if index.get("unique"))
        return TargetTable(
            self.name, None, self.name, self.columns, self.primary, uniques, self.references, is_open=self.is_open
        )


def unique_of(index: Mapping[str, Any]) -> Unique:
    """Return a unique index as a constraint: its fields, and the filter of a partial one as JSON."""
    partial = index.get("partialFilterExpression")
    if index.get("sparse") and partial is None:
        partial = {"$or": [{name: {"$exists": True}} for name in index["key"]]}
    predicate = None if partial is None else json.dumps(partial, ensure_ascii=False)
    return Unique(str(index["name"]), tuple(index["key"]), predicate, nulls_distinct=False)


def schema_of(collections: Sequence[Collection], notes: Sequence[str] = ()) -> TargetSchema:
    """Return the schema: collections with their validators before the copy, indexes after it."""
    ordered = sorted(collections, key=lambda c: c.name)
    tables = tuple(c.target() for c in ordered)
    pre = tuple(create(c.name, c.options) for c in ordered)
    post = tuple(
        create_index(c.name, index)
        for unique in (True, False)
        for c in ordered
        for index in sorted(c.indexes, key=lambda i: str(i["name"]))
        if bool(index.get("unique")) == unique
    )
    return TargetSchema(DIALECT, tables, pre, post, None, digest_of(DIALECT, tables, pre, post), tuple(notes))


def index_name(key: Mapping[str, Any]) -> str:
    """Return the name that a driver gives an index."""
    return "_".join(f"{name}_{order}" for name, order in key.items())
