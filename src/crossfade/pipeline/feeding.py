"""Read the feed of a source into the journal, in a thread of its own, from before the copy until the run ends.

Only this thread writes the position. The keys of a batch and the position after it are one transaction, so a run that
is killed resumes with the first batch that the journal does not have.
"""

from __future__ import annotations

from crossfade.errors import CrossfadeError
from crossfade.journal import feed as feeds
from crossfade.journal import journal
from crossfade.journal.feed import FeedRecord
from crossfade.model.positions import Position
from crossfade.pipeline.threads import Endurance, Following
from crossfade.runtime.session import Session, session
from crossfade.stores.contract import ChangeBatch, ChangeFeed, PositionLost


def read_feed(following: Following) -> None:
    """Read until the run ends. Raises PositionLost, and records it in the journal, if the source no longer has the next
    changes; Busy if another run has taken over, which may have removed the feed.
    """
    endurance = Endurance(following)
    while not following.stop.is_set():
        try:
            with following.feed() as (s, feed):
                _read(following, s, feed, endurance)
        except PositionLost as lost:
            following.lost = why = following.removed or lost
            _note_lost(following, why)
            raise why from lost
        except CrossfadeError as error:
            if not error.passing:
                noted(session(following.work))
            endurance.pause(error)


def _read(following: Following, s: Session, feed: ChangeFeed, endurance: Endurance) -> None:
    for batch in feed.changes(noted(s).position):
        _note_batch(s, following, batch)
        feed.durable(batch.position)
        _tell_marks(following, feed, batch.position)
        if batch.changed or batch.redefined:
            following.wake.set()
        endurance.goes_on()
        if following.stop.is_set():
            return


def noted(s: Session) -> FeedRecord:
    with s.transaction() as tx:
        found = feeds.find(tx)
    assert found is not None, "the journal has no feed"
    return found


def _note_batch(s: Session, following: Following, batch: ChangeBatch) -> None:
    """While records are applied, wait for a transaction that decides about many: it finds them one after the other, so
    both could wait for records that the other has put in.
    """
    with s.transaction() as tx:
        if following.is_applying and batch.changed and s.target.traits.parallel_apply:
            journal.share_move(tx)
        following.note_batch(tx, batch)
        feeds.advance(tx, batch.position, batch.floor)


def _tell_marks(following: Following, feed: ChangeFeed, position: Position) -> None:
    following.marks.named(lambda mark: feed.reached(position, mark))
    if following.marks.all_named:
        following.wake.set()


def _note_lost(following: Following, lost: PositionLost) -> None:
    with session(following.work).transaction() as tx:
        feeds.set_state(tx, "lost", lost.message)
