"""The part of the store that names changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from crossfade.model.positions import Floor
from crossfade.stores.contract import Reader
from crossfade.stores.contract.changes import BY_KEY, ChangeFeed, Changes, NamedBy
from crossfade.stores.postgresql.changes.choice import PostgresFeed, can_have_triggers, own_name
from crossfade.stores.postgresql.changes.control import Control
from crossfade.stores.postgresql.changes.reading import Readers
from crossfade.stores.postgresql.changes.requirements import lacking
from crossfade.stores.postgresql.changes.triggers.requirements import lacking as lacking_of_triggers


class PostgresChanges:
    """Connections are opened on first use."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._control = Control(url)
        self._readers = Readers(url)

    def check(self, entities: Sequence[str], named_by: NamedBy = BY_KEY) -> Sequence[str]:
        if named_by:
            return list(lacking_of_triggers(self._control, entities, named_by))
        missing = list(lacking(self._control, entities))
        return [] if missing and can_have_triggers(self._control, entities) else missing

    def feed(self, name: str, entities: Sequence[str], named_by: NamedBy = BY_KEY) -> ChangeFeed:
        return PostgresFeed(self._url, own_name(name), entities, named_by)

    @contextmanager
    def reading(self, floor: Floor) -> Iterator[Reader]:
        with self._readers.reader(floor) as reader:
            yield reader

    def close(self) -> None:
        self._control.close()
        self._readers.close()


_: type[Changes] = PostgresChanges
