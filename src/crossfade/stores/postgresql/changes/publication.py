"""The publication: the tables whose changes are read from the log, and their columns.

It is created only if it cannot make an UPDATE or DELETE of the application fail. This is checked under the lock that
CREATE PUBLICATION takes on the tables: their definitions cannot change, and writers do not wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from crossfade.errors import Refused
from crossfade.model.quoting import identifier, literal
from crossfade.stores.contract.changes import PositionLost
from crossfade.stores.postgresql.changes.control import Control, queries
from crossfade.stores.postgresql.changes.definitions import Definition, as_text, definitions, from_text
from crossfade.stores.postgresql.changes.redefined import Installed
from crossfade.stores.postgresql.changes.tables import Followed, followed
from crossfade.stores.postgresql.reading.relations import TABLE

WITH = "publish = 'insert, update, delete, truncate', publish_via_partition_root = true"


def create(control: Control, name: str, entities: Sequence[str], version: int) -> None:
    """Create the publication, and note in its comment how the tables are defined. Raises Refused, and creates nothing,
    if publishing a table would make writes of the application fail.
    """
    with control.speaking() as connection, connection.transaction():
        tables = followed(control.rows, entities, version)
        require_no_faults(tables)
        named = ", ".join(f"TABLE {table.published(version)}" for table in tables)
        connection.execute(f"CREATE PUBLICATION {name}{' FOR ' if named else ''}{named} WITH ({WITH})".encode())
        again = followed(control.rows, entities, version)
        require_no_faults(again)
        if [table.published(version) for table in again] != [table.published(version) for table in tables]:
            raise Refused("a table changed while it was published; nothing was created", hint="try again")
        note(control, name, definitions(control, again))


def note(control: Control, name: str, found: Mapping[str, Definition]) -> None:
    """Store the definitions of the tables in the publication's comment."""
    control.rows(f"COMMENT ON PUBLICATION {name} IS {literal(as_text(found))}")


def noted(control: Control, name: str) -> dict[str, Definition]:
    """Return the definitions that were noted. Raises PositionLost if there is no publication: the server skips the
    changes of its tables, from version 18 on without an error.
    """
    for (text,) in control.rows(queries()["noted"].format(publication=literal(name))):
        return from_text(text)
    raise PositionLost(
        f"the publication {name} is gone, so what has changed since is unknown",
        hint="crossfade start, which takes a new position and compares everything that may have changed",
    )


class Publication:
    """A publication that exists (`redefined.Installed`)."""

    def __init__(self, control: Control, name: str, version: int) -> None:
        self._control, self._name, self._version = control, name, version

    def noted(self) -> dict[str, Definition]:
        return noted(self._control, self._name)

    def note(self, found: Mapping[str, Definition]) -> None:
        note(self._control, self._name, found)

    def definitions(self, tables: Sequence[Followed]) -> dict[str, Definition]:
        return definitions(self._control, tables)

    def renew(self, table: Followed) -> None:
        with self._control.speaking() as connection, connection.transaction():
            if table.relation.oid in self._published():
                only = "ONLY " if table.relation.kind == TABLE else ""
                self._control.rows(f"ALTER PUBLICATION {self._name} DROP TABLE {only}{table.name}")
            if not list(table.faults()):
                self._control.rows(f"ALTER PUBLICATION {self._name} ADD TABLE {table.published(self._version)}")

    def faults(self, table: Followed) -> Iterator[str]:
        return table.faults()

    def _published(self) -> set[str]:
        statement = queries()["published"].format(publication=literal(self._name))
        return {oid for (oid,) in self._control.rows(statement)}


def drop(control: Control, name: str) -> None:
    control.rows(f"DROP PUBLICATION IF EXISTS {identifier(name)}")


def require_no_faults(tables: Sequence[Followed]) -> None:
    faults = [fault for table in tables for fault in table.faults()]
    if faults:
        raise Refused("\n".join(["these tables cannot be followed; nothing was created:", *faults]))


_: type[Installed] = Publication
