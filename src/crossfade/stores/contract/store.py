"""A database as a bundle of its abilities, and facts about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from crossfade.errors import Unsupported
from crossfade.records.codec import Codec
from crossfade.stores.contract.changes import ChangeFeed
from crossfade.stores.contract.conflicts import Conflicts
from crossfade.stores.contract.ddl import Ddl
from crossfade.stores.contract.fence import Fence
from crossfade.stores.contract.inspect import Inspector
from crossfade.stores.contract.rows import RowReader
from crossfade.stores.contract.source import Reader
from crossfade.stores.contract.steps import Steps
from crossfade.stores.contract.survey import Surveyor
from crossfade.stores.contract.target import Writer
from crossfade.stores.contract.watch import Watch

Part = TypeVar("Part")


@dataclass(frozen=True)
class Traits:
    """Facts about a store, phrased as questions."""

    has_journal_schema: bool = False  # does the journal have a schema of its own (or a table prefix)?
    journal_prefix: str = "crossfade_"  # the prefix of the journal's tables if it has no schema
    constraints_after_tables: bool = True  # can constraints be added to a table that exists?
    is_file: bool = False  # is it a file (or a folder) of this machine, which other machines may not have?
    has_unique_keys: bool = True  # does an entity hold every key once?
    dialect: str = ""  # in which SQL is its schema written (model/dialects.py)? "" if it is no target
    transactional_ddl: bool = True  # does a statement of the schema roll back with its transaction?
    in_process: bool = False  # does it live in this process, where no other one can see it?


@dataclass(frozen=True)
class Store:
    """A database as its parts. `url` is shown to people: its password is hidden."""

    scheme: str
    url: str
    traits: Traits = Traits()
    inspector: Inspector | None = None
    reader: Reader | None = None
    codec: Codec | None = None
    surveyor: Surveyor | None = None
    writer: Writer | None = None
    row_reader: RowReader | None = None
    ddl: Ddl | None = None
    steps: Steps | None = None
    watch: Watch | None = None
    conflicts: Conflicts | None = None
    changes: ChangeFeed | None = None
    fence: Fence | None = None
    snapshot: Callable[[], str] | None = None
    """Names the state of the source that this store reads, for others that open it (`open_store`), as long as it is
    open. None: every read sees what is there then.
    """
    changed: Callable[[], Sequence[str]] | None = None
    """Return the entities that were written since `snapshot` was called, for stores whose state others cannot see."""
    closer: Any = None

    def close(self) -> None:
        if self.closer is not None:
            self.closer()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def need(part: Part | None, store: Store, ability: str) -> Part:
    """Return the part. Raises `Unsupported`, which names the store and what it cannot do, if there is none."""
    if part is None:
        raise Unsupported(f"{store.scheme} cannot {ability} ({store.url})")
    return part
