"""Which objects of an entity are maps, as far as a person said it."""

from __future__ import annotations

from dataclasses import dataclass

from crossfade.model.shape import Path


@dataclass(frozen=True)
class MapRules:
    """What a person said of one entity: paths of objects that are maps, and of objects that are none."""

    maps: frozenset[Path] = frozenset()
    objects: frozenset[Path] = frozenset()

    def may_fold(self, path: Path) -> bool:
        """Whether the object at this path may become a map: the record itself never does."""
        return bool(path) and path not in self.objects
