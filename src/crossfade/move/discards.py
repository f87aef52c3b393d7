"""Which entities each discard of a project applies to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crossfade.model.patterns import is_pattern, matching
from crossfade.model.shape import Shape, parse_path
from crossfade.project import Discard


def of_entities(
    discards: Sequence[Discard], shapes: Mapping[str, Shape], surveyed: Mapping[str, Shape]
) -> tuple[Discard, ...]:
    """Return a discard for each entity that its pattern matches. One that matches only entities of other groups is left
    out. `shapes` are those of the move's own entities, `surveyed` those of all.
    """
    out: list[Discard] = []
    for discard in discards:
        named = matching(discard.entity or "", surveyed)
        if named and not any(entity in shapes for entity in named):
            continue
        entities = [discard.entity] if discard.table is not None else _meant(discard, shapes)
        out += [discard.model_copy(update={"entity": e}) for e in entities]
    return tuple(out)


def _meant(discard: Discard, shapes: Mapping[str, Shape]) -> Sequence[str | None]:
    """Return the entities that a discard applies to, or its own text if there are none: `check` calls it stale."""
    assert discard.entity is not None
    matched = matching(discard.entity, shapes)
    if discard.empty:
        return [e for e in matched if not shapes[e].count] or [discard.entity]
    if discard.path is None or not is_pattern(discard.entity):
        return matched or [discard.entity]
    try:
        place = parse_path(discard.path)
    except ValueError:
        return matched
    return [e for e in matched if shapes[e].node(place) is not None] or matched or [discard.entity]
