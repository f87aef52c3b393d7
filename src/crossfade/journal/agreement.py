"""Check that a target belongs to this move, and that nothing has changed that was fixed when the move began."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from crossfade.errors import NotEmpty, Refused, Stale
from crossfade.journal import cutover
from crossfade.journal.migrations import OLDEST
from crossfade.journal.moves import COPYING, FINISHED, PREPARED, VERSION, MoveRecord, find_move
from crossfade.journal.status import Status
from crossfade.model.counts import counted
from crossfade.stores.contract import TargetTransaction

VERSIONS = range(OLDEST, VERSION + 1)
"""The versions of a journal that this crossfade can use."""


def require_own(move: MoveRecord, target_url: str, name: str, schema_digest: str) -> None:
    """Raise NotEmpty if the target belongs to another move, Stale if its schema has changed since."""
    if move.version not in VERSIONS:
        raise Refused(
            f"the journal in {target_url} has version {move.version}, but this crossfade knows version {VERSION};"
            " nothing was written",
            hint="continue with the crossfade that began this move",
        )
    if move.name != name:
        raise NotEmpty(
            f"the target {target_url} belongs to the move {move.name!r}, not {name!r}; nothing was written",
            hint="name another database",
        )
    if move.schema_digest != schema_digest:
        raise Stale(
            "the target schema has changed since this move began; nothing was written",
            hint="crossfade copy --table TABLE --again, which adds new columns and tables; for any other change restore"
            " the schema, or start over with the new one: crossfade reset, then crossfade run",
        )


_TO_GO_ON = "restore it, and change it when everything is copied (quarantine retry); or start over: "
_OVER = {PREPARED: "crossfade copy --restart", COPYING: "crossfade copy --restart"}
_AFTER_CHUNKS = "crossfade reset, then crossfade run"  # indexes and constraints may exist by then
_TO_COPY_ANEW = (
    "crossfade copy --table TABLE --again, for the tables that it affects; or crossfade quarantine retry and crossfade"
    " verify, which use it as it is now"
)


def to_start_over(stage: str | None) -> str:
    """Return the commands that copy everything again."""
    return _OVER.get(stage or "", _AFTER_CHUNKS)


def require_same(move: MoveRecord, digests: Mapping[str, str], chunks_done: int) -> bool:
    """Return whether mapping and lock file are still those with which the move began.

    Raises Stale if they are not and chunks have been copied.
    """
    done = counted(chunks_done, "chunk is", "chunks are")
    for name, what in (("mapping_digest", "a mapping or a discard"), ("lock_digest", "source.lock.json")):
        if getattr(move, name) != digests[name]:
            if not chunks_done:
                return False
            raise Stale(
                f"{what} has changed since the copy began, and {done} copied; nothing was written",
                hint=_TO_COPY_ANEW if move.stage == FINISHED else _TO_GO_ON + to_start_over(move.stage),
            )
    return True


def require_nothing_left(move: MoveRecord, digests: Mapping[str, str], chunks_left: int) -> None:
    """Raise Stale if a mapping has changed while chunks are still to be copied: they would be copied with another
    mapping than those before them.
    """
    left = counted(chunks_left, "chunk is", "chunks are")
    if chunks_left and move.mapping_digest != digests["mapping_digest"]:
        raise Stale(
            f"a mapping or a discard has changed since the copy began, and {left} not copied yet; nothing was written",
            hint="restore the mapping, run crossfade copy, and then change it; or start over: crossfade copy --restart",
        )


def require_made(
    status: Status, entities: Collection[str], tables: Collection[str], discarded: Collection[str] = ()
) -> None:
    """Raise Refused if an entity was copied or a table filled that no mapping refers to now: it would not be compared,
    and the verdict would be "equal" nevertheless. Entities that are `discarded` as a whole were not copied, unless they
    were discarded after the copy.
    """
    left = [
        e.entity
        for e in status.entities
        if e.counts.source - (e.counts.discarded if e.entity in discarded else 0) and e.entity not in entities
    ]
    left += [table for table, rows in status.rows.items() if rows and table not in tables]
    if left:
        raise Refused(
            f"no mapping includes {', '.join(dict.fromkeys(left))} any more, which was copied; nothing was compared",
            hint="restore the mapping; or start over: crossfade reset, then crossfade run",
        )


def require_before_cutover(tx: TargetTransaction) -> None:
    """Raise Refused if the target was opened to the application: Crossfade may no longer change its rows."""
    move = find_move(tx)
    if move is None or move.version < cutover.SINCE:
        return
    found = cutover.find(tx)
    if found.stage in cutover.AFTER:
        raise Refused(
            f"the target was opened to the application at {found.changed_at}: it has what was written since, and"
            " nothing of the source is applied to it any more; nothing was changed",
            hint="crossfade status",
        )
