"""A person's rules on which objects of an entity are maps."""

from __future__ import annotations

from dataclasses import dataclass

from crossfade.model.shape import Path


@dataclass(frozen=True)
class MapRules:
    """The rules for an entity: paths of objects that are maps, and of objects that are not."""

    maps: frozenset[Path] = frozenset()
    objects: frozenset[Path] = frozenset()

    def may_fold(self, path: Path) -> bool:
        """Return whether the object at this path may become a map. The record itself never does."""
        return bool(path) and path not in self.objects
