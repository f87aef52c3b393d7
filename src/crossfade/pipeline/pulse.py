"""Once a second, write a mark at the source, record in the journal that the run is alive and which lag was proven, and
check whether it is to stop.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from crossfade.errors import Busy, CrossfadeError
from crossfade.journal import feed as feeds
from crossfade.model.events import FeedSilent, LagProven
from crossfade.pipeline.threads import Following
from crossfade.runtime.session import Session
from crossfade.stores.contract import ChangeFeed

SECONDS = 1.0
SILENT = 10.0
"""Seconds after which a feed that has not reached a mark is reported, and again every minute."""


class Pulse:
    """Beats until the run ends, or until `ends` returns true. After an error, the next beat tries again. `waits_for`
    returns why nothing is applied at present.
    """

    def __init__(self, ends: Callable[[], bool], waits_for: Callable[[], str | None] = lambda: None) -> None:
        self._ends, self._waits_for, self._told = ends, waits_for, 0.0

    def __call__(self, following: Following) -> None:
        while self._goes_on(following):
            with suppress(CrossfadeError), following.feed() as (s, feed):
                self._beat(following, s, feed)
                while self._goes_on(following):
                    self._beat(following, s, feed)

    def _goes_on(self, following: Following) -> bool:
        if following.asked or self._ends():
            following.end()
        return not following.stop.wait(SECONDS)

    def _beat(self, following: Following, s: Session, feed: ChangeFeed) -> None:
        begun = time.monotonic()
        try:
            following.marks.written(feed.heartbeat(), begun)
        finally:
            _tell(following, s, _backlog(feed), self._waits_for())
        silent = following.marks.silent_for()
        if silent >= SILENT and begun - self._told >= 6 * SILENT:
            self._told = begun
            following.tell(FeedSilent(silent))


def _tell(following: Following, s: Session, backlog: int | None, throttled: str | None) -> None:
    lag = following.marks.new_lag()
    try:
        with s.transaction() as tx:
            feeds.tell(tx, backlog=backlog, lag_ms=None if lag is None else round(lag * 1000), throttled=throttled)
            record = feeds.find(tx)
    except Busy as error:
        following.end(error)
        return
    if lag is not None:
        following.tell(LagProven(lag, backlog))
    if record is None or record.stop_wanted:
        following.end()


def _backlog(feed: ChangeFeed) -> int | None:
    with suppress(CrossfadeError):
        return feed.backlog()
    return None
