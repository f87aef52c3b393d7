"""A feed of tables by triggers: its objects at the source, and its positions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property

import psycopg

from crossfade.errors import Refused
from crossfade.model.positions import Floor, Position
from crossfade.stores.contract.changes import BY_KEY, ChangeBatch, ChangeFeed, NamedBy, PositionLost, Started
from crossfade.stores.postgresql.changes import snapshot
from crossfade.stores.postgresql.changes.control import Control, translated
from crossfade.stores.postgresql.changes.redefined import Redefined, unreported
from crossfade.stores.postgresql.changes.snapshot import Snapshot
from crossfade.stores.postgresql.changes.tables import followed
from crossfade.stores.postgresql.changes.triggers import install
from crossfade.stores.postgresql.changes.triggers.names import SCHEMA, pattern, queries
from crossfade.stores.postgresql.changes.triggers.polling import Polling
from crossfade.stores.postgresql.changes.triggers.state import Triggers, faults

_RESTART = "crossfade start, which takes a new position and compares everything that may have changed"


class TriggerFeed:
    """`name` is the prefix of the names of its objects."""

    def __init__(self, url: str, name: str, entities: Sequence[str], named_by: NamedBy = BY_KEY) -> None:
        self._url, self._name, self._entities, self._named_by = url, name, tuple(entities), named_by
        self._control = Control(url)
        self._durable: Position | None = None

    @cached_property
    def _version(self) -> int:
        ((version,),) = self._control.rows("SELECT pg_catalog.current_setting('server_version_num')")
        return int(version)

    def start(self) -> Started:
        self.finish()
        tables = followed(self._control.rows, self._entities, self._version, self._named_by)
        if found := [fault for table in tables for fault in faults(table)]:
            raise Refused("\n".join(["these tables cannot be followed; nothing was created:", *found]))
        install.create(self._control, self._name)
        triggers = Triggers(self._control, self._name)
        for table in tables:
            triggers.renew(table)
        triggers.began = seen(self.position())
        triggers.note(triggers.definitions(tables))
        at = self.position()
        return Started(at, Floor(seen(at)))

    def finish(self) -> None:
        install.remove(self._control, self._name)

    def created(self) -> Sequence[str]:
        return [
            f"the trigger {made} on {table}" if kind == "trigger" else f"the {kind} {SCHEMA}.{made}"
            for made, table, kind in self._control.rows(queries()["made"].format(pattern=pattern(self._name)))
        ]

    def close(self) -> None:
        self._control.close()

    def position(self) -> Position:
        ((token, micros),) = self._control.rows(queries()["now"])
        return Position(token, datetime.fromtimestamp(int(micros) / 1e6, UTC))

    def heartbeat(self) -> Position:
        return self.position()

    def reached(self, position: Position, mark: Position) -> bool:
        return of(position).sees_all_of(of(mark))

    def backlog(self) -> int | None:
        ((size,),) = self._control.rows(queries()["sizes"].format(pattern=pattern(self._name)))
        return int(size)

    def unreported(self) -> Sequence[str]:
        installed = Triggers(self._control, self._name)
        return unreported(self._control, installed, self._entities, self._version, self._named_by)

    def durable(self, position: Position) -> None:
        self._durable = position

    def changes(self, since: Position) -> Iterator[ChangeBatch]:
        triggers = Triggers(self._control, self._name)
        redefined = Redefined(self._control, triggers, self._entities, self._version, self._named_by)
        self._require(since, triggers)
        polling = Polling(self._url, self._control, self._name, triggers, redefined, since)
        try:
            for batch in polling:
                self._durable = None
                yield batch
                if self._durable is not None:
                    polling.confirm(self._durable)
        except psycopg.Error as error:
            raise translated(error, self._url) from error

    def _require(self, since: Position, triggers: Triggers) -> None:
        """Raise PositionLost if changes after `since` are gone or were never noted, or if another server has taken
        over.
        """
        now = self.position()
        if timeline(now) != timeline(since) or of(now).xmax < of(since).xmax:
            raise PositionLost("another server has taken over, which may lack what was followed last", hint=_RESTART)
        if triggers.purged > of(since).xmin:
            raise PositionLost("the changes after the journal's position were deleted already", hint=_RESTART)
        if triggers.began and not of(since).sees_all_of(snapshot.parse(triggers.began)):
            raise PositionLost(
                "the triggers were created again after the journal's position; changes in between were not recorded",
                hint=_RESTART,
            )


def seen(position: Position) -> str:
    """Return what a position's snapshot sees, as the server prints it."""
    return position.token.partition("@")[0]


def timeline(position: Position) -> str:
    return position.token.partition("@")[2]


def of(position: Position) -> Snapshot:
    return snapshot.parse(seen(position))


_: type[ChangeFeed] = TriggerFeed
