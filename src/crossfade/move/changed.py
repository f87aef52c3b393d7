"""Find what was copied with another mapping or shape than the current one."""

from __future__ import annotations

from crossfade.journal import agreed
from crossfade.move.context import Context
from crossfade.stores.contract import TargetTransaction


def changed(context: Context, tx: TargetTransaction) -> list[agreed.Part]:
    """Return the tables and entities that have changed since the copy, and those that were added later.

    The list is empty if an older crossfade copied them, because it recorded no digests.
    """
    then = agreed.find(tx)
    return sorted(part for part, digest in context.parts.items() if then.get(part) != digest) if then else []


def sentence(part: agreed.Part) -> str:
    kind, name = part
    what = "the mapping or a discard" if kind == agreed.TABLE else "the shape or a discard"
    return f"{what} of {name} has changed since it was copied: crossfade copy --{kind} {name} --again"
