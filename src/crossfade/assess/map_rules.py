"""Rules for maps from crossfade.toml: `[survey] maps` and `objects`, each a list of "entity.path"."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from crossfade.errors import Misused
from crossfade.model.map_rules import MapRules
from crossfade.model.shape import Path, Shape, format_path, parse_path

RulesOf = Callable[[str], MapRules]

EVERY = "*"
"""Stands for every entity."""


def no_rules(entity: str) -> MapRules:
    return MapRules()


def rules_of(entity: str, maps: Iterable[str], objects: Iterable[str]) -> MapRules:
    """Return the rules for an entity. Raises Misused if a path is invalid."""
    return MapRules(frozenset(_paths(entity, "maps", maps)), frozenset(_paths(entity, "objects", objects)))


def _paths(entity: str, key: str, said: Iterable[str]) -> Iterator[Path]:
    for text in said:
        for name in (entity, EVERY):
            if text.startswith(f"{name}."):
                try:
                    yield parse_path(text[len(name) + 1 :])
                except ValueError as error:
                    raise Misused(
                        f"crossfade.toml: survey.{key}: {text!r}: {error}",
                        hint="write entity.path, the path as in source.lock.json",
                    ) from None


def not_followed(shapes: Mapping[str, Shape], maps: Iterable[str], objects: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the rules that the surveyed shapes do not follow, each with the reason: a misspelt path, or a new rule."""
    for key, said in (("maps", maps), ("objects", objects)):
        for text in said:
            nodes = [
                (f"{entity}.{format_path(path)}", shape.node(path))
                for entity, shape in shapes.items()
                for path in _paths(entity, key, [text])
            ]
            wrong = [place for place, node in nodes if node is not None and node.is_map != (key == "maps")]
            if not any(node is not None for _, node in nodes):
                yield text, "source.lock.json has no such path"
            elif wrong:
                yield text, f"{wrong[0]} is {'not a map' if key == 'maps' else 'a map'} in source.lock.json"
