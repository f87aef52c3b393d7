"""What was copied by another mapping or shape than there is now."""

from __future__ import annotations

from crossfade.journal import agreed
from crossfade.move.context import Context
from crossfade.stores.contract import TargetTransaction


def changed(context: Context, tx: TargetTransaction) -> list[agreed.Part]:
    """The tables and entities of which that is so, and those that came later.

    None where an older crossfade has copied them, which noted nothing of it.
    """
    then = agreed.find(tx)
    return sorted(part for part, digest in context.parts.items() if then.get(part) != digest) if then else []


def sentence(part: agreed.Part) -> str:
    kind, name = part
    what = "the mapping or a discard" if kind == agreed.TABLE else "the shape or a discard"
    return f"{what} of {name} has changed since it was copied: crossfade copy --{kind} {name} --again"
