"""Survey the source and write the lock file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from crossfade.assess.drift import compare
from crossfade.assess.lock import read_lock, write_lock
from crossfade.assess.map_rules import rules_of
from crossfade.assess.survey import choose
from crossfade.assess.survey import survey as run_survey
from crossfade.errors import CrossfadeError, Misused, Refused
from crossfade.model.counts import counted
from crossfade.model.events import Listener, SurveyStarted
from crossfade.model.shape import Shape
from crossfade.move.context import Context
from crossfade.move.executors import executor_for
from crossfade.move.steady import require_steady
from crossfade.stores.contract import EntityInfo, need
from crossfade.stores.open import open_store


def entities(context: Context, *, sized: bool = True) -> Sequence[EntityInfo]:
    """Return what the source holds; of a group, only its own entities."""
    source, project = context.source, context.project
    found = need(source.inspector, source, "be inspected").entities(project.settings.entities, sized=sized)
    return [info for info in found if project.has_entity(info.name)]


def survey(context: Context, listen: Listener) -> tuple[list[Shape], list[EntityInfo]]:
    if context.project.group:
        raise Misused(
            f"a survey is of all entities, not of the group {context.project.group}; nothing was read",
            hint="crossfade survey",
        )
    found = list(entities(context))
    opener = partial(open_store, context.source_url, context.run, snapshot=context.snapshot)
    named = context.project.settings.entities
    chosen = choose(found, named)
    listen(SurveyStarted(len(chosen), sum(e.count for e in chosen)))
    said = context.project.settings.survey
    rules, refused = partial(rules_of, maps=said.maps, objects=said.objects), dict[str, Refused]()
    count = partial(run_survey, opener, found, named=named, rules=rules, listener=listen, refused=refused)
    if context.workers > 1 or context.scheduler:
        with executor_for(context, context.workers, listen, target=False) as executor:
            shapes = count(executor=executor)
    else:
        shapes = count()
    require_steady(context, "survey")
    write_lock(context.project.lock_file, shapes)
    context.forget_survey()
    _require_all(refused, context.project.lock_file.name)
    return shapes, found


def lock_before(context: Context) -> list[Shape] | None:
    """Return the shapes of the last survey, or None if there was none or its file is damaged."""
    try:
        return read_lock(context.project.lock_file)
    except CrossfadeError:
        return None


def changes_since(before: Sequence[Shape], shapes: Sequence[Shape], entities: Sequence[EntityInfo]) -> list[str]:
    """Return sentences on how the source differs from an earlier survey."""
    return compare(before, shapes, {e.name for e in entities})


def _require_all(refused: Mapping[str, Refused], lock_file: str) -> None:
    if refused:
        said = "\n".join(error.message for error in refused.values())
        hints = dict.fromkeys(error.hint for error in refused.values() if error.hint)
        raise Refused(
            f"{said}\n{counted(len(refused), 'entity', 'entities')} not surveyed; the others are in {lock_file}",
            hint=next(iter(hints), None),
        )


__all__ = ["changes_since", "entities", "lock_before", "survey"]
