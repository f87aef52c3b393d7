"""Lists what a source in memory holds."""

from __future__ import annotations

import os
from collections.abc import Sequence

from crossfade.stores.contract import EntityInfo, Inspector
from crossfade.stores.memory.database import Database


class MemoryInspector:
    def __init__(self, database: Database) -> None:
        self._database = database

    def entities(self, named: Sequence[str] = (), *, sized: bool = True) -> Sequence[EntityInfo]:
        return [self._info(name) for name in sorted(self._database.entities)]

    def place(self) -> tuple[str, tuple[str, ...]]:
        return self._database.name, (f"memory of process {os.getpid()}",)

    def version(self) -> str:
        return "memory"

    def _info(self, name: str) -> EntityInfo:
        held = self._database.entities[name]
        size = sum(map(len, held.records.values()))
        return EntityInfo(name, "collection", "copied", True, len(held.records), size, identity=held.identity)


_: type[Inspector] = MemoryInspector
