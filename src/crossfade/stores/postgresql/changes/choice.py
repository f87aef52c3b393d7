"""Choose the kind of feed: the log if the server and the role allow it, triggers otherwise.

A feed that was started keeps its kind, whatever the server allows later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crossfade.model.positions import Position
from crossfade.model.quoting import literal
from crossfade.stores.contract.changes import BY_KEY, ChangeBatch, ChangeFeed, NamedBy, Started
from crossfade.stores.postgresql.changes.control import Control, queries
from crossfade.stores.postgresql.changes.feed import LogFeed
from crossfade.stores.postgresql.changes.requirements import server
from crossfade.stores.postgresql.changes.triggers.feed import TriggerFeed
from crossfade.stores.postgresql.changes.triggers.names import exists
from crossfade.stores.postgresql.changes.triggers.requirements import lacking


def own_name(name: str) -> str:
    """Return the prefix of the names of everything that a feed creates, so that a person sees where it comes from."""
    return name if name.startswith("crossfade") else f"crossfade_{name}"


def can_have_triggers(control: Control, entities: Sequence[str], named_by: NamedBy = BY_KEY) -> bool:
    """Return whether triggers take the place of the log: if the server or the role does not allow reading it, or if
    columns are needed that the log does not have for deleted rows.
    """
    return bool(named_by or server(control)) and not list(lacking(control, entities, named_by))


class PostgresFeed:
    """A feed by the log or by triggers, which is decided on first use."""

    def __init__(self, url: str, name: str, entities: Sequence[str], named_by: NamedBy = BY_KEY) -> None:
        self._name, self._entities, self._named_by = name, entities, named_by
        self._control = Control(url)
        self._log, self._triggers = LogFeed(url, name, entities), TriggerFeed(url, name, entities, named_by)
        self._chosen: ChangeFeed | None = None

    def start(self) -> Started:
        self.finish()
        by_triggers = can_have_triggers(self._control, self._entities, self._named_by)
        self._chosen = self._triggers if by_triggers else self._log
        return self._chosen.start()

    def finish(self) -> None:
        self._log.finish()
        self._triggers.finish()
        self._chosen = None

    def created(self) -> Sequence[str]:
        return [*self._log.created(), *self._triggers.created()]

    def close(self) -> None:
        for part in (self._control, self._log, self._triggers):
            part.close()

    def position(self) -> Position:
        return self._feed.position()

    def heartbeat(self) -> Position:
        return self._feed.heartbeat()

    def changes(self, since: Position) -> Iterator[ChangeBatch]:
        if ":" in since.token:  # a snapshot: the feed is one by triggers, even if they are gone
            self._chosen = self._triggers
        return self._feed.changes(since)

    def reached(self, position: Position, mark: Position) -> bool:
        return self._feed.reached(position, mark)

    def durable(self, position: Position) -> None:
        self._feed.durable(position)

    def backlog(self) -> int | None:
        return self._feed.backlog()

    def unreported(self) -> Sequence[str]:
        return self._feed.unreported()

    @property
    def _feed(self) -> ChangeFeed:
        """Return the feed that was started. If it is gone, return one that reports the loss."""
        if self._chosen is None:
            by_log = self._control.rows(queries()["noted"].format(publication=literal(self._name)))
            by_triggers = not by_log and (bool(self._named_by) or exists(self._control.rows, self._name))
            self._chosen = self._triggers if by_triggers else self._log
        return self._chosen


_: type[ChangeFeed] = PostgresFeed
