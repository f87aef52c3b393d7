"""The survey: what the source holds, as the lock file keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from crossfade.assess.lock import write_lock
from crossfade.assess.survey import choose
from crossfade.assess.survey import survey as run_survey
from crossfade.executor.local import make_executor
from crossfade.model.shape import Shape
from crossfade.move.events import Found, Listener
from crossfade.move.ground import Ground
from crossfade.stores.contract import EntityInfo, need
from crossfade.stores.open import open_store


def entities(ground: Ground) -> Sequence[EntityInfo]:
    source = ground.source
    return need(source.inspector, source, "be looked into").entities(ground.project.settings.entities)


def survey(ground: Ground, listen: Listener) -> tuple[list[Shape], list[EntityInfo]]:
    found = list(entities(ground))
    opener = partial(open_store, ground.project.source_url, ground.run)
    named = ground.project.settings.entities
    chosen = choose(found, named)
    listen(Found(len(chosen), sum(e.count for e in chosen)))
    if ground.workers > 1:
        with make_executor(ground.workers) as executor:
            shapes = run_survey(opener, found, named=named, executor=executor, listener=listen)
    else:
        shapes = run_survey(opener, found, named=named, listener=listen)
    write_lock(ground.project.lock_file, shapes)
    ground.forget_survey()
    return shapes, found
