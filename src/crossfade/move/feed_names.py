"""The names of a move's feeds, the same in every run, and of no other move: one feed is followed at a time."""

from __future__ import annotations

import hashlib
import re
from contextlib import closing, suppress
from dataclasses import dataclass

from crossfade.errors import CrossfadeError, Refused
from crossfade.journal import cutover as stages
from crossfade.journal import feed as feeds
from crossfade.project import Project
from crossfade.stores.contract import ChangeFeed, Store, Transaction


@dataclass(frozen=True)
class FeedNames:
    """`forward` names the source's feed; `back` the target's, and what is created in the source for the way back."""

    forward: str
    back: str


def names_of(project: Project, target: str) -> FeedNames:
    """Return the names. `target` is the target's URL, as it is shown."""
    slug = re.sub(r"[^a-z0-9]+", "_", project.name.lower()).strip("_")[:18]
    digest = hashlib.sha256(repr((project.name, target)).encode()).hexdigest()[:10]
    return FeedNames(f"crossfade_{slug}_{digest}", f"crossfade_back_{digest}")


def remove_unused(transact: Transaction, source: Store, target: Store, names: FeedNames) -> None:
    """Remove the feed that a cutover or a rollback created before it stepped back, or could not remove. After an error,
    the next call tries it again. Neither side can be closed meanwhile; a cutover or rollback that is under way checks
    that its feed exists after it has closed a side (`require_there`).
    """
    with suppress(CrossfadeError), transact() as tx:
        stage, record = stages.hold(tx).stage, feeds.find(tx)
        is_back = record is not None and record.is_back
        if stage in (stages.SOURCE, stages.BACK) and not is_back:
            remove(target, names.back)
        if stage == stages.TARGET and is_back:
            remove(source, names.forward)


def require_there(feed: ChangeFeed, side: str) -> None:
    """Raise Refused if a feed that was just created has been changed or removed: a run that began meanwhile takes it
    for a leftover, and a person may remove it too.
    """
    with closing(feed):
        if changed := feed.unreported():
            raise Refused(
                f"the new feed of the {side} was changed meanwhile ({', '.join(changed)})",
                hint="the same command again",
            )


def remove(store: Store, name: str) -> None:
    """Remove a feed, if there is one."""
    if store.changes is not None:
        with closing(store.changes.feed(name, ())) as feed:
            feed.finish()
