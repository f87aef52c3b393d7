"""Open the source again after its controller died. The next command does it, or the run that follows."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from crossfade.errors import CrossfadeError
from crossfade.journal import agreement, cutover
from crossfade.model.events import SteppedBack
from crossfade.move import target_ownership
from crossfade.move.context import Context
from crossfade.move.feed_names import FeedNames, remove_unused
from crossfade.pipeline.threads import Following
from crossfade.runtime.session import session
from crossfade.shift import run
from crossfade.stores.contract import Fence, FenceState, Store, need

EVERY = 1.0
PATIENCE = 300.0
"""Seconds to wait for another controller; longer than its limits, unless the target cannot be reached."""


def settle(context: Context) -> bool:
    """Finish the step back of a controller that died. Return whether there was one, or a leftover fence."""
    move = target_ownership.find_move(context)
    if move is None or move.version < cutover.SINCE:
        return False
    stepped = run.settle(context.transaction, sides_of(context.source, context.target))
    if stepped:
        remove_unused(context.transaction, context.source, context.target, context.feed_names)
    if context.source.fence is None:
        return stepped
    return run.lift_stray(context.transaction, context.source.fence) or stepped


def is_cut_over(context: Context) -> bool:
    """Whether the target takes the application's writes, or took the last ones."""
    with context.transaction() as tx:
        return cutover.find(tx).stage in cutover.AFTER


def until_settled(context: Context) -> None:
    """Look once a second, until the rollback that has ended this run has opened a side. If its controller dies before,
    finish it.
    """
    stage, end = cutover.CLOSED, time.monotonic() + PATIENCE
    while stage in cutover.UNSETTLED_BACK and time.monotonic() < end:
        with suppress(CrossfadeError):
            settle(context)
            with context.transaction() as tx:
                stage = cutover.find(tx).stage
        if stage in cutover.UNSETTLED_BACK:
            time.sleep(EVERY)


def watch(following: Following, names: FeedNames) -> None:
    """Look once a second, until the run ends. After an error it is tried again."""
    while not following.stop.wait(EVERY):
        s = session(following.work)
        with suppress(CrossfadeError):
            if run.settle(s.transaction, sides_of(s.source, s.target)):
                remove_unused(s.transaction, s.source, s.target, names)
                following.tell(SteppedBack())
            if s.source.fence is not None and run.lift_stray(s.transaction, s.source.fence):
                following.tell(SteppedBack())


def cannot_open(target: Store) -> str | None:
    """Return why the target can never be opened by a cutover, as a sentence; None if it can."""
    if target.fence is None or target.traits.transactional_ddl:
        return None
    return f"{target.scheme} cannot be opened in the transaction that decides"


def sides_of(source: Store, target: Store) -> Callable[[], tuple[Fence, Fence]]:
    """Return what opens the fences of both sides when they are needed."""
    return lambda: (fence_of(source), fence_of(target))


def end_controller(context: Context) -> None:
    """Let no cutover decide any more that has outlived the run that followed. Raises Refused if one has decided."""
    with context.transaction() as tx:
        if cutover.find(tx).token > 0:
            cutover.take_over(tx)
            agreement.require_before_cutover(tx)


def remove_fences(context: Context) -> None:
    """Open both sides and remove what was made to close them, if a cutover was ever begun. What another move has closed
    stays closed.
    """
    with context.transaction() as tx:
        begun = cutover.find(tx).token > 0
    for store in (context.source, context.target) if begun else ():
        if store.fence is None:
            continue
        state = store.fence.state()
        if not (state.closed or state.token) or _is_ours(context, state):
            store.fence.remove(state.token)


def is_closed_by_others(context: Context, store: Store) -> bool:
    """Return whether another move has closed a side, or has closed it for good."""
    state = fence_of(store).state()
    return state.closed and not _is_ours(context, state)


def _is_ours(context: Context, state: FenceState) -> bool:
    with context.transaction() as tx:
        return cutover.is_ours(tx, state.token)


def fence_of(store: Store) -> Fence:
    return need(store.fence, store, "refuse the writes of applications")
