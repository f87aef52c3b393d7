"""Groups of entities that are moved one by one: each is a move of its own, with a journal, a feed and a stage.

They share the source, the target and nothing else. So a move checks only three things about the others: that no entity
is in two journals, that nothing crosses a border, and that their tables are closed in the target before an application
writes to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, suppress

from crossfade.errors import Busy, Misused, Refused
from crossfade.journal import cutover as stages
from crossfade.journal import journal, rehearsed
from crossfade.journal.cutover import SOURCE
from crossfade.move.context import Context
from crossfade.project import FILE_NAME
from crossfade.shift.plan import CLOSE_TARGET
from crossfade.stores.contract import Fence, need


def require_one(context: Context) -> None:
    """Raise Misused if the project has groups and none is named: each group is a move of its own."""
    names = context.project.group_names
    if names and not context.project.group:
        raise Misused(
            f"{FILE_NAME} has groups, each of which is moved alone; nothing was done",
            hint=f"--group {' | '.join(names)}",
        )


def others(context: Context) -> Iterator[Context]:
    """Yield the other groups whose moves have begun, each open until the next one."""
    project = context.project
    for name in project.group_names:
        if name != project.group:
            with closing(Context(project.of_group(name))) as other:
                if other.has_journal:
                    yield other


def require_apart(context: Context) -> None:
    """Raise Refused if an entity was moved by another group: [groups] has changed since."""
    if not context.project.group:
        return
    if context.has_journal:
        _require_own_entities(context)
    for other in others(context):
        _require_own_entities(other)


def _require_own_entities(context: Context) -> None:
    with context.transaction() as tx:
        moved = {record.chunk.entity for record in journal.chunks(tx)}
    group = context.project.group
    if strange := sorted(e for e in moved if not context.project.has_entity(e)):
        raise Refused(
            f"the group {group} has moved {', '.join(strange)}, which {FILE_NAME} puts into another group;"
            " nothing was changed",
            hint=f"[groups] as it was; or crossfade reset --group {group}, and the copy again",
        )


def close_others(context: Context, seconds: float) -> dict[str, Fence]:
    """Close the target's tables of the other groups, unless they were opened. Return the fences by group.

    Otherwise an application that knows of the target could write rows there that still come from the source. A closed
    target is also what a cutover that stepped back leaves, so nothing has to be undone. Raises Busy while another group
    is cut over.
    """
    return {other.project.group: fence_of(other) for other in others(context) if _close(other, seconds)}


def require_closed(fences: Mapping[str, Fence]) -> None:
    """Raise Refused if a table of another group could be written on both sides, when the target is opened now."""
    if found := [group for group, fence in fences.items() if not fence.state().closed]:
        raise Refused(f"the target takes writes of groups that are still at the source: {', '.join(found)}")


def close_if_others_were(context: Context) -> None:
    """Close the target's tables of a group whose move has just begun, if a cutover of another one has ever begun: an
    application may write to the target already, or be told of it now.
    """
    if any(record.token for record in _stages_of_others(context)):
        _close(context, context.project.settings.cutover.fence_s)


def may_open(context: Context) -> bool:
    """Return whether the target may be opened again after a rehearsal: no application is told of it."""
    return all(record.stage == SOURCE for record in _stages_of_others(context))


def _stages_of_others(context: Context) -> list[stages.CutoverRecord]:
    found = []
    for other in others(context):
        with other.transaction() as tx:
            found.append(stages.find(tx))
    return found


def _close(context: Context, seconds: float) -> bool:
    """Close the target's tables of a group as its controller, if it is at the source; return whether it is."""
    with suppress(_AtTarget), context.transaction() as tx:
        token = stages.take_over(tx)
        stage = stages.find(tx).stage
        if stage in stages.AFTER:
            raise _AtTarget  # the token stays as it was
        if stage != SOURCE:
            raise Busy(f"the group {context.project.group} is being cut over (stage {stage}); nothing was changed")
        for left in rehearsed.left_behind(tx):  # it must not open the target again
            cause = "another group was cut over"
            rehearsed.end(tx, left.id, left.steps, seconds=None, cause=cause)
        stages.begin_step(tx, token, 1, CLOSE_TARGET)
        fence = fence_of(context)
        fence.take_over(token)
        fence.close(token, seconds=seconds)
        stages.end_step(tx, token, 1, 0.0, "closed, because another group was cut over")
        return True
    return False


class _AtTarget(Exception):
    pass


def fence_of(context: Context) -> Fence:
    return need(context.target.fence, context.target, "refuse the writes of applications")
