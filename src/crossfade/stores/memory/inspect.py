"""Lists what a source in memory holds."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence

from crossfade.model.findings import Finding
from crossfade.model.shape import Shape
from crossfade.stores.contract import EntityInfo, Inspector
from crossfade.stores.memory.database import Database


class MemoryInspector:
    def __init__(self, database: Database) -> None:
        self._database = database

    def entities(self, named: Sequence[str] = (), *, sized: bool = True) -> Sequence[EntityInfo]:
        return [self._info(name) for name in sorted(self._database.entities)]

    def altered(self, shapes: Collection[Shape]) -> Mapping[str, Sequence[str]]:
        """Return nothing: only its records say what they have."""
        return {}

    def doubtful(self, entities: Collection[str]) -> Sequence[Finding]:
        """Return nothing: only its application removes records."""
        return ()

    def place(self) -> tuple[str, tuple[str, ...]]:
        return self._database.name, (f"memory of process {os.getpid()}",)

    def version(self) -> str:
        return "memory"

    def _info(self, name: str) -> EntityInfo:
        stored = self._database.entities[name]
        size = sum(map(len, stored.records.values()))
        return EntityInfo(name, "collection", "copied", True, len(stored.records), size, identity=stored.identity)


_: type[Inspector] = MemoryInspector
