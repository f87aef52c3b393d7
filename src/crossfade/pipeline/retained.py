"""Watch how much the source retains for the feed, and remove the feed before the source's disk is full.

This has a thread and a connection of its own, and does not use the target before the feed is removed: the source
retains most when the target hangs.
"""

from __future__ import annotations

from contextlib import suppress

from crossfade.errors import CrossfadeError
from crossfade.journal import feed as feeds
from crossfade.model.events import FeedRemoved
from crossfade.pipeline.threads import Following
from crossfade.runtime.session import session
from crossfade.stores.contract import ChangeFeed, PositionLost, need

SECONDS = 1.0


class Retained:
    """Watches until the run ends, and ends it with PositionLost when the source retains more than `limit` bytes."""

    def __init__(self, limit: float) -> None:
        self._limit = limit

    def __call__(self, following: Following) -> None:
        while not following.stop.wait(SECONDS):
            with suppress(CrossfadeError), following.work.open_source() as source:
                changes = need(source.changes, source, "follow changes")
                feed = changes.feed(following.name, following.entities)
                try:
                    retained = self._watched(following, feed)
                    if retained is not None:
                        self._remove(following, feed, retained)
                finally:
                    feed.close()

    def _watched(self, following: Following, feed: ChangeFeed) -> int | None:
        """Return the number of bytes that the source retains once it exceeds the limit, or None if the run has ended
        before.
        """
        while not following.stop.is_set():
            retained = feed.backlog()
            if retained is not None and retained > self._limit:
                return retained
            following.stop.wait(SECONDS)
        return None

    def _remove(self, following: Following, feed: ChangeFeed, retained: int) -> None:
        """Remove the feed. Errors are retried a second later. The reader may notice first that the feed is gone."""
        following.removed = PositionLost(
            f"the source retained {retained:,} bytes for the feed, more than limits.backlog_gb allows: the feed was"
            " removed before the source's disk is full; changes from now on are not recorded",
            hint="see why the target did not keep up; then crossfade start compares everything",
        )
        try:
            feed.finish()
        except CrossfadeError:
            following.removed = None
            raise
        following.tell(FeedRemoved(retained, int(self._limit)))
        following.end(following.removed)
        with session(following.work).transaction() as tx:
            feeds.set_state(tx, "lost", following.removed.message)
