"""Reads a feed of a MongoDB database until it has named what is there now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pymongo

from crossfade.model.positions import Floor, Position
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.ejson import to_bson
from crossfade.stores.contract import ChangeBatch, ChangeFeed, Changes, Store, need

SECONDS = 120.0


@dataclass
class Heard:
    """Everything that a feed has named, up to `position`."""

    position: Position
    keys: dict[str, set[str]] = field(default_factory=dict)
    redefined: list[str] = field(default_factory=list)
    batches: list[ChangeBatch] = field(default_factory=list)

    @property
    def floor(self) -> Floor:
        return self.batches[-1].floor

    def add(self, batch: ChangeBatch) -> None:
        self.position = batch.position
        self.batches.append(batch)
        self.redefined += batch.redefined
        for listed in batch.changed:
            self.keys.setdefault(listed.entity, set()).update(listed.keys)


def changes_of(store: Store) -> Changes:
    return need(store.changes, store, "follow changes")


def feed_of(store: Store, *entities: str) -> ChangeFeed:
    return changes_of(store).feed("test", entities)


def heard(feed: ChangeFeed, since: Position, until: Position | None = None) -> Heard:
    """Read until the feed has named everything up to `until`, by default up to now."""
    found, mark = Heard(since), until or feed.position()
    deadline = time.monotonic() + SECONDS
    with closing(feed.changes(since)) as batches:  # type: ignore[type-var]
        while not feed.reached(found.position, mark):
            assert time.monotonic() < deadline, (found.position, mark)
            found.add(next(batches))
    return found


def keys(*values: Any) -> set[str]:
    return {str(BSON.key(to_bson({"_id": value}))) for value in values}


def members(url: str, preference: str) -> pymongo.MongoClient[dict[str, Any]]:
    return pymongo.MongoClient(url, readPreference=preference)


def is_named(batch: ChangeBatch, wanted: Sequence[str]) -> bool:
    return any(set(wanted) & set(listed.keys) for listed in batch.changed)
