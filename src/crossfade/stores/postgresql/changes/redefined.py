"""Detects that a table was redefined. The last definition that the journal knows is stored at the source, with the
objects of the feed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from crossfade.records.rows.keys import key_of_texts
from crossfade.stores.contract.changes import BY_KEY, NamedBy
from crossfade.stores.postgresql.changes.control import Control, queries
from crossfade.stores.postgresql.changes.definitions import Definition
from crossfade.stores.postgresql.changes.tables import Followed, existing

MOST_KEYS = 100_000
"""How many keys of a new partition are named. If it has more, the table counts as redefined."""


@dataclass(frozen=True)
class Look:
    """What a check found: entities of which every key may have changed, and the keys of rows in new partitions."""

    redefined: tuple[str, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()


class Installed(Protocol):
    """The objects of a feed at the source that depend on the definitions of tables."""

    def noted(self) -> dict[str, Definition]:
        """Return the definitions that were noted. Raises PositionLost if the objects are gone."""
        ...

    def note(self, found: Mapping[str, Definition]) -> None: ...

    def definitions(self, tables: Sequence[Followed]) -> dict[str, Definition]:
        """Return the definition of each table that exists under its name."""
        ...

    def renew(self, table: Followed) -> None:
        """Follow the table as it is now, or stop following it if that would make its writers fail."""
        ...

    def faults(self, table: Followed) -> Iterator[str]:
        """Yield why a table cannot be followed."""
        ...


def unreported(
    control: Control, installed: Installed, entities: Sequence[str], version: int, named_by: NamedBy = BY_KEY
) -> list[str]:
    """Return the entities whose tables are not as they were noted. Raises PositionLost if the objects of the feed are
    gone.
    """
    noted = installed.noted()
    tables, _ = existing(control.rows, entities, version, named_by)
    now = installed.definitions(tables)
    return [entity for entity in entities if now.get(entity) != noted.get(entity)]


class Redefined:
    """The tables of a feed as they were last reported. Raises PositionLost if the objects of the feed are gone."""

    def __init__(
        self,
        control: Control,
        installed: Installed,
        entities: Sequence[str],
        version: int,
        named_by: NamedBy = BY_KEY,
    ) -> None:
        self._control, self._installed, self._entities, self._version = control, installed, entities, version
        self._named_by = named_by
        self._known = installed.noted()
        self.tables, _ = existing(control.rows, entities, version, named_by)

    def look(self) -> Look:
        """Return what has changed since the last call. A table that replaced another is followed."""
        now = self._installed.definitions(self.tables)
        changed = [entity for entity in self._entities if now.get(entity) != self._known.get(entity)]
        if not changed:
            return Look()
        self.tables, _ = existing(self._control.rows, self._entities, self._version, self._named_by)
        tables = {table.entity: table for table in self.tables}
        redefined, keys = [], []
        for entity in changed:
            named = self._brought(tables.get(entity), self._known.get(entity), now.get(entity))
            if named is None:
                redefined.append(entity)
            else:
                keys += [(entity, key) for key in named]
        for entity in redefined:
            if entity in tables:
                self._installed.renew(tables[entity])
        renewed = self._installed.definitions([tables[entity] for entity in redefined if entity in tables])
        self._known = {**{entity: one for entity, one in now.items() if entity not in redefined}, **renewed}
        return Look(tuple(redefined), tuple(keys))

    def note(self) -> None:
        """Store the present definitions: the journal has the changes that `look` returned."""
        self._installed.note(self._known)

    def _brought(
        self, table: Followed | None, before: Definition | None, now: Definition | None
    ) -> Sequence[str] | None:
        """Return the keys of rows in new partitions, or None if anything else has changed."""
        if table is None or before is None or now is None or (added := now.added(before)) is None:
            return None
        keys = list(self._keys_of(table, added))
        return None if len(keys) > MOST_KEYS or list(self._installed.faults(table)) else keys

    def _keys_of(self, table: Followed, partitions: Sequence[str]) -> Iterator[str]:
        """Yield the keys of rows that were in partitions before they belonged to the table."""
        texts = ", ".join(f"{column.sql}::text" for column in table.key)
        for oid in partitions:
            for (name,) in self._control.rows(queries()["table_name"].format(oid=oid)):
                statement = queries()["keys_of"].format(texts=texts, table=name, most=MOST_KEYS + 1)
                yield from map(key_of_texts, self._control.rows(statement))
