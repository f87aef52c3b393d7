"""Check that what was read is one state of the source, and all of it."""

from __future__ import annotations

from collections.abc import Mapping

from crossfade.errors import Stale
from crossfade.move.context import Context
from crossfade.stores.contract import Written, need
from crossfade.verify.all_read import not_all_read


def require_steady(context: Context, doing: str) -> None:
    """Raise Stale if the source was written since this run began, with the entities that changed. A source that is
    followed or polled may be written.
    """
    written = None if context.source.changed is None else context.source.changed()
    if written is not None and not context.may_be_written:  # last: it opens the target
        raise Stale(
            f"{_what(written, doing)}: records of two states may have been read",
            hint="stop what writes to the source, then run crossfade survey, reset, run",
        )


def _what(written: Written, doing: str) -> str:
    if written.entities:
        return f"{', '.join(written.entities)} changed in the source during the {doing}"
    return (
        f"something was committed to {written.place} during the {doing} (its rows are the same now; also VACUUM,"
        " ANALYZE, or a new index does that)"
    )


def require_all_read(context: Context, snapshot: str, read: Mapping[str, int]) -> None:
    """Raise CrossfadeError if an entity does not have as many records as were read by ranges of its key, in the state
    that was read.
    """
    if context.source.snapshot is None or (context.may_be_written and not snapshot):
        return
    reader = need(context.source.reader, context.source, "read records")
    for entity, number in sorted(read.items()):
        there = reader.count(entity)
        if there != number and context.snapshot == snapshot:  # the state is another one after a lost connection
            raise not_all_read(entity, number, there)
