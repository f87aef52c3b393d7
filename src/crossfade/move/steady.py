"""Whether the source stood still, for sources whose state cannot be shared between connections."""

from __future__ import annotations

from crossfade.errors import Stale
from crossfade.move.context import Context


def require_steady(context: Context, doing: str) -> None:
    """Raise Stale if the source was written since this run began, with the entities that changed."""
    source = context.source
    names = () if source.changed is None else source.changed()
    if names:
        raise Stale(
            f"{', '.join(names)} changed in the source during the {doing}: records of two states may have been read",
            hint="stop what writes to the source, then run crossfade survey, reset, run",
        )
