"""Databases of this process (memory://name), filled and looked into. The fixture `new_memory` makes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from crossfade.records.bson.codec import BSON
from crossfade.records.bson.ejson import to_bson
from crossfade.stores.memory.database import Database, database


def held(url: str) -> Database:
    """The database itself: records can be put and removed, and hooks set (`Database.at`)."""
    return database(url, BSON)


def fill(url: str, entity: str, documents: Iterable[Mapping[str, Any]]) -> None:
    """Creates the entity anew, with these documents."""
    held(url).create(entity)
    held(url).put(entity, *map(to_bson, documents))


def rows(url: str, table: str) -> list[tuple[Any, ...]]:
    """The rows of a table that are committed, by their primary keys."""
    found = held(url).catalog.table(table).rows
    return [found[key].values for key in sorted(found, key=repr)]
