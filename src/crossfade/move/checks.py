"""What is asked before anything is written: whether all is covered, and whether the survey is still true."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from crossfade.assess.survey import choose
from crossfade.documents.columns import compile_columns
from crossfade.errors import Stale, Uncovered
from crossfade.mapping.check import check as run_check
from crossfade.mapping.coverage import Finding
from crossfade.mapping.engine import Engine
from crossfade.model.counts import counted
from crossfade.model.shape import Shape
from crossfade.move.ground import Ground
from crossfade.stores.contract import EntityInfo


def check(ground: Ground, meanwhile: Callable[[], object] = lambda: None) -> list[Finding]:
    """`meanwhile` is done before the schema is asked for, which may have to be waited for."""
    with closing(Engine()) as engine:
        engine.open()
        meanwhile()
        return run_check(ground.program, ground.shapes, ground.schema, ground.discards, _empty, engine)


def require_covered(ground: Ground, meanwhile: Callable[[], object] = lambda: None) -> None:
    faults = [f for f in check(ground, meanwhile) if f.severity == "fault"]
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
