"""Whether the source is still the one that the copy began with."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from crossfade.errors import Stale
from crossfade.journal import agreed, agreement, journal
from crossfade.model.identity import Change, SourceIdentity, changed, is_same_place
from crossfade.move.context import Context
from crossfade.stores.contract import EntityInfo, need

CONFIRM = "crossfade copy --source-moved"


def identity_of(context: Context, entities: Sequence[EntityInfo]) -> SourceIdentity:
    source = context.source
    database, places = need(source.inspector, source, "be inspected").place()
    return SourceIdentity(database, places, {e.name: e.identity for e in entities if e.identity})


def require_same_source(
    context: Context,
    entities: Sequence[EntityInfo],
    *,
    confirmed: bool = False,
    replaceable: bool = False,
    anew: Collection[str] = (),
) -> tuple[str, ...]:
    """Raise Stale if this is not the source that the copy began with, or if it has another address and this is not
    `confirmed`. When a copy begins, record the identity of its source.

    An entity that was dropped and created again at the same place is refused, except in two cases. With `replaceable`
    it is returned, and the caller has to compare it. One of `anew` is copied from the beginning: its rows are removed.
    """
    now = identity_of(context, entities)
    with context.transaction() as tx:
        then, copied = journal.find_identity(tx), {record.chunk.entity for record in journal.chunks(tx)}
        again = {*anew, *agreed.being_copied_again(tx)}
    copied |= again
    change = changed(then, now, copied, anew=again) if then is not None and copied else None
    replaced: tuple[str, ...] = ()
    if change is not None and replaceable and then is not None and is_same_place(then, now):
        replaced = change.other
    if change is not None and not replaced and (change.other or not confirmed):
        raise _stale(context, change)
    if then is None or change is not None or again or not copied:
        with context.transaction() as tx:
            journal.set_source(tx, context.source.url, now)
    return replaced


def another_source(context: Context, entities: Sequence[EntityInfo]) -> str | None:
    """Return a sentence if this is not the source that the copy began with, else None."""
    with context.transaction() as tx:
        then, copied = journal.find_identity(tx), {record.chunk.entity for record in journal.chunks(tx)}
    now = identity_of(context, entities)
    change = changed(then, now, copied) if then is not None and copied else None
    if change is not None and change.other and then is not None and is_same_place(then, now) and context.may_be_written:
        return f"dropped and created again in the source: {', '.join(change.other)}; the next start compares everything"
    return None if change is None else _sentence(context, change)


def _sentence(context: Context, change: Change) -> str:
    if change.other:
        named = ", ".join(change.other)
        return f"{context.source.url} is not the source that the copy began with; different entities: {named}"
    return f"the source has changed since the copy began: {change.what}"


def _stale(context: Context, change: Change) -> Stale:
    if change.other:
        with context.transaction() as tx:
            over = agreement.to_start_over(journal.find_stage(tx))
        hint = f"use the source that the copy began with, or start over: {over}"
    else:
        hint = f"{CONFIRM}, if it is the same source"
    return Stale(f"{_sentence(context, change)}; nothing was read from it", hint=hint)
