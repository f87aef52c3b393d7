"""The state of a feed by triggers: the definitions of its tables, and the table with the changes of each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from crossfade.model.quoting import literal
from crossfade.stores.contract.changes import PositionLost
from crossfade.stores.postgresql.changes import definitions
from crossfade.stores.postgresql.changes.control import Control
from crossfade.stores.postgresql.changes.definitions import Definition
from crossfade.stores.postgresql.changes.redefined import Installed
from crossfade.stores.postgresql.changes.tables import Followed
from crossfade.stores.postgresql.changes.triggers import install
from crossfade.stores.postgresql.changes.triggers.names import exists, head, pattern, queries
from crossfade.stores.postgresql.reading.lookup import text_array


class Triggers:
    """The triggers of a feed (`redefined.Installed`). A definition includes their state, because nothing is noted while
    they are disabled.
    """

    def __init__(self, control: Control, name: str) -> None:
        self._control, self._name = control, name
        self.numbers: dict[str, int] = {}
        self.purged = 0
        self.began = ""
        """What a snapshot saw when all triggers had been created; "" if an older version created the feed."""
        self._noted: dict[str, Definition] = {}

    def noted(self) -> dict[str, Definition]:
        self.require()
        rows = self._control.rows(queries()["noted"].format(head=head(self._name)))
        if not rows:
            raise _gone(self._name)
        ((purged, text),) = rows
        stored = json.loads(text)
        self.purged, self.numbers = int(purged), stored.get("numbers", {})
        self.began = stored.get("began", "")
        self._noted = definitions.from_text(stored.get("definitions", ""))
        return self._noted

    def note(self, found: Mapping[str, Definition]) -> None:
        self._noted = dict(found)
        self._save()

    def definitions(self, tables: Sequence[Followed]) -> dict[str, Definition]:
        found = definitions.definitions(self._control, tables)
        states = self._states([table for table in tables if table.entity in found])
        return {
            entity: Definition(
                one.digest, {oid: f"{one.partitions.get(oid, '')} {state}" for oid, state in states[entity].items()}
            )
            for entity, one in found.items()
        }

    def renew(self, table: Followed) -> None:
        """Install the triggers of a table again: it may be another table, with another key."""
        if list(self.faults(table)):
            return
        number = max(self.numbers.values(), default=0) + 1
        install.install(self._control, self._name, number, table)
        former = self.numbers.get(table.entity)
        self.numbers[table.entity] = number
        self._save()
        if former is not None:
            install.remove_one(self._control, self._name, former)

    def faults(self, table: Followed) -> Iterator[str]:
        return faults(table)

    def require(self) -> None:
        """Raise PositionLost if there is no such feed."""
        if not exists(self._control.rows, self._name):
            raise _gone(self._name)

    def _states(self, tables: Sequence[Followed]) -> dict[str, dict[str, str]]:
        if not tables:
            return {}
        statement = queries()["triggers"].format(
            entities=text_array([table.entity for table in tables]),
            oids=text_array([table.relation.oid for table in tables]),
            pattern=pattern(self._name),
        )
        found: dict[str, dict[str, str]] = {}
        for entity, oid, state in self._control.rows(statement):
            found.setdefault(entity, {})[oid] = state
        return found

    def _save(self) -> None:
        noted = definitions.as_text(self._noted)
        text = json.dumps({"numbers": self.numbers, "definitions": noted, "began": self.began}, ensure_ascii=False)
        self._control.rows(queries()["note"].format(head=head(self._name), definitions=literal(text)))


def _gone(name: str) -> PositionLost:
    return PositionLost(
        f"the table {head(name)} is gone or empty, so what has changed since is unknown",
        hint="crossfade start, which takes a new position and compares everything that may have changed",
    )


def faults(table: Followed) -> Iterator[str]:
    """Yield why triggers cannot follow a table."""
    yield from table.faults_of_key()
    if table.parts and not table.parts[0].is_own:
        yield f"{table.name}: only its owner can add triggers that always fire (connect as the owner)"
    for part in table.parts:
        if part.persistence == "u":
            yield (
                f"{part.name} is not logged: a crash of the server empties it, and no trigger fires for that:"
                f" ALTER TABLE {part.name} SET LOGGED"
            )


_: type[Installed] = Triggers
