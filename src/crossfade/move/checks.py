"""What is asked before anything is written: whether all is covered, and whether the survey is still true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crossfade.assess.survey import choose
from crossfade.documents.columns import compile_columns
from crossfade.errors import Stale, Uncovered
from crossfade.mapping.check import check as run_check
from crossfade.mapping.coverage import Finding
from crossfade.model.counts import counted
from crossfade.model.shape import Shape
from crossfade.move.ground import Ground
from crossfade.stores.contract import EntityInfo


def check(ground: Ground) -> list[Finding]:
    return run_check(ground.program, ground.shapes, ground.schema, ground.discards, _empty)


def require_covered(ground: Ground) -> None:
    faults = [f for f in check(ground) if f.severity == "fault"]
    if faults:
        lines = [f"{f.place}: {f.message}" + (f"\n  Try: {f.hint}" if f.hint else "") for f in faults]
        head = f"{counted(len(faults), 'fault')}; nothing was written"
        raise Uncovered("\n".join([head, *lines]), faults, hint="crossfade check")


def require_current_lock(ground: Ground, entities: Sequence[EntityInfo]) -> None:
    """What came into the source after the survey would be left behind without a word. `entities` is what is there."""
    chosen = {e.name for e in choose(entities, ground.project.settings.entities)}
    new, gone = sorted(chosen - ground.shapes.keys()), sorted(ground.shapes.keys() - {e.name for e in entities})
    parts = [f"{what}: {', '.join(names)}" for what, names in (("new", new), ("no longer there", gone)) if names]
    if parts:
        raise Stale(
            f"{ground.project.lock_file.name} is older than the source ({'; '.join(parts)}); nothing was written",
            hint="crossfade survey, then crossfade check",
        )


def _empty(shape: Shape, columns: Sequence[Any]) -> Any:
    return compile_columns(shape, columns).read(b"").table
