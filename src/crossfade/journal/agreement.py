"""Whose target this is, and whether what was agreed when the move began still holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from crossfade.errors import NotEmpty, Refused, Stale
from crossfade.journal.migrations import OLDEST
from crossfade.journal.moves import COPYING, FINISHED, PREPARED, VERSION, MoveRecord
from crossfade.journal.status import Status
from crossfade.model.counts import counted

VERSIONS = range(OLDEST, VERSION + 1)
"""The versions of a journal that can be gone on with."""


def require_own(move: MoveRecord, target_url: str, name: str, schema_digest: str) -> None:
    """Raises NotEmpty where the target is another move's, Stale where the schema is not what it was made of."""
    if move.version not in VERSIONS:
        raise Refused(
            f"the journal in {target_url} is of version {move.version}, this crossfade knows version {VERSION};"
            " nothing was written",
            hint="go on with the crossfade that began this move",
        )
    if move.name != name:
        raise NotEmpty(
            f"the target {target_url} belongs to the move {move.name!r}, not {name!r}; nothing was written",
            hint="name another database",
        )
    if move.schema_digest != schema_digest:
        raise Stale(
            "the target schema has changed since this move began; nothing was written",
            hint="put the schema back; or start over with the new one: crossfade reset, then crossfade run",
        )


_TO_GO_ON = "put it back, and change it when all is copied (quarantine retry); or start over: "
_OVER = {PREPARED: "crossfade copy --restart", COPYING: "crossfade copy --restart"}
_AFTER_CHUNKS = "crossfade reset, then crossfade run"  # indexes and constraints may be made by then
_TO_COPY_ANEW = (
    "crossfade copy --table TABLE --again, for what it concerns; or crossfade quarantine retry and crossfade verify,"
    " which go by it as it is now"
)


def require_same(move: MoveRecord, digests: Mapping[str, str], chunks_done: int) -> bool:
    """Whether mapping and lock file are still those the move began with.

    Raises Stale where they are not, and chunks are copied already.
    """
    done = counted(chunks_done, "chunk is", "chunks are")
    for name, what in (("mapping_digest", "a mapping or a discard"), ("lock_digest", "source.lock.json")):
        if getattr(move, name) != digests[name]:
            if not chunks_done:
                return False
            raise Stale(
                f"{what} has changed since the copy began, and {done} copied; nothing was written",
                hint=_TO_COPY_ANEW if move.stage == FINISHED else _TO_GO_ON + _OVER.get(move.stage, _AFTER_CHUNKS),
            )
    return True


def require_nothing_left(move: MoveRecord, digests: Mapping[str, str], chunks_left: int) -> None:
    """Raises Stale where a mapping has changed while chunks are still to be copied: they would be made by another
    mapping than those before them.
    """
    left = counted(chunks_left, "chunk is", "chunks are")
    if chunks_left and move.mapping_digest != digests["mapping_digest"]:
        raise Stale(
            f"a mapping or a discard has changed since the copy began, and {left} not copied yet; nothing was written",
            hint="put the mapping back, crossfade copy, and change it then; or start over: crossfade copy --restart",
        )


def require_made(
    status: Status, entities: Collection[str], tables: Collection[str], discarded: Collection[str] = ()
) -> None:
    """Raises Refused where the copy took records of an entity, or wrote rows of a table, that no mapping speaks of now.
    Entities that are `discarded` as a whole were not copied, unless their discard came after the copy.

    They would not be compared, and the verdict would say "equal" all the same.
    """
    left = [
        e.entity
        for e in status.entities
        if e.counts.source - (e.counts.discarded if e.entity in discarded else 0) and e.entity not in entities
    ]
    left += [table for table, rows in status.rows.items() if rows and table not in tables]
    if left:
        raise Refused(
            f"the copy carried {', '.join(dict.fromkeys(left))}, and no mapping does so any more; nothing was compared",
            hint="put the mapping back; or start over: crossfade reset, then crossfade run",
        )
