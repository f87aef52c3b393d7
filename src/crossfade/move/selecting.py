"""Check the names in a selection of quarantine. A misspelt name would select nothing, as if all were copied."""

from __future__ import annotations

from collections.abc import Iterable

from crossfade.errors import CrossfadeError, Misused
from crossfade.journal import journal
from crossfade.journal.causes import Cause, Selection, causes, place_of
from crossfade.model.names import choices
from crossfade.model.program import Program
from crossfade.model.reasons import REASONS
from crossfade.move.context import Context


def require_known(context: Context, of: Selection) -> None:
    """Raise Misused, with the nearest names, if a selection that found nothing contains an unknown name."""
    with context.transaction() as tx:
        in_quarantine = causes(tx, Selection(state=None), examples=1)
        copied = {chunk.chunk.entity for chunk in journal.chunks(tx)}
    program = _program(context)
    entities = {c.entity for c in in_quarantine} | copied | (set(program.feeds) if program else set())
    _require("entity", of.entity, entities, {c.entity for c in in_quarantine})
    _require("reason", of.reason, {*REASONS, *(c.reason for c in in_quarantine)}, {c.reason for c in in_quarantine})
    _require("table or column", of.place, _places(in_quarantine) | _filled(program), _places(in_quarantine))


def _require(what: str, name: str | None, known: set[str], in_quarantine: set[str]) -> None:
    """Raise Misused for an unknown name. Suggest names in quarantine first, because they are usually meant."""
    if name is not None and name not in known:
        hint = choices(name, known if not in_quarantine else _offered(name, known, in_quarantine))
        raise Misused(f"there is no {what} {name!r}; nothing was done", hint=hint)


def _offered(name: str, known: set[str], in_quarantine: set[str]) -> Iterable[str]:
    near = choices(name, known)
    return in_quarantine | {word for word in known if near is not None and near.split(" ")[0] == word}


def _program(context: Context) -> Program | None:
    try:
        return context.compiled.program
    except CrossfadeError:  # quarantine can be listed even if a mapping has a fault
        return None


def _places(in_quarantine: Iterable[Cause]) -> set[str]:
    found = {(c.table, c.column) for c in in_quarantine}
    return {place for t, c in found for place in (place_of(t, c), t, c) if place}


def _filled(program: Program | None) -> set[str]:
    branches = program.branches if program is not None else ()
    columns = {place for b in branches for name in b.outputs for place in (name, f"{b.table}.{name}")}
    return columns | {b.table for b in branches}
