"""What following and polling have in common: how a run begins, copies and ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from crossfade.errors import CrossfadeError
from crossfade.journal import feed as feeds
from crossfade.journal import journal
from crossfade.model.events import Event, Listener
from crossfade.move import checks, copying, source_identity, surveying, target_ownership
from crossfade.move.context import Context
from crossfade.pipeline.threads import Following


class Stopped(Exception):
    """The run is to end, in the middle of a phase."""


def prepare(context: Context, *, source_moved: bool, may_be_altered: bool = False) -> tuple[str, ...]:
    """Check that the move can be copied and followed, and make the target its own. `may_be_altered`: tables of the
    source may be, because following halts such an entity alone.

    Return the entities that were dropped and created again since the last run followed or polled them.
    """
    entities = surveying.entities(context)
    checks.require_current_lock(context, entities, may_be_altered=may_be_altered)
    checks.require_covered(context, may_be_altered=may_be_altered)
    context.throttle.require()
    target_ownership.own_target(context)
    return source_identity.require_same_source(
        context, entities, confirmed=source_moved, replaceable=context.may_be_written
    )


def copy_the_rest(context: Context, following: Following, state: feeds.State, *, source_moved: bool) -> None:
    """Copy what is not copied; then the move is in this state. Raises Stopped if the run is to end."""

    def goes_on() -> bool:
        if following.is_ending:
            raise Stopped
        return True

    listen = stoppable(following)
    if target_ownership.own_move(context).stage != journal.FINISHED:
        copying.copy(context, listen, source_moved=source_moved, goes_on=goes_on)
    else:
        copying.fill(context, listen)
    with context.transaction() as tx:
        feeds.go_over(tx, "copying", state)


def stoppable(following: Following) -> Listener:
    """Return a listener that ends a phase when the run is to end."""
    own = threading.current_thread()

    def listen(event: Event) -> None:
        following.tell(event)
        if following.is_ending and threading.current_thread() is own:
            raise Stopped

    return listen


def ends_in(seconds: float | None) -> Callable[[], bool]:
    end = None if seconds is None else time.monotonic() + seconds
    return lambda: end is not None and time.monotonic() >= end


@contextmanager
def noted_end(context: Context) -> Iterator[None]:
    """Note in the journal that the run has ended, and the error, if any."""
    cause: str | None = None
    try:
        yield
    except CrossfadeError as error:
        cause = error.message
        raise
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        raise
    finally:
        _leave(context, cause)


def _leave(context: Context, cause: str | None) -> None:
    try:
        with context.transaction() as tx:
            feeds.leave(tx, cause)
    except CrossfadeError:
        if cause is None:
            raise
