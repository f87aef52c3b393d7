"""Where each group of entities stands."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from crossfade.errors import CrossfadeError, Unreachable
from crossfade.journal import cutover as stages
from crossfade.journal.status import FollowStatus
from crossfade.move import evidence, starting
from crossfade.move.context import Context

FINISHED = "finished"
"""The stage of a group whose journal is dropped, because its move has ended."""


@dataclass(frozen=True)
class GroupState:
    """`stage` is that of its cutover, or FINISHED; `following` is its run. Both are None before the move has begun."""

    name: str
    entities: tuple[str, ...]
    stage: str | None = None
    following: FollowStatus | None = None


def states(context: Context) -> list[GroupState]:
    """Return the groups of the project in order, the other entities last. Nothing if it has no groups."""
    can_ask, found = True, list[GroupState]()
    for name in context.project.group_names:
        try:
            found.append(_state(context, name, ask_source=can_ask))
        except Unreachable:
            can_ask = False
            found.append(_state(context, name, ask_source=False))
    return found


def _state(context: Context, name: str, *, ask_source: bool) -> GroupState:
    """Return the state of a group. Raises Unreachable, if the source has to be asked and may be."""
    with closing(Context(context.project.of_group(name))) as one:
        entities = tuple(sorted(one.shapes))
        if not one.has_journal:
            is_finished = evidence.newest(one.project.root, name) is not None or (
                ask_source and _is_closed_for_good(one)
            )
            return GroupState(name, entities, FINISHED if is_finished else None)
        following = starting.status(one)
        with one.transaction() as tx:
            return GroupState(name, entities, stages.find(tx).stage, following)


def _is_closed_for_good(context: Context) -> bool:
    """Return whether `finish` has closed the group's part of the source; False if this login cannot see that."""
    try:
        fence = context.source.fence
        if fence is not None:
            state = fence.state()
            return state.closed and not state.token
    except Unreachable:
        raise
    except CrossfadeError:
        pass
    return False
