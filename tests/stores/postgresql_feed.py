"""What tests of PostgreSQL's change feed share: a feed that is removed at the end, and reading it up to a mark."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from crossfade.model.positions import NO_FLOOR, Floor, Position
from crossfade.records.rows.keys import texts_of_key
from crossfade.stores.contract import ChangeFeed, Store
from crossfade.stores.contract.changes import ChangeBatch, Changes
from crossfade.stores.postgresql.store import open_postgresql


@dataclass
class Named:
    """What a feed has named: keys by entity as lists of texts, redefined entities, and the position after it."""

    position: Position
    floor: Floor = NO_FLOOR
    keys: dict[str, set[tuple[str, ...]]] = field(default_factory=dict)
    redefined: set[str] = field(default_factory=set)
    batches: list[ChangeBatch] = field(default_factory=list)

    def add(self, batch: ChangeBatch) -> None:
        self.batches.append(batch)
        self.position, self.floor = batch.position, batch.floor
        self.redefined.update(batch.redefined)
        for listed in batch.changed:
            self.keys.setdefault(listed.entity, set()).update(tuple(texts_of_key(key)) for key in listed.keys)


SECONDS = 120.0


@dataclass
class Followed:
    """A feed with its store."""

    store: Store
    feed: ChangeFeed

    def read(self, since: Position, *, confirm: bool = False, seconds: float = SECONDS) -> Named:
        """Read until everything that is written now is named."""
        mark = self.feed.heartbeat()
        return self.read_until(since, mark, confirm=confirm, seconds=seconds)

    def read_until(self, since: Position, mark: Position, *, confirm: bool = False, seconds: float = SECONDS) -> Named:
        named, deadline = Named(since), time.monotonic() + seconds
        stream = self.feed.changes(since)
        for batch in stream:
            named.add(batch)
            if confirm:
                self.feed.durable(batch.position)
            if self.feed.reached(batch.position, mark):
                break
            assert time.monotonic() < deadline, f"the mark did not come: {named}"
        if confirm:
            next(stream)  # it confirms when it goes on
        stream.close()  # type: ignore[attr-defined]
        return named


@contextmanager
def following(url: str, entities: Sequence[str], name: str = "") -> Iterator[Followed]:
    """Provide a feed that is not started; what it creates is removed at the end."""
    with open_postgresql(url) as store:
        feed = changes_of(store).feed(name or secrets.token_hex(6), entities)
        try:
            yield Followed(store, feed)
        finally:
            feed.finish()
            feed.close()


def changes_of(store: Store) -> Changes:
    assert store.changes is not None
    return store.changes
