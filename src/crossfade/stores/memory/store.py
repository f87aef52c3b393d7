"""A database of this process as its parts."""

from __future__ import annotations

from crossfade.records.bson.codec import BSON
from crossfade.stores.contract import Store, Traits
from crossfade.stores.memory.changes import MemoryChanges
from crossfade.stores.memory.conflicts import MemoryConflicts
from crossfade.stores.memory.database import database
from crossfade.stores.memory.ddl import MemoryDdl
from crossfade.stores.memory.fence import MemoryFence
from crossfade.stores.memory.inspect import MemoryInspector
from crossfade.stores.memory.rows import MemoryRowReader
from crossfade.stores.memory.source import MemoryReader
from crossfade.stores.memory.steps import MemorySteps
from crossfade.stores.memory.target import MemoryWriter


def open_memory(url: str) -> Store:
    """Return the store of the database at `memory://NAME`, which is empty at first. Its records are documents."""
    stored = database(url, BSON)
    return Store(
        scheme="memory",
        url=url,
        traits=Traits(in_process=True, dialect="memory"),
        inspector=MemoryInspector(stored),
        reader=MemoryReader(stored),
        codec=BSON,
        writer=MemoryWriter(stored),
        row_reader=MemoryRowReader(stored),
        ddl=MemoryDdl(stored),
        steps=MemorySteps(stored),
        conflicts=MemoryConflicts(stored),
        changes=MemoryChanges(stored),
        fence=MemoryFence(stored),
    )
